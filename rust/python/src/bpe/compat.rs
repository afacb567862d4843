//! What the drop-in classes of `tokenfoundry.compat` need beside the tokenizer: a look at texts before they are encoded.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

/// The index of the first item that is no `str`, or one with a lone surrogate; the libraries refuse both.
///
/// What it finds out is kept by the strings themselves (their UTF-8), so that encoding them does not pay again.
#[pyfunction]
fn first_not_text(texts: &Bound<'_, PyList>) -> Option<usize> {
    texts.iter().position(|item| match item.cast::<PyString>() {
        Ok(text) => text.to_str().is_err(),
        Err(_) => true,
    })
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_function(wrap_pyfunction!(first_not_text, room)?)
}
