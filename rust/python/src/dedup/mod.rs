//! `tokenfoundry._core.dedup`: see `python/tokenfoundry/_core/dedup.pyi` for what each name takes and gives.

use numpy::IntoPyArray;
use numpy::PyReadonlyArray1;
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenfoundry_base::Cancelled;
use tokenfoundry_dedup::bands::Bands;
use tokenfoundry_dedup::error::Error;
use tokenfoundry_dedup::near::Options;
use tokenfoundry_dedup::result::Deduplicated;
use tokenfoundry_dedup::shingle::Unit;

use crate::buffers::texts::Texts;
use crate::errors;

mod index;
mod near;
mod on_disk;
mod pieces;
mod signatures;

fn cancelled(_: Cancelled) -> PyErr {
    PyKeyboardInterrupt::new_err(())
}

fn failed(error: Error) -> PyErr {
    match error {
        Error::Cancelled => cancelled(Cancelled),
        Error::Input(what) => errors::input(what),
        Error::File { source, path } => match source.raw_os_error() {
            Some(number) => PyOSError::new_err((number, source.to_string(), path)),
            None => PyOSError::new_err(format!("{}: {source}", path.display())),
        },
        damaged @ Error::Damaged { .. } => errors::shard(damaged.to_string()),
    }
}

fn unit(name: &str) -> PyResult<Unit> {
    Unit::from_name(name).ok_or_else(|| {
        errors::input(format!(
            "unit must be \"words\", \"whitespace\", \"characters\", \"bytes\" or \"tokens\", not {name:?}"
        ))
    })
}

/// The texts as the unit needs them: UTF-8 unless it counts bytes.
fn checked(texts: &Texts, unit: Unit) -> PyResult<Vec<&[u8]>> {
    if texts.len() >= u32::MAX as usize {
        return Err(errors::input(format!("{} texts; one call takes fewer than 2^32 - 1", texts.len())));
    }
    Ok(match unit {
        Unit::Bytes | Unit::Tokens => texts.bytes(),
        Unit::Words | Unit::Whitespace | Unit::Characters => texts.strs()?.into_iter().map(str::as_bytes).collect(),
    })
}

/// `(threshold, unit, ngram, seed, bands, rows, verify)` as the Python side sends them.
type OptionFields = (f64, String, usize, u64, usize, usize, bool);

fn options((threshold, unit_name, ngram, seed, bands, rows, verify): OptionFields) -> PyResult<Options> {
    Ok(Options { threshold, unit: unit(&unit_name)?, ngram, seed, bands: Bands { bands, rows }, verify })
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
        ("candidates", result.stats.candidates),
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

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_function(wrap_pyfunction!(near::bands_for_threshold, room)?)?;
    room.add_function(wrap_pyfunction!(near::byte_lengths, room)?)?;
    room.add_function(wrap_pyfunction!(near::exact, room)?)?;
    room.add_function(wrap_pyfunction!(near::near_duplicates, room)?)?;
    room.add_function(wrap_pyfunction!(near::similarities, room)?)?;
    room.add_function(wrap_pyfunction!(signatures::signatures_of_hashes, room)?)?;
    room.add_function(wrap_pyfunction!(signatures::buckets, room)?)?;
    room.add_function(wrap_pyfunction!(signatures::shingle_set, room)?)?;
    room.add_function(wrap_pyfunction!(signatures::signatures, room)?)?;
    room.add_function(wrap_pyfunction!(signatures::foreign_signatures, room)?)?;
    room.add_function(wrap_pyfunction!(pieces::repeated_lines, room)?)?;
    room.add_function(wrap_pyfunction!(pieces::repeated_substrings, room)?)?;
    room.add_function(wrap_pyfunction!(pieces::repeated_tokens, room)?)?;
    room.add_function(wrap_pyfunction!(on_disk::merge_band, room)?)?;
    room.add_function(wrap_pyfunction!(on_disk::decide, room)?)?;
    room.add_class::<on_disk::Part>()?;
    room.add_class::<index::Index>()
}
