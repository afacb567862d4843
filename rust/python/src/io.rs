//! `tokenfoundry._core.io`: JSON Lines as columns, and tokens gathered from many files.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeBinaryArray, Int64Array, LargeStringArray, StringArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokenfoundry_io::json_line::Keys;
use tokenfoundry_io::json_lines::{count, read};
use tokenfoundry_io::pieces::{self, Failed};

use crate::buffers::arrays::ArrowArray;
use crate::buffers::texts::Texts;
use crate::errors;
use crate::gate;

type Declined = Vec<(i64, usize, usize)>;

fn fixed(rows: Vec<[u8; 16]>) -> PyResult<ArrayRef> {
    let values = Buffer::from_vec(rows.into_flattened());
    let array = FixedSizeBinaryArray::try_new(16, values, None);
    Ok(Arc::new(array.map_err(|error| errors::input(error.to_string()))?))
}

/// Columns of a block's lines, and the lines that were declined.
#[pyfunction]
#[pyo3(signature = (block, *, first, text, id, licence, most_bytes, prefix))]
#[allow(clippy::too_many_arguments)]
fn json_lines(
    python: Python<'_>,
    block: Texts,
    first: i64,
    text: Vec<u8>,
    id: Option<Vec<u8>>,
    licence: Option<Vec<u8>>,
    most_bytes: usize,
    prefix: Vec<u8>,
) -> PyResult<(Vec<ArrowArray>, Declined)> {
    let keys = Keys { text, id, licence };
    let block = block.bytes();
    let block = block.first().copied().unwrap_or_default();
    let columns = gate::brief(python, || read(block, first, &keys, most_bytes, &prefix));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(columns.offsets));
    let texts = LargeStringArray::try_new(offsets, Buffer::from_vec(columns.texts), None)
        .map_err(|error| errors::input(error.to_string()))?;
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(texts),
        Arc::new(Int64Array::from(columns.numbers)),
        Arc::new(columns.ids.iter().map(Option::as_deref).collect::<StringArray>()),
        Arc::new(columns.licences.iter().map(Option::as_deref).collect::<StringArray>()),
        fixed(columns.identities)?,
        fixed(columns.contents)?,
    ];
    Ok((arrays.into_iter().map(ArrowArray).collect(), columns.declined))
}

/// Pieces of several files of tokens, one after another.
#[pyfunction]
fn gather<'py>(
    python: Python<'py>,
    paths: Vec<PathBuf>,
    file: PyReadonlyArray1<'py, i64>,
    first: PyReadonlyArray1<'py, i64>,
    length: PyReadonlyArray1<'py, i64>,
) -> PyResult<Bound<'py, PyArray1<u32>>> {
    let (file, first, length) = (file.as_slice()?, first.as_slice()?, length.as_slice()?);
    if file.len() != first.len() || file.len() != length.len() {
        return Err(errors::input(String::from("file, first and length must be equally long")));
    }
    match gate::brief(python, || pieces::gather(&paths, file, first, length)) {
        Ok(gathered) => Ok(gathered.into_pyarray(python)),
        Err(Failed { path, error }) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(errors::input(format!("{}: a piece lies outside the file", path.display())))
        }
        Err(Failed { path, error }) => match error.raw_os_error() {
            Some(number) => Err(PyOSError::new_err((number, error.to_string(), path))),
            None => Err(PyOSError::new_err(format!("{}: {error}", path.display()))),
        },
    }
}

/// Newlines in a buffer, counted outside the GIL.
#[pyfunction]
fn count_lines(python: Python<'_>, content: Texts) -> usize {
    let content = content.bytes();
    let content = content.first().copied().unwrap_or_default();
    gate::brief(python, || count(content))
}

/// xxh3-128 of a buffer, outside the GIL, and how many newlines it has.
#[pyfunction]
fn hash_and_lines<'py>(python: Python<'py>, content: Texts) -> (Bound<'py, PyBytes>, usize) {
    let content = content.bytes();
    let content = content.first().copied().unwrap_or_default();
    let (hash, lines) =
        gate::brief(python, || (tokenfoundry_base::stable_hash::hash128(content).to_be_bytes(), count(content)));
    (PyBytes::new(python, &hash), lines)
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_function(wrap_pyfunction!(json_lines, room)?)?;
    room.add_function(wrap_pyfunction!(gather, room)?)?;
    room.add_function(wrap_pyfunction!(count_lines, room)?)?;
    room.add_function(wrap_pyfunction!(hash_and_lines, room)?)
}
