//! Whole documents: identical ones and nearly identical ones.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenfoundry_dedup::bands::Bands;
use tokenfoundry_dedup::exact::{Sameness, exact as exact_of};
use tokenfoundry_dedup::shingle::Unit;

use super::{OptionFields, cancelled, checked, options, order, result, unit};
use crate::buffers::texts::Texts;
use crate::{errors, gate};

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

/// The exact similarity of pairs of texts, `lefts[left[i]]` with `rights[right[i]]`.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn similarities<'py>(
    python: Python<'py>,
    lefts: Texts,
    rights: Texts,
    left: PyReadonlyArray1<'py, u32>,
    right: PyReadonlyArray1<'py, u32>,
    unit_name: &str,
    ngram: usize,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let unit = unit(unit_name)?;
    let texts = (checked(&lefts, unit)?, checked(&rights, unit)?);
    let pairs: Vec<(u32, u32)> = left.as_slice()?.iter().copied().zip(right.as_slice()?.iter().copied()).collect();
    let outside = |&(left, right): &(u32, u32)| left as usize >= lefts.len() || right as usize >= rights.len();
    if pairs.iter().any(outside) {
        return Err(errors::input("a pair names a text that is not there"));
    }
    let found = gate::long(python, |cancel| {
        tokenfoundry_dedup::near::similarities((&texts.0, &texts.1), &pairs, (unit, ngram), threads, cancel)
    })?;
    Ok(found.map_err(cancelled)?.into_pyarray(python))
}
