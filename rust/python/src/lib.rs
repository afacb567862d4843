//! The only crate that knows Python: it takes buffers in, leaves the GIL, calls a room, and hands arrays back.
//!
//! One file a room; `gate` leaves the GIL and answers Ctrl-C; `buffers` borrows text and returns arrays; `errors`
//! raises the exceptions of `tokenfoundry.errors`. Defaults, docs and shapes are the Python package's business.

use pyo3::prelude::*;

mod bpe;
mod buffers;
mod dedup;
mod errors;
mod gate;
mod io;
mod load;
mod pack;
mod runtime;
mod shard;
mod text;

/// Make `name` importable as `tokenfoundry._core.<name>`, which an extension's submodule is not by itself.
fn add_room(
    core: &Bound<'_, PyModule>,
    name: &str,
    fill: impl FnOnce(&Bound<'_, PyModule>) -> PyResult<()>,
) -> PyResult<()> {
    let python = core.py();
    let full_name = format!("tokenfoundry._core.{name}");
    let room = PyModule::new(python, &full_name)?;
    fill(&room)?;
    core.add(name, &room)?;
    python.import("sys")?.getattr("modules")?.set_item(full_name, room)
}

#[pymodule]
fn _core(core: &Bound<'_, PyModule>) -> PyResult<()> {
    add_room(core, "runtime", runtime::fill)?;
    add_room(core, "io", io::fill)?;
    add_room(core, "text", text::fill)?;
    add_room(core, "dedup", dedup::fill)?;
    add_room(core, "bpe", bpe::fill)?;
    add_room(core, "pack", pack::fill)?;
    add_room(core, "shard", shard::fill)?;
    add_room(core, "load", load::fill)
}
