//! `tokenfoundry._core.dedup`: see `python/tokenfoundry/_core/dedup.pyi` for what each name takes and gives.

use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rayon::prelude::*;
use tokenfoundry_base::{Cancelled, pool};
use tokenfoundry_dedup::bands::Bands;
use tokenfoundry_dedup::minhash::MinHash;
use tokenfoundry_dedup::near::Options;
use tokenfoundry_dedup::result::Deduplicated;

use crate::buffers::texts::Texts;
use crate::{errors, gate};

fn cancelled(_: Cancelled) -> PyErr {
    PyKeyboardInterrupt::new_err(())
}

fn result<'py>(python: Python<'py>, result: Deduplicated) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(python);
    fields.set_item("keep", result.keep.into_pyarray(python))?;
    fields.set_item("cluster", result.cluster.into_pyarray(python))?;
    fields.set_item("duplicate_of", result.duplicate_of.into_pyarray(python))?;
    fields.set_item("jaccard", result.jaccard.into_pyarray(python))?;
    let (mut left, mut right, mut similarity) = (Vec::new(), Vec::new(), Vec::new());
    for (earlier, later, jaccard) in result.pairs {
        left.push(i64::from(earlier));
        right.push(i64::from(later));
        similarity.push(jaccard);
    }
    fields.set_item("pairs_left", left.into_pyarray(python))?;
    fields.set_item("pairs_right", right.into_pyarray(python))?;
    fields.set_item("pairs_jaccard", similarity.into_pyarray(python))?;
    let stats = PyDict::new(python);
    for (name, value) in [
        ("documents", result.stats.documents),
        ("identical", result.stats.identical),
        ("short", result.stats.short),
        ("verified", result.stats.verified),
        ("confirmed", result.stats.confirmed),
        ("skipped", result.stats.skipped),
        ("removed", result.stats.removed),
    ] {
        stats.set_item(name, value)?;
    }
    fields.set_item("stats", stats)?;
    Ok(fields)
}

/// The documents from best to worst: given, or as they come.
fn order(given: Option<PyReadonlyArray1<'_, u32>>, documents: usize) -> PyResult<Vec<u32>> {
    let Some(given) = given else { return Ok((0..documents as u32).collect()) };
    let given = given.as_slice()?.to_vec();
    let mut seen = vec![false; documents];
    let permutation = given.len() == documents
        && given.iter().all(|&index| seen.get_mut(index as usize).is_some_and(|seen| !std::mem::replace(seen, true)));
    if permutation { Ok(given) } else { Err(errors::input("order is not a permutation of the documents")) }
}

fn check_count(texts: &Texts) -> PyResult<()> {
    if texts.len() >= u32::MAX as usize {
        return Err(errors::input(format!("{} texts; one call takes fewer than 2^32 - 1", texts.len())));
    }
    Ok(())
}

#[pyfunction]
#[pyo3(signature = (texts, given_order, threads))]
fn exact<'py>(
    python: Python<'py>,
    texts: Texts,
    given_order: Option<PyReadonlyArray1<'py, u32>>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    check_count(&texts)?;
    let order = order(given_order, texts.len())?;
    let bytes = texts.bytes();
    let found = gate::long(python, |cancel| tokenfoundry_dedup::exact::exact(&bytes, &order, threads, cancel))?;
    result(python, found.map_err(cancelled)?)
}

#[pyfunction]
#[pyo3(signature = (texts, given_order, threshold, ngram, seed, bands, rows, verify, threads))]
#[allow(clippy::too_many_arguments)]
fn near_duplicates<'py>(
    python: Python<'py>,
    texts: Texts,
    given_order: Option<PyReadonlyArray1<'py, u32>>,
    threshold: f64,
    ngram: usize,
    seed: u64,
    bands: usize,
    rows: usize,
    verify: bool,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    check_count(&texts)?;
    let order = order(given_order, texts.len())?;
    let strs = texts.strs()?;
    let options = Options { threshold, ngram, seed, bands: Bands { bands, rows }, verify };
    let found = gate::long(python, |cancel| {
        tokenfoundry_dedup::near::near_duplicates(&strs, &order, options, threads, cancel)
    })?;
    result(python, found.map_err(cancelled)?)
}

#[pyfunction]
#[pyo3(signature = (texts, num_perm, ngram, seed, threads))]
fn signatures<'py>(
    python: Python<'py>,
    texts: Texts,
    num_perm: usize,
    ngram: usize,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray2<u32>>> {
    let strs = texts.strs()?;
    let minhash = MinHash::new(num_perm, ngram, seed);
    let mut flat = vec![0u32; strs.len() * num_perm];
    gate::long(python, |cancel| {
        pool::install(threads, || {
            flat.par_chunks_mut(num_perm).zip(&strs).try_for_each(|(signature, text)| {
                cancel.check()?;
                minhash.signature(text, signature);
                Ok(())
            })
        })
    })?
    .map_err(cancelled)?;
    flat.into_pyarray(python).reshape([strs.len(), num_perm])
}

/// Bands and rows for a threshold.
#[pyfunction]
fn bands_for_threshold(threshold: f64) -> (usize, usize) {
    let shape = Bands::for_threshold(threshold);
    (shape.bands, shape.rows)
}

/// The set of a text's shingles, sorted: the differential tests' view of it.
#[pyfunction]
fn shingle_set(text: &str, ngram: usize) -> Vec<u64> {
    tokenfoundry_dedup::shingle::shingle_set(text, ngram)
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_function(wrap_pyfunction!(bands_for_threshold, room)?)?;
    room.add_function(wrap_pyfunction!(exact, room)?)?;
    room.add_function(wrap_pyfunction!(near_duplicates, room)?)?;
    room.add_function(wrap_pyfunction!(shingle_set, room)?)?;
    room.add_function(wrap_pyfunction!(signatures, room)?)
}
