//! What the drop-in classes of `tokenfoundry.compat` need beside the tokenizer: a look at texts before they are encoded,
//! and rows of ids as the padded matrices that models take.

use numpy::{PyReadonlyArray1, PyReadwriteArray2};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use crate::errors;

/// The index of the first item that is no `str`, or one with a lone surrogate; the libraries refuse both.
///
/// What it finds out is kept by the strings themselves (their UTF-8), so that encoding them does not pay again.
#[pyfunction]
fn first_not_text(texts: &Bound<'_, PyList>) -> Option<usize> {
    texts.iter().position(|item| match item.cast::<PyString>() {
        Ok(text) => text.to_str().is_err(),
        Err(_) => true,
    })
}

/// Write rows of ids into a matrix of int64, and 1 into a mask where it is not padding; both come filled with zeros.
///
/// Row `i` is `before`, the first (or with `cut_left` the last) `limit` of its ids, `after`, and padding up to the width,
/// at its left with `pad_left`. `limit` below 0: all ids. A row that is longer than the width is an error.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn fill_padded(
    mut ids: PyReadwriteArray2<'_, i64>,
    mut mask: PyReadwriteArray2<'_, i64>,
    values: PyReadonlyArray1<'_, u32>,
    offsets: PyReadonlyArray1<'_, i64>,
    before: Vec<i64>,
    after: Vec<i64>,
    limit: i64,
    cut_left: bool,
    pad_id: i64,
    pad_left: bool,
) -> PyResult<()> {
    let values = values.as_slice().map_err(|_| errors::input("values must be contiguous"))?;
    let offsets = offsets.as_slice().map_err(|_| errors::input("offsets must be contiguous"))?;
    let rows = offsets.len().saturating_sub(1);
    let length = ids.as_array().ncols();
    if [ids.as_array().dim(), mask.as_array().dim()] != [(rows, length); 2] {
        return Err(errors::input(format!("ids and mask must have a row for each of the {rows} texts")));
    }
    if rows == 0 || length == 0 {
        return Ok(());
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let ids = ids.as_slice_mut().map_err(|_| errors::input("ids must be contiguous"))?;
    let mask = mask.as_slice_mut().map_err(|_| errors::input("mask must be contiguous"))?;
    let around = before.len() + after.len();
    for (row, (ids, mask)) in ids.chunks_exact_mut(length).zip(mask.chunks_exact_mut(length)).enumerate() {
        let bounds = (usize::try_from(offsets[row]), usize::try_from(offsets[row + 1]));
        let (Ok(start), Ok(end)) = bounds else { return Err(errors::input("offsets must not be negative")) };
        let all = values.get(start..end).ok_or_else(|| errors::input("offsets must ascend within values"))?;
        let kept = all.len().min(limit);
        let kept = if cut_left { &all[all.len() - kept..] } else { &all[..kept] };
        let filled = kept.len() + around;
        if filled > length {
            return Err(errors::input(format!("row {row} has {filled} ids, more than the length {length}")));
        }
        let first = if pad_left { length - filled } else { 0 };
        if pad_id != 0 {
            ids[..first].fill(pad_id);
            ids[first + filled..].fill(pad_id);
        }
        mask[first..first + filled].fill(1);
        let ids = &mut ids[first..first + filled];
        ids[..before.len()].copy_from_slice(&before);
        for (to, from) in ids[before.len()..].iter_mut().zip(kept) {
            *to = i64::from(*from);
        }
        ids[before.len() + kept.len()..].copy_from_slice(&after);
    }
    Ok(())
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_function(wrap_pyfunction!(first_not_text, room)?)?;
    room.add_function(wrap_pyfunction!(fill_padded, room)?)
}
