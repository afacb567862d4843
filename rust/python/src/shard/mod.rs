//! `tokenfoundry._core.shard`: see `python/tokenfoundry/_core/shard.pyi` for what each name takes and gives.

mod reader;
mod writer;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokenfoundry_shard::{ShardError, Stopped};

use crate::{errors, gate};
pub use reader::Shards;

fn shard_error(error: ShardError) -> PyErr {
    errors::shard(error.0)
}

fn stopped(error: Stopped) -> PyErr {
    match error {
        Stopped::Shard(error) => shard_error(error),
        Stopped::Cancelled(_) => PyKeyboardInterrupt::new_err(()),
    }
}

/// xxh3-128 of bytes, as 16 bytes big-endian: ids of documents and contents.
#[pyfunction]
fn hash128<'py>(python: Python<'py>, content: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(python, &tokenfoundry_base::stable_hash::hash128(content).to_be_bytes())
}

/// xxh3-128 of many texts, 16 bytes each.
#[pyfunction]
#[pyo3(signature = (texts, threads))]
fn hash128_batch<'py>(
    python: Python<'py>,
    texts: crate::buffers::texts::Texts,
    threads: Option<usize>,
) -> Bound<'py, PyBytes> {
    use rayon::prelude::*;
    let texts = texts.bytes();
    let hashes: Vec<[u8; 16]> = gate::brief(python, || {
        tokenfoundry_base::pool::install(threads, || {
            let hash = |text: &&[u8]| tokenfoundry_base::stable_hash::hash128(text).to_be_bytes();
            texts.par_iter().with_min_len(64).map(hash).collect()
        })
    });
    PyBytes::new(python, hashes.as_flattened())
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<Shards>()?;
    room.add_class::<writer::Writer>()?;
    room.add_function(wrap_pyfunction!(hash128, room)?)?;
    room.add_function(wrap_pyfunction!(hash128_batch, room)?)
}
