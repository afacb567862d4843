//! The columns of a `transformers` batch: ids with a template around them, cut and padded, and the mask of what is no padding.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyList;
use tokenfoundry_base::Ragged;
use tokenfoundry_kernels::huge_pages;

use super::lists;
use super::tokenizer::PyTokenizer;
use crate::buffers::ints;
use crate::buffers::texts::Texts;
use crate::{errors, gate};

/// What is done to each row.
#[derive(FromPyObject)]
struct Shape {
    before: Vec<u32>,
    after: Vec<u32>,
    /// How many ids of a text are kept, those at its end with `cut_left`.
    limit: Option<usize>,
    cut_left: bool,
    pads: bool,
    /// Pad to this; to the longest row if `None`.
    length: Option<usize>,
    multiple: Option<usize>,
    pad_id: u32,
    pad_left: bool,
}

impl Shape {
    /// How many ids of a text are asked for; of one that is cut at its left, all.
    fn most_encoded(&self) -> Option<usize> {
        self.limit.filter(|_| !self.cut_left)
    }

    fn kept<'a>(&self, ids: &'a [u32]) -> &'a [u32] {
        let limit = ids.len().min(self.limit.unwrap_or(usize::MAX));
        if self.cut_left { &ids[ids.len() - limit..] } else { &ids[..limit] }
    }

    fn filled(&self, ids: &[u32]) -> usize {
        self.kept(ids).len() + self.before.len() + self.after.len()
    }

    /// What rows are padded to, if the longest has `longest`.
    fn width(&self, longest: usize) -> usize {
        let width = if self.pads { self.length.unwrap_or(longest) } else { 0 };
        match self.multiple {
            Some(multiple) if multiple > 0 && self.pads => width.div_ceil(multiple).saturating_mul(multiple),
            _ => width,
        }
    }

    /// `row` becomes the ids with what is around them, padded to `width`.
    fn arrange<'a>(&self, ids: &'a [u32], width: usize, row: &'a mut Vec<u32>) -> &'a [u32] {
        let kept = self.kept(ids);
        let padding = width.saturating_sub(self.filled(ids));
        if padding == 0 && self.before.is_empty() && self.after.is_empty() {
            return kept;
        }
        row.clear();
        let (left, right) = if self.pad_left { (padding, 0) } else { (0, padding) };
        row.resize(left, self.pad_id);
        row.extend_from_slice(&self.before);
        row.extend_from_slice(kept);
        row.extend_from_slice(&self.after);
        row.resize(row.len() + right, self.pad_id);
        row
    }

    /// `row` becomes the mask of a row of `filled` ids, padded to `width`.
    fn mask<'a>(&self, filled: usize, width: usize, row: &'a mut Vec<u32>) -> &'a [u32] {
        let padding = width.saturating_sub(filled);
        if padding == 0 {
            // Longer rows of ones serve shorter ones.
            if row.len() < filled || row.first() != Some(&1) || row.last() != Some(&1) {
                row.clear();
                row.resize(filled, 1);
            }
            return &row[..filled];
        }
        row.clear();
        let (left, right) = if self.pad_left { (padding, 0) } else { (0, padding) };
        row.resize(left, 0);
        row.resize(left + filled, 1);
        row.resize(left + filled + right, 0);
        row
    }
}

fn too_great(rows: usize, width: usize) -> PyErr {
    errors::input(format!("{rows} rows of {width} ids do not fit in memory"))
}

/// The ids in so many rows, which fit in memory with eight bytes each.
fn ids_in(rows: usize, width: usize) -> PyResult<usize> {
    let ids = width.checked_mul(rows).filter(|&ids| ids <= isize::MAX as usize / 8);
    ids.ok_or_else(|| too_great(rows, width))
}

/// Lists of ids, of their masks if `with_masks`, and how many ids each text has with what is around it, if one has more than
/// `long`.
#[pyfunction]
#[pyo3(signature = (tokenizer, texts, allowed_special, shape, with_masks, long))]
#[allow(clippy::type_complexity)]
fn encode_columns<'py>(
    python: Python<'py>,
    tokenizer: &PyTokenizer,
    texts: Texts,
    allowed_special: Option<&Bound<'py, PyAny>>,
    shape: Shape,
    with_masks: bool,
    long: usize,
) -> PyResult<(Bound<'py, PyList>, Option<Bound<'py, PyList>>, Option<Vec<usize>>)> {
    let options = tokenizer.options(false, allowed_special)?;
    let borrowed = texts.texts();
    let most = shape.most_encoded();
    let mut lists = ints::empty_lists(python, borrowed.len());
    let mut masks = ints::empty_lists(python, if with_masks { borrowed.len() } else { 0 });
    let mut lengths = vec![0; borrowed.len()];
    let (mut row, mut mask) = (Vec::new(), Vec::new());
    let mut fill = |first: usize, rows: &Ragged<u32>, width: usize| -> PyResult<()> {
        for (index, ids) in (first..).zip(rows.rows()) {
            lengths[index] = shape.filled(ids);
            ints::fill(&mut lists[index], shape.arrange(ids, width, &mut row))?;
            if let Some(list) = masks.get_mut(index) {
                ints::fill(list, shape.mask(lengths[index], width, &mut mask))?;
            }
        }
        Ok(())
    };
    if shape.pads && shape.length.is_none() {
        let (mut parts, mut longest) = (Vec::new(), 0);
        lists::each(tokenizer, python, &borrowed, &options, most, None, |first, rows| {
            longest = rows.rows().map(|ids| shape.filled(ids)).fold(longest, usize::max);
            parts.push((first, std::mem::take(rows)));
            Ok(())
        })?;
        let width = shape.width(longest);
        ids_in(borrowed.len(), width)?;
        parts.iter().try_for_each(|(first, rows)| fill(*first, rows, width))?;
    } else {
        let width = shape.width(0);
        lists::each(tokenizer, python, &borrowed, &options, most, None, |first, rows| fill(first, rows, width))?;
    }
    let is_long = lengths.iter().any(|&length| length > long);
    let masks = if with_masks { Some(PyList::new(python, masks)?) } else { None };
    Ok((PyList::new(python, lists)?, masks, is_long.then_some(lengths)))
}

/// The same as matrices of int64, shape (texts, width): ids, masks, and how many ids each text has with what is around it.
///
/// `None` if the rows are of different lengths and not padded to one.
#[pyfunction]
#[pyo3(signature = (tokenizer, texts, allowed_special, shape))]
#[allow(clippy::type_complexity)]
fn encode_matrices<'py>(
    python: Python<'py>,
    tokenizer: &PyTokenizer,
    texts: Texts,
    allowed_special: Option<&Bound<'py, PyAny>>,
    shape: Shape,
) -> PyResult<Option<(Bound<'py, PyArray2<i64>>, Bound<'py, PyArray2<i64>>, Bound<'py, PyArray1<i64>>)>> {
    let options = tokenizer.options(false, allowed_special)?;
    let borrowed = texts.texts();
    let (mut lengths, mut parts) = (vec![0; borrowed.len()], Vec::new());
    let most = shape.most_encoded();
    lists::each(tokenizer, python, &borrowed, &options, most, None, |first, rows| {
        for (length, ids) in lengths[first..].iter_mut().zip(rows.rows()) {
            *length = shape.filled(ids) as i64;
        }
        parts.push((first, std::mem::take(rows)));
        Ok(())
    })?;
    let (shortest, longest) = lengths.iter().fold((i64::MAX, 0), |(least, most), &n| (n.min(least), n.max(most)));
    let padded = shape.width(longest as usize);
    let width = padded.max(longest as usize);
    if width != shortest as usize && width > padded {
        return Ok(None);
    }
    let size = ids_in(borrowed.len(), width)?;
    parts.sort_unstable_by_key(|(first, _)| *first);
    let (mut ids, mut mask) = (Vec::new(), Vec::new());
    for matrix in [&mut ids, &mut mask] {
        matrix.try_reserve_exact(size).map_err(|_| too_great(borrowed.len(), width))?;
        huge_pages::advise(matrix.spare_capacity_mut());
    }
    gate::brief(python, || {
        for row in parts.iter().flat_map(|(_, rows)| rows.rows()) {
            let kept = shape.kept(row);
            let end = ids.len() + width;
            let padding = width - shape.filled(row);
            let left = if shape.pad_left { padding } else { 0 };
            ids.resize(ids.len() + left, i64::from(shape.pad_id));
            for part in [&shape.before, kept, &shape.after] {
                ids.extend(part.iter().map(|&id| i64::from(id)));
            }
            ids.resize(end, i64::from(shape.pad_id));
            mask.resize(mask.len() + left, 0);
            mask.resize(mask.len() + width - padding, 1);
            mask.resize(end, 0);
        }
    });
    let rows = borrowed.len();
    Ok(Some((
        ids.into_pyarray(python).reshape([rows, width])?,
        mask.into_pyarray(python).reshape([rows, width])?,
        lengths.into_pyarray(python),
    )))
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_function(wrap_pyfunction!(encode_matrices, room)?)?;
    room.add_function(wrap_pyfunction!(encode_columns, room)?)
}
