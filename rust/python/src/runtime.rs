//! `tokenfoundry._core.runtime`: facts about this build and this machine.

use pyo3::prelude::*;
use tokenfoundry_base::pool;
use tokenfoundry_kernels::tier;

/// The instruction set the kernels use in this process.
#[pyfunction]
fn cpu_tier() -> &'static str {
    tier::current().name()
}

/// Threads a call uses where the caller names none.
#[pyfunction]
fn default_threads() -> usize {
    pool::default_threads()
}

/// Tables that encoders make for a thread from now on take at most so many bytes.
#[pyfunction]
fn limit_encoder_tables(bytes: Option<usize>) {
    tokenfoundry_bpe::encode::limit_bytes(bytes);
}

/// Find numpy's functions now. The first array would else, and Python code that numpy runs for it may hear Ctrl-C where
/// nobody can answer it.
#[pyfunction]
fn load_numpy(python: Python<'_>) {
    let _ = numpy::PyArray1::<u8>::zeros(python, 0, false);
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    room.add("OPTIMIZED", !cfg!(debug_assertions))?;
    room.add_function(wrap_pyfunction!(cpu_tier, room)?)?;
    room.add_function(wrap_pyfunction!(default_threads, room)?)?;
    room.add_function(wrap_pyfunction!(limit_encoder_tables, room)?)?;
    room.add_function(wrap_pyfunction!(load_numpy, room)?)
}
