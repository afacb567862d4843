//! `tokenfoundry._core.shard`: see `python/tokenfoundry/_core/shard.pyi` for what each name takes and gives.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::{PyIndexError, PyKeyboardInterrupt};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokenfoundry_shard::ShardError;
use tokenfoundry_shard::write::{Options, Rows, WriteError};

use crate::{errors, gate};

fn shard_error(error: ShardError) -> PyErr {
    errors::shard(error.0)
}

#[pyfunction]
#[pyo3(signature = (
    stem, values, offsets, row_pieces, document, start, length, document_ids, vocabulary_size, tokenizer_digest
))]
#[allow(clippy::too_many_arguments)]
fn write<'py>(
    python: Python<'py>,
    stem: PathBuf,
    values: PyReadonlyArray1<'py, u32>,
    offsets: PyReadonlyArray1<'py, i64>,
    row_pieces: PyReadonlyArray1<'py, u64>,
    document: PyReadonlyArray1<'py, i64>,
    start: PyReadonlyArray1<'py, i64>,
    length: PyReadonlyArray1<'py, i64>,
    document_ids: &[u8],
    vocabulary_size: u64,
    tokenizer_digest: String,
) -> PyResult<u64> {
    let rows = Rows {
        values: values.as_slice()?,
        offsets: offsets.as_slice()?,
        row_pieces: row_pieces.as_slice()?,
        document: document.as_slice()?,
        start: start.as_slice()?,
        length: length.as_slice()?,
        document_ids,
    };
    let options = Options { vocabulary_size, tokenizer_digest };
    gate::long(python, |cancel| tokenfoundry_shard::write::write(&stem, &rows, &options, cancel))?.map_err(|error| {
        match error {
            WriteError::Shard(error) => shard_error(error),
            WriteError::Cancelled(_) => PyKeyboardInterrupt::new_err(()),
        }
    })
}

#[pyclass(frozen, module = "tokenfoundry._core.shard")]
pub struct Shard {
    inner: tokenfoundry_shard::read::Shard,
}

type Pieces<'py> = (Bound<'py, PyBytes>, Bound<'py, PyArray1<u64>>, Bound<'py, PyArray1<u64>>);

impl Shard {
    fn check_row(&self, row: usize) -> PyResult<()> {
        let rows = self.inner.sidecar.rows();
        if row < rows { Ok(()) } else { Err(PyIndexError::new_err(format!("row {row} of a shard of {rows} rows"))) }
    }
}

#[pymethods]
impl Shard {
    #[new]
    fn open(python: Python<'_>, stem: PathBuf) -> PyResult<Self> {
        let inner = gate::brief(python, || tokenfoundry_shard::read::Shard::open(&stem)).map_err(shard_error)?;
        Ok(Self { inner })
    }

    #[getter]
    fn rows(&self) -> usize {
        self.inner.sidecar.rows()
    }

    #[getter]
    fn pieces(&self) -> usize {
        self.inner.sidecar.pieces()
    }

    #[getter]
    fn tokens(&self) -> u64 {
        self.inner.sidecar.tokens()
    }

    #[getter]
    fn vocabulary_size(&self) -> u64 {
        self.inner.sidecar.vocabulary_size
    }

    #[getter]
    fn tokenizer_digest(&self) -> &str {
        &self.inner.sidecar.tokenizer_digest
    }

    fn row<'py>(&self, python: Python<'py>, row: usize) -> PyResult<Bound<'py, PyArray1<u32>>> {
        self.check_row(row)?;
        let mut tokens = Vec::new();
        gate::brief(python, || self.inner.row(row, &mut tokens)).map_err(shard_error)?;
        Ok(tokens.into_pyarray(python))
    }

    /// Ids (16 bytes each), starts and lengths of a row's pieces.
    fn row_pieces<'py>(&self, python: Python<'py>, row: usize) -> PyResult<Pieces<'py>> {
        self.check_row(row)?;
        Ok(self.pieces_between(python, self.inner.row_pieces(row)))
    }

    /// The same of all pieces, and the first piece of each row and the number of pieces.
    fn all_pieces<'py>(&self, python: Python<'py>) -> (Bound<'py, PyArray1<u64>>, Pieces<'py>) {
        let sidecar = &self.inner.sidecar;
        let rows = sidecar.row_pieces.clone().into_pyarray(python);
        (rows, self.pieces_between(python, 0..sidecar.pieces()))
    }

    fn verify(&self, python: Python<'_>) -> PyResult<()> {
        gate::long(python, |cancel| self.inner.verify(cancel))?
            .map_err(|_| PyKeyboardInterrupt::new_err(()))?
            .map_err(shard_error)
    }
}

impl Shard {
    fn pieces_between<'py>(&self, python: Python<'py>, pieces: std::ops::Range<usize>) -> Pieces<'py> {
        let sidecar = &self.inner.sidecar;
        let bounds = &sidecar.piece_tokens[pieces.start..=pieces.end];
        let lengths: Vec<u64> = bounds.windows(2).map(|pair| pair[1] - pair[0]).collect();
        (
            PyBytes::new(python, sidecar.piece_documents[pieces.clone()].as_flattened()),
            sidecar.piece_starts[pieces].to_vec().into_pyarray(python),
            lengths.into_pyarray(python),
        )
    }
}

/// xxh3-128 of bytes, as 16 bytes big-endian: ids of documents and contents.
#[pyfunction]
fn hash128<'py>(python: Python<'py>, content: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(python, &tokenfoundry_base::stable_hash::hash128(content).to_be_bytes())
}

/// xxh3-128 of many texts, 16 bytes each.
#[pyfunction]
#[pyo3(signature = (texts, threads))]
fn hash128_batch<'py>(
    python: Python<'py>,
    texts: crate::buffers::texts::Texts,
    threads: Option<usize>,
) -> Bound<'py, PyBytes> {
    use rayon::prelude::*;
    let texts = texts.bytes();
    let hashes: Vec<[u8; 16]> = gate::brief(python, || {
        tokenfoundry_base::pool::install(threads, || {
            let hash = |text: &&[u8]| tokenfoundry_base::stable_hash::hash128(text).to_be_bytes();
            texts.par_iter().with_min_len(64).map(hash).collect()
        })
    });
    PyBytes::new(python, hashes.as_flattened())
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<Shard>()?;
    room.add_function(wrap_pyfunction!(hash128, room)?)?;
    room.add_function(wrap_pyfunction!(hash128_batch, room)?)?;
    room.add_function(wrap_pyfunction!(write, room)?)
}
