//! Signatures, ours and those of other libraries.

use numpy::{IntoPyArray, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use rayon::prelude::*;
use tokenfoundry_base::pool;
use tokenfoundry_dedup::minhash::MinHash;
use tokenfoundry_dedup::schemes::{ForeignMinHash, Scheme, Scratch, Split};
use tokenfoundry_dedup::shingle::Shingler;

use super::{cancelled, checked, unit};
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
    prepared: bool,
    num_perm: usize,
    ngram: usize,
    seed: u32,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray2<u64>>> {
    let Some(scheme) = Scheme::from_name(scheme) else {
        return Err(errors::input(format!("there is no scheme {scheme:?}")));
    };
    let split = if prepared { Split::Prepared } else { Split::Scheme };
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

#[pyfunction]
pub fn shingle_set(text: &[u8], ngram: usize, unit_name: &str) -> PyResult<Vec<u64>> {
    Ok(Shingler::new(unit(unit_name)?, ngram).set(text))
}
