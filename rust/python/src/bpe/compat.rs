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

/// The index, from `first` on, of the next item that is no `str`, has a lone surrogate, or holds `marker`.
#[pyfunction]
fn next_suspect(texts: &Bound<'_, PyList>, marker: &Bound<'_, PyString>, first: usize) -> Option<usize> {
    let Ok(marker) = marker.to_str() else { return (first < texts.len()).then_some(first) };
    let finder = memchr::memmem::Finder::new(marker);
    (first..texts.len()).find(|&index| match texts.get_item(index) {
        Ok(item) => match item.cast::<PyString>() {
            Ok(text) => text.to_str().map_or(true, |text| finder.find(text.as_bytes()).is_some()),
            Err(_) => true,
        },
        Err(_) => true,
    })
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_function(wrap_pyfunction!(next_suspect, room)?)?;
    room.add_function(wrap_pyfunction!(first_not_text, room)?)
}
