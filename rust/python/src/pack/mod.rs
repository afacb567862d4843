//! `tokenfoundry._core.pack`: see `python/tokenfoundry/_core/pack.pyi` for what each name takes and gives.

use numpy::PyArray1;
use pyo3::prelude::*;
use tokenfoundry_pack::pieces::Long;

use crate::errors;

mod balance;
mod fim;
mod layout;
mod plan;
mod streaming;

type Column<'py> = Bound<'py, PyArray1<i64>>;

fn long_of(name: &str) -> PyResult<Long> {
    Ok(match name {
        "split" => Long::Split,
        "truncate" => Long::Truncate,
        "drop" => Long::Drop,
        other => return Err(errors::input(format!("no policy {other:?} for long documents"))),
    })
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<plan::Pieces>()?;
    room.add_class::<streaming::Streaming>()?;
    room.add_function(wrap_pyfunction!(balance::balance, room)?)?;
    room.add_function(wrap_pyfunction!(fim::fim, room)?)?;
    room.add_function(wrap_pyfunction!(layout::lay_out_rows, room)?)?;
    room.add_function(wrap_pyfunction!(plan::plan, room)?)
}
