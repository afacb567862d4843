//! `tokenfoundry._core.bpe`: see `python/tokenfoundry/_core/bpe.pyi` for what each name takes and gives.

use pyo3::prelude::*;

pub fn fill(_room: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
