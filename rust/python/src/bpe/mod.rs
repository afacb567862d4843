//! `tokenfoundry._core.bpe`: see `python/tokenfoundry/_core/bpe.pyi` for what each name takes and gives.

use pyo3::prelude::*;

mod columns;
mod compat;
mod decode;
mod encoded;
mod lists;
mod matrices;
mod rows;
mod tokenizer;
mod train;

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    tokenizer::fill(room)?;
    rows::fill(room)?;
    train::fill(room)?;
    columns::fill(room)?;
    matrices::fill(room)?;
    encoded::fill(room)?;
    compat::fill(room)
}
