//! Rows of tokens cut to a length, and as a matrix.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use tokenfoundry_base::Ragged;
use tokenfoundry_bpe::rows::{self, Side};

use crate::buffers::arrays;
use crate::{errors, gate};

pub(super) fn side(name: &str, of: &str) -> PyResult<Side> {
    match name {
        "left" => Ok(Side::Left),
        "right" => Ok(Side::Right),
        other => Err(errors::input(format!("{of} must be \"left\" or \"right\", not {other:?}"))),
    }
}

#[pyfunction]
#[allow(clippy::type_complexity)]
fn truncate_rows<'py>(
    python: Python<'py>,
    values: PyReadonlyArray1<'py, u32>,
    offsets: PyReadonlyArray1<'py, i64>,
    length: usize,
    before: usize,
    after: usize,
    truncation_side: &str,
) -> PyResult<(Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<i64>>)> {
    let side = side(truncation_side, "truncation_side")?;
    let ragged = Ragged { values: values.as_slice()?.to_vec(), offsets: offsets.as_slice()?.to_vec() };
    let cut = gate::brief(python, || rows::truncated(&ragged, length, before, after, side));
    Ok(arrays::ragged(python, cut))
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn pad_rows<'py>(
    python: Python<'py>,
    values: PyReadonlyArray1<'py, u32>,
    offsets: PyReadonlyArray1<'py, i64>,
    length: usize,
    pad_id: u32,
    padding_side: &str,
    truncation_side: &str,
) -> PyResult<Bound<'py, PyArray2<u32>>> {
    let (padding, cut) = (side(padding_side, "padding_side")?, side(truncation_side, "truncation_side")?);
    let (values, offsets) = (values.as_slice()?, offsets.as_slice()?);
    let row_count = offsets.len().saturating_sub(1);
    let matrix = gate::brief(python, || rows::padded(values, offsets, length, pad_id, padding, cut));
    let matrix = matrix.ok_or_else(|| {
        errors::input(format!(
            "{row_count} rows of {length} tokens do not fit in memory, or offsets lie outside the values"
        ))
    })?;
    matrix.into_pyarray(python).reshape([row_count, length])
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_function(wrap_pyfunction!(truncate_rows, room)?)?;
    room.add_function(wrap_pyfunction!(pad_rows, room)?)
}
