//! Ids to text: what `Tokenizer.decode*` and `StreamDecoder` are behind Python's names.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use tokenfoundry_bpe::tokenizer::{self as core, Stream};

use super::tokenizer::PyTokenizer;
use crate::{errors, gate};

/// Ids from a list of ints or any integer array.
fn ids_from(ids: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    if let Ok(array) = ids.extract::<PyReadonlyArray1<'_, u32>>() {
        return Ok(array.as_array().to_vec());
    }
    let one = |(position, id): (usize, Bound<'_, PyAny>)| {
        id.extract::<u32>().map_err(|error| {
            if error.is_instance_of::<PyTypeError>(id.py()) {
                return error;
            }
            errors::input(format!("ids[{position}] is {id}; token ids are 0 to 4294967295"))
        })
    };
    if let Ok(list) = ids.cast::<PyList>() {
        return list.iter().enumerate().map(one).collect();
    }
    ids.try_iter()?.enumerate().map(|(position, id)| one((position, id?))).collect()
}

fn no_such_id(tokenizer: &core::Tokenizer, id: u32, position: usize) -> PyErr {
    errors::input(format!(
        "ids[{position}] is {id}, and this tokenizer has no such token (its ids end at {})",
        tokenizer.vocabulary_size().saturating_sub(1)
    ))
}

pub(super) fn text<'py>(
    tokenizer: &PyTokenizer,
    python: Python<'py>,
    ids: &Bound<'py, PyAny>,
    skip_special_tokens: bool,
) -> PyResult<Bound<'py, PyString>> {
    let ids = ids_from(ids)?;
    let text = tokenizer.inner.decode(&ids, skip_special_tokens);
    let text = text.map_err(|position| no_such_id(&tokenizer.inner, ids[position], position))?;
    Ok(PyString::new(python, &text))
}

pub(super) fn bytes<'py>(
    tokenizer: &PyTokenizer,
    python: Python<'py>,
    ids: &Bound<'py, PyAny>,
    skip_special_tokens: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let ids = ids_from(ids)?;
    let bytes = tokenizer.inner.decode_bytes(&ids, skip_special_tokens);
    let bytes = bytes.map_err(|position| no_such_id(&tokenizer.inner, ids[position], position))?;
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
    let offsets: Vec<i64> = offsets.to_vec();
    let inner = &*tokenizer.inner;
    let decoded: Result<Vec<String>, (u32, usize)> = gate::brief(python, || {
        let rows = offsets.windows(2).map(|row| &values[row[0] as usize..row[1] as usize]);
        rows.map(|row| inner.decode(row, skip_special_tokens).map_err(|position| (row[position], position))).collect()
    });
    PyList::new(python, decoded.map_err(|(id, position)| no_such_id(inner, id, position))?)
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
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).finish()
    }
}
