//! Signatures, ours and those of other libraries.

use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use rayon::prelude::*;
use tokenfoundry_base::{Ragged, pool};
use tokenfoundry_dedup::bands::Bands;
use tokenfoundry_dedup::minhash::MinHash;
use tokenfoundry_dedup::near::{band_keys_of_signatures, buckets as buckets_of};
use tokenfoundry_dedup::schemes::{ForeignMinHash, Scheme, Scratch, Split};
use tokenfoundry_dedup::shingle::{Shingler, Unit};

use super::{cancelled, checked, unit};
use crate::buffers::arrays::ragged;
use crate::buffers::texts::Texts;
use crate::{errors, gate};

#[pyfunction]
pub fn signatures<'py>(
    python: Python<'py>,
    texts: Texts,
    num_perm: usize,
    unit_name: &str,
    ngram: usize,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray2<u32>>> {
    let unit = unit(unit_name)?;
    let bytes = checked(&texts, unit)?;
    let minhash = MinHash::new(num_perm, unit, ngram, seed);
    let mut flat = vec![0u32; bytes.len() * num_perm];
    gate::long(python, |cancel| {
        pool::install(threads, || {
            flat.par_chunks_mut(num_perm).zip(&bytes).try_for_each_init(
                || minhash.scratch(),
                |scratch, (signature, text)| {
                    cancel.check()?;
                    minhash.signature(text, scratch, signature);
                    Ok(())
                },
            )
        })
    })?
    .map_err(cancelled)?;
    flat.into_pyarray(python).reshape([bytes.len(), num_perm])
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn foreign_signatures<'py>(
    python: Python<'py>,
    texts: Texts,
    scheme: &str,
    split: &str,
    num_perm: usize,
    ngram: usize,
    seed: u32,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray2<u64>>> {
    let Some(scheme) = Scheme::from_name(scheme) else {
        return Err(errors::input(format!("there is no scheme {scheme:?}")));
    };
    let split = match split {
        "scheme" => Split::Scheme,
        "blanks" => Split::Blanks,
        "prepared" => Split::Prepared,
        other => return Err(errors::input(format!("there is no way {other:?} to split words"))),
    };
    let minhash = ForeignMinHash::new(scheme, split, num_perm, ngram, seed);
    let strs = texts.strs()?;
    let mut flat = vec![0u64; strs.len() * num_perm];
    gate::long(python, |cancel| {
        pool::install(threads, || {
            flat.par_chunks_mut(num_perm).zip(&strs).try_for_each_init(
                Scratch::default,
                |scratch, (signature, text)| {
                    cancel.check()?;
                    minhash.signature(text, scratch, signature);
                    Ok(())
                },
            )
        })
    })?
    .map_err(cancelled)?;
    flat.into_pyarray(python).reshape([strs.len(), num_perm])
}

/// The low halves of many hashes, row after row.
#[pyfunction]
pub fn signatures_of_hashes<'py>(
    python: Python<'py>,
    hashes: PyReadonlyArray1<'py, u64>,
    offsets: PyReadonlyArray1<'py, i64>,
    num_perm: usize,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray2<u32>>> {
    let (hashes, offsets) = (hashes.as_slice()?, offsets.as_slice()?);
    let rows: Option<Vec<&[u64]>> = offsets
        .windows(2)
        .map(|ends| hashes.get(usize::try_from(ends[0]).ok()?..usize::try_from(ends[1]).ok()?))
        .collect();
    let rows = rows.ok_or_else(|| errors::input("the offsets of the hashes decrease or point outside them"))?;
    let minhash = MinHash::new(num_perm, Unit::Words, 1, seed);
    let mut flat = vec![0u32; rows.len() * num_perm];
    gate::long(python, |cancel| {
        pool::install(threads, || {
            flat.par_chunks_mut(num_perm).zip(&rows).with_min_len(16).try_for_each(|(signature, row)| {
                cancel.check()?;
                minhash.signature_of_set(row, signature);
                Ok(())
            })
        })
    })?
    .map_err(cancelled)?;
    flat.into_pyarray(python).reshape([rows.len(), num_perm])
}

type Buckets<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<i64>>);

/// `(documents, offsets)` of the buckets that hold at least two documents.
#[pyfunction]
pub fn buckets<'py>(
    python: Python<'py>,
    signatures: PyReadonlyArray2<'py, u32>,
    bands: usize,
    rows: usize,
    threads: Option<usize>,
) -> PyResult<Buckets<'py>> {
    let num_perm = signatures.shape()[1];
    let bands = Bands { bands, rows };
    let flat = signatures.as_slice()?;
    if bands.num_perm() > num_perm || num_perm == 0 || signatures.shape()[0] >= u32::MAX as usize {
        return Err(errors::input(format!("{} slots in bands, {num_perm} in a signature", bands.num_perm())));
    }
    let found = gate::long(python, |cancel| {
        pool::install(threads, || {
            let parts = band_keys_of_signatures(flat, num_perm, bands, cancel)?;
            Ok(buckets_of(bands, &parts))
        })
    })?
    .map_err(cancelled)?;
    let mut rows = Ragged::with_capacity(
        found.iter().map(|band| band.ends.len()).sum(),
        found.iter().map(|band| band.documents.len()).sum(),
    );
    for band in found {
        let start = rows.values.len() as i64;
        rows.values.extend_from_slice(&band.documents);
        rows.offsets.extend(band.ends.iter().map(|&end| start + i64::from(end)));
    }
    Ok(ragged(python, rows))
}

#[pyfunction]
pub fn shingle_set(text: &[u8], ngram: usize, unit_name: &str) -> PyResult<Vec<u64>> {
    Ok(Shingler::new(unit(unit_name)?, ngram).set(text))
}
