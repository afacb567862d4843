//! The columns of a `transformers` batch: ids with a template around them, cut and padded, and the mask of what is no padding.
//! As lists here, as matrices in [`super::matrices`].

use pyo3::prelude::*;
use pyo3::types::PyList;
use tokenfoundry_base::Ragged;

use super::lists;
use super::tokenizer::PyTokenizer;
use crate::buffers::ints;
use crate::buffers::texts::Texts;
use crate::errors;

/// What is done to each row.
#[derive(FromPyObject)]
pub(super) struct Shape {
    pub(super) before: Vec<u32>,
    pub(super) after: Vec<u32>,
    /// How many ids of a text are kept, those at its end with `cut_left`.
    pub(super) limit: Option<usize>,
    pub(super) cut_left: bool,
    pub(super) pads: bool,
    /// Pad to this; to the longest row if `None`.
    pub(super) length: Option<usize>,
    multiple: Option<usize>,
    pub(super) pad_id: u32,
    pub(super) pad_left: bool,
}

impl Shape {
    /// How many ids of a text are asked for; of one that is cut at its left, all.
    pub(super) fn most_encoded(&self) -> Option<usize> {
        self.limit.filter(|_| !self.cut_left)
    }

    pub(super) fn kept<'a>(&self, ids: &'a [u32]) -> &'a [u32] {
        let limit = ids.len().min(self.limit.unwrap_or(usize::MAX));
        if self.cut_left { &ids[ids.len() - limit..] } else { &ids[..limit] }
    }

    pub(super) fn filled(&self, ids: &[u32]) -> usize {
        self.kept(ids).len() + self.before.len() + self.after.len()
    }

    /// What rows are padded to, if the longest has `longest`.
    pub(super) fn width(&self, longest: usize) -> usize {
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

pub(super) fn too_great(rows: usize, width: usize) -> PyErr {
    errors::input(format!("{rows} rows of {width} ids do not fit in memory"))
}

/// The ids in so many rows, which fit in memory with eight bytes each.
pub(super) fn ids_in(rows: usize, width: usize) -> PyResult<usize> {
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

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_function(wrap_pyfunction!(encode_columns, room)?)
}
