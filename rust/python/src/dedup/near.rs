//! Whole documents: identical ones and nearly identical ones.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenfoundry_dedup::bands::Bands;
use tokenfoundry_dedup::exact::{Sameness, exact as exact_of};
use tokenfoundry_dedup::shingle::Unit;

use super::{OptionFields, cancelled, checked, options, order, result};
use crate::buffers::texts::Texts;
use crate::gate;

#[pyfunction]
pub fn bands_for_threshold(threshold: f64, recall: f64) -> (usize, usize) {
    let shape = Bands::for_threshold(threshold, recall);
    (shape.bands, shape.rows)
}

#[pyfunction]
pub fn byte_lengths<'py>(python: Python<'py>, texts: Texts) -> Bound<'py, PyArray1<i64>> {
    let lengths: Vec<i64> = (0..texts.len()).map(|index| texts.get(index).len() as i64).collect();
    lengths.into_pyarray(python)
}

#[pyfunction]
pub fn exact<'py>(
    python: Python<'py>,
    texts: Texts,
    given_order: Option<PyReadonlyArray1<'py, u32>>,
    normalized: bool,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let (unit, sameness) = if normalized { (Unit::Words, Sameness::Words) } else { (Unit::Bytes, Sameness::Bytes) };
    let bytes = checked(&texts, unit)?;
    let order = order(given_order, texts.len())?;
    let found = gate::long(python, |cancel| exact_of(&bytes, sameness, &order, threads, cancel))?;
    result(python, found.map_err(cancelled)?)
}

#[pyfunction]
pub fn near_duplicates<'py>(
    python: Python<'py>,
    texts: Texts,
    given_order: Option<PyReadonlyArray1<'py, u32>>,
    fields: OptionFields,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let options = options(fields)?;
    let bytes = checked(&texts, options.unit)?;
    let order = order(given_order, texts.len())?;
    let found = gate::long(python, |cancel| {
        tokenfoundry_dedup::near::near_duplicates(&bytes, &order, options, threads, cancel)
    })?;
    result(python, found.map_err(cancelled)?)
}
