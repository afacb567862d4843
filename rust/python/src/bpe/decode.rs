//! Ids to text: what `Tokenizer.decode*` and `StreamDecoder` are behind Python's names.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::PyReadonlyArray1;
use pyo3::marker::Ungil;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use tokenfoundry_bpe::tokenizer::{self as core, Stream};

use super::tokenizer::PyTokenizer;
use crate::buffers::ids::{self, ids_from};
use crate::{errors, gate};

/// Up to this many ids are decoded with the GIL held.
const BRIEF_IDS: usize = 1 << 13;

fn no_such_id(tokenizer: &core::Tokenizer, id: u32, position: usize) -> PyErr {
    errors::input(format!(
        "ids[{position}] is {id}, and this tokenizer has no such token (its ids end at {})",
        tokenizer.vocabulary_size().saturating_sub(1)
    ))
}

/// Run `decode` with the GIL or without it, by how much there is to do.
fn run(
    tokenizer: &PyTokenizer,
    python: Python<'_>,
    ids: &[u32],
    decode: impl Fn(&core::Tokenizer, &mut Vec<u8>) -> Result<(), usize> + Ungil + Sync,
) -> PyResult<Vec<u8>> {
    let inner = &*tokenizer.inner;
    let work = || {
        let mut text = Vec::with_capacity(ids.len() * 5 + 64);
        decode(inner, &mut text).map(|()| text)
    };
    let decoded = if ids.len() <= BRIEF_IDS { work() } else { gate::brief(python, work) };
    decoded.map_err(|position| no_such_id(inner, ids[position], position))
}

pub(super) fn text<'py>(
    tokenizer: &PyTokenizer,
    python: Python<'py>,
    ids: &Bound<'py, PyAny>,
    skip_special_tokens: bool,
) -> PyResult<Bound<'py, PyString>> {
    let ids = &*ids_from(ids)?;
    let bytes = run(tokenizer, python, ids, |inner, text| inner.decode_into(ids, skip_special_tokens, text))?;
    ids::text(python, &bytes)
}

pub(super) fn bytes<'py>(
    tokenizer: &PyTokenizer,
    python: Python<'py>,
    ids: &Bound<'py, PyAny>,
    skip_special_tokens: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let ids = &*ids_from(ids)?;
    let bytes =
        run(tokenizer, python, ids, |inner, bytes| inner.decoder().decode_bytes(ids, skip_special_tokens, bytes))?;
    Ok(PyBytes::new(python, &bytes))
}

/// Decode the rows of a ragged array.
pub(super) fn rows<'py>(
    tokenizer: &PyTokenizer,
    python: Python<'py>,
    values: PyReadonlyArray1<'py, u32>,
    offsets: PyReadonlyArray1<'py, i64>,
    skip_special_tokens: bool,
) -> PyResult<Bound<'py, PyList>> {
    let (values, offsets) = (values.as_array(), offsets.as_array());
    let values = values.as_slice().ok_or_else(|| errors::input("values must be contiguous"))?;
    let offsets: Vec<usize> = offsets.iter().map(|&offset| offset as usize).collect();
    let inner = &*tokenizer.inner;
    let decoded = gate::brief(python, || {
        let mut text = Vec::with_capacity(values.len() * 5);
        let mut ends = Vec::with_capacity(offsets.len());
        for (number, row) in offsets.windows(2).enumerate() {
            let row = values.get(row[0]..row[1]).unwrap_or_default();
            let done = inner.decode_into(row, skip_special_tokens, &mut text);
            done.map_err(|position| (number, position, row[position]))?;
            ends.push(text.len());
        }
        Ok::<_, (usize, usize, u32)>((text, ends))
    });
    let (text, ends) = decoded.map_err(|(number, position, id)| {
        errors::input(format!(
            "ids[{position}] of row {number} is {id}, and this tokenizer has no such token (its ids end at {})",
            inner.vocabulary_size().saturating_sub(1)
        ))
    })?;
    let mut start = 0;
    let list = PyList::empty(python);
    for end in ends {
        list.append(ids::text(python, &text[start..end])?)?;
        start = end;
    }
    Ok(list)
}

#[pyclass(frozen, module = "tokenfoundry._core.bpe", name = "StreamDecoder")]
pub(super) struct PyStream {
    inner: Arc<core::Tokenizer>,
    stream: Mutex<Stream>,
}

impl PyStream {
    pub(super) fn new(inner: Arc<core::Tokenizer>) -> Self {
        Self { inner, stream: Mutex::new(Stream::default()) }
    }
}

#[pymethods]
impl PyStream {
    fn push(&self, id: u32) -> PyResult<String> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let text = stream.push(self.inner.decoder(), id);
        text.map_err(|id| errors::input(format!("this tokenizer has no token {id}")))
    }

    fn finish(&self) -> String {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).finish(self.inner.decoder())
    }
}
