//! [`super::columns`] as matrices of int64. The threads that encode texts write the rows, where it is known beforehand how wide
//! they can become; else they are written, by threads as well, when all texts are encoded.

use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use rayon::prelude::*;
use tokenfoundry_base::{Ragged, pool};
use tokenfoundry_bpe::tokenizer::{Options, Text, groups};

use super::columns::{Shape, ids_in, too_great};
use super::lists::{self, PARALLEL_BYTES};
use super::tokenizer::PyTokenizer;
use crate::buffers::matrix::Unwritten;
use crate::buffers::texts::Texts;
use crate::{errors, gate};

/// Consecutive rows of both matrices and how many ids each has, to be written once.
struct Part<'a> {
    ids: &'a mut [MaybeUninit<i64>],
    mask: &'a mut [MaybeUninit<i64>],
    lengths: &'a mut [i64],
}

impl Part<'_> {
    /// How many rows were written: all, if `rows` are as many as there is room for.
    fn write(self, shape: &Shape, width: usize, rows: &Ragged<u32>) -> usize {
        let places = self.ids.chunks_exact_mut(width).zip(self.mask.chunks_exact_mut(width)).zip(self.lengths);
        let mut written = 0;
        for (((ids, mask), length), row) in places.zip(rows.rows()) {
            let kept = shape.kept(row);
            let filled = shape.filled(row);
            *length = filled as i64;
            let start = if shape.pad_left { width - filled } else { 0 };
            fill_with(&mut ids[..start], i64::from(shape.pad_id));
            fill_with(&mut ids[start + filled..], i64::from(shape.pad_id));
            let (before, rest) = ids[start..start + filled].split_at_mut(shape.before.len());
            let (text, after) = rest.split_at_mut(kept.len());
            widen(before, &shape.before);
            widen(text, kept);
            widen(after, &shape.after);
            fill_with(&mut mask[..start], 0);
            fill_with(&mut mask[start..start + filled], 1);
            fill_with(&mut mask[start + filled..], 0);
            written += 1;
        }
        written
    }
}

fn fill_with(places: &mut [MaybeUninit<i64>], value: i64) {
    places.fill(MaybeUninit::new(value));
}

fn widen(places: &mut [MaybeUninit<i64>], ids: &[u32]) {
    for (place, &id) in places.iter_mut().zip(ids) {
        place.write(i64::from(id));
    }
}

/// Both matrices, row after row, and how many ids each row has.
struct Filled {
    ids: Vec<i64>,
    mask: Vec<i64>,
    lengths: Vec<i64>,
}

/// Room for both matrices, given to `write` in parts of so many rows each; `write` says how many rows it has written.
fn in_parts<E: From<PyErr>>(
    counts: &[usize],
    width: usize,
    write: impl FnOnce(&[Mutex<Option<Part<'_>>>]) -> Result<usize, E>,
) -> Result<Filled, E> {
    let rows = counts.iter().sum();
    let size = ids_in(rows, width)?;
    let room = || Unwritten::new(size).ok_or_else(|| too_great(rows, width));
    let (mut ids, mut mask, mut lengths) = (room()?, room()?, vec![0; rows]);
    let (mut ids_left, mut mask_left, mut lengths_left) = (ids.places(), mask.places(), &mut lengths[..]);
    let mut parts = Vec::with_capacity(counts.len());
    for &count in counts {
        let (ids, mask, lengths);
        (ids, ids_left) = ids_left.split_at_mut(count * width);
        (mask, mask_left) = mask_left.split_at_mut(count * width);
        (lengths, lengths_left) = lengths_left.split_at_mut(count);
        parts.push(Mutex::new(Some(Part { ids, mask, lengths })));
    }
    let written = write(&parts)?;
    drop(parts);
    if written != rows {
        return Err(errors::input(format!("{written} of {rows} rows were written; please report it")).into());
    }
    // SAFETY: `Part::write` writes each value of a row of both matrices, and counts it; a part is taken out of its place to
    // be written, so no row is counted twice, and as many were counted as there are.
    let (ids, mask) = unsafe { (ids.written(size), mask.written(size)) };
    Ok(Filled { ids, mask, lengths })
}

/// Write the part of a number.
fn write_part(
    parts: &[Mutex<Option<Part<'_>>>],
    number: usize,
    shape: &Shape,
    width: usize,
    rows: &Ragged<u32>,
) -> usize {
    let part = parts[number].lock().unwrap_or_else(PoisonError::into_inner).take();
    part.map_or(0, |part| part.write(shape, width, rows))
}

/// The widest that rows can become, if it is known before they are encoded, and worth the room.
fn widest(shape: &Shape, rows: usize, bytes: usize) -> Option<usize> {
    let most = shape.limit?.checked_add(shape.before.len() + shape.after.len())?;
    let width = shape.width(most);
    let is_exact = shape.length.is_some();
    (shape.pads && width >= most && width > 0 && (is_exact || width.checked_mul(rows)? <= bytes.checked_mul(2)?))
        .then_some(width)
}

/// Rows of `width`, written as they are encoded.
fn at_once(
    python: Python<'_>,
    tokenizer: &PyTokenizer,
    texts: &[Text<'_>],
    options: &Options,
    shape: &Shape,
    width: usize,
) -> PyResult<Filled> {
    let groups = groups(texts);
    let bytes: usize = texts.iter().map(|text| text.as_ref().len()).sum();
    let most = shape.most_encoded();
    let counts: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let threads = if bytes >= PARALLEL_BYTES && groups.len() >= 2 { pool::default_threads() } else { 1 };
    in_parts(&counts, width, |parts| {
        tokenizer.run(python, bytes, |inner, cancel| {
            if threads >= 2 {
                let written = Mutex::new(0);
                inner.encode_groups(&groups, options, most, threads, cancel, |number, rows| {
                    let now = write_part(parts, number, shape, width, &rows);
                    *written.lock().unwrap_or_else(PoisonError::into_inner) += now;
                })?;
                return Ok(written.into_inner().unwrap_or_else(PoisonError::into_inner));
            }
            let (mut rows, mut written) = (Ragged::default(), 0);
            for (number, group) in groups.iter().enumerate() {
                rows.values.clear();
                rows.offsets.truncate(1);
                match most {
                    Some(most) => inner.encode_rows_up_to(most, group, options, cancel, &mut rows)?,
                    None => inner.encode_rows(group, options, cancel, &mut rows)?,
                }
                written += write_part(parts, number, shape, width, &rows);
            }
            Ok(written)
        })
    })
}

/// Rows as wide as the longest, or as is asked for; `None` if they would be of different lengths.
fn afterwards(
    python: Python<'_>,
    tokenizer: &PyTokenizer,
    texts: &[Text<'_>],
    options: &Options,
    shape: &Shape,
) -> PyResult<Option<(Filled, usize)>> {
    let mut parts: Vec<(usize, Ragged<u32>)> = Vec::new();
    let (mut shortest, mut longest) = (usize::MAX, 0);
    lists::each(tokenizer, python, texts, options, shape.most_encoded(), None, |first, rows| {
        for length in rows.rows().map(|ids| shape.filled(ids)) {
            (shortest, longest) = (shortest.min(length), longest.max(length));
        }
        parts.push((first, std::mem::take(rows)));
        Ok(())
    })?;
    let padded = shape.width(longest);
    let width = padded.max(longest);
    if width != shortest && width > padded {
        return Ok(None);
    }
    if width == 0 {
        return Ok(Some((Filled { ids: Vec::new(), mask: Vec::new(), lengths: vec![0; texts.len()] }, 0)));
    }
    parts.sort_unstable_by_key(|(first, _)| *first);
    let counts: Vec<usize> = parts.iter().map(|(_, rows)| rows.len()).collect();
    let filled = in_parts(&counts, width, |places| {
        let write = |number: usize| write_part(places, number, shape, width, &parts[number].1);
        Ok::<usize, PyErr>(gate::brief(python, || match counts.len() {
            0 | 1 => (0..counts.len()).map(write).sum(),
            many => pool::install(None, || (0..many).into_par_iter().map(write).sum()),
        }))
    })?;
    Ok(Some((filled, width)))
}

/// Rows that have become less wide than there was room for.
fn narrowed(values: &mut Vec<i64>, rows: usize, from: usize, to: usize, at_end: bool) {
    let skipped = if at_end { from - to } else { 0 };
    for row in 0..rows {
        let start = row * from + skipped;
        values.copy_within(start..start + to, row * to);
    }
    values.truncate(rows * to);
    if to < from / 2 {
        values.shrink_to_fit();
    }
}

/// Matrices of shape (texts, width): ids, masks, and how many ids each text has with what is around it.
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
    let rows = borrowed.len();
    let (filled, width) = match widest(&shape, rows, texts.total_bytes()) {
        Some(room) => {
            let mut filled = at_once(python, tokenizer, &borrowed, &options, &shape, room)?;
            let longest = filled.lengths.iter().copied().max().unwrap_or(0) as usize;
            let width = shape.width(longest);
            if width < room {
                gate::brief(python, || {
                    narrowed(&mut filled.ids, rows, room, width, shape.pad_left);
                    narrowed(&mut filled.mask, rows, room, width, shape.pad_left);
                });
            }
            (filled, width)
        }
        None => match afterwards(python, tokenizer, &borrowed, &options, &shape)? {
            Some(made) => made,
            None => return Ok(None),
        },
    };
    Ok(Some((
        filled.ids.into_pyarray(python).reshape([rows, width])?,
        filled.mask.into_pyarray(python).reshape([rows, width])?,
        filled.lengths.into_pyarray(python),
    )))
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_function(wrap_pyfunction!(encode_matrices, room)?)
}
