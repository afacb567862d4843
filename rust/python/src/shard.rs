//! `tokenfoundry._core.shard`: see `python/tokenfoundry/_core/shard.pyi` for what each name takes and gives.

use pyo3::prelude::*;

pub fn fill(_room: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
