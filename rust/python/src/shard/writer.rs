//! `Writer`: sets of shards, written a chunk at a time.

use std::path::PathBuf;
use std::sync::Mutex;

use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use tokenfoundry_shard::layout::ColumnType;
use tokenfoundry_shard::write::{Options, Rows, Writer as Inner};

use super::{shard_error, stopped};
use crate::{errors, gate};

#[pyclass(frozen, module = "tokenfoundry._core.shard")]
pub struct Writer {
    inner: Mutex<Option<Inner>>,
    /// The one shard it writes, of a set whose others are written elsewhere.
    number: Option<u32>,
}

impl Writer {
    /// Take the writer out; it is put back only where all went well, so a failed one can only be closed.
    fn take(&self) -> PyResult<Inner> {
        let taken = self.inner.lock().map_err(|_| errors::shard("the writer failed"))?.take();
        taken.ok_or_else(|| errors::shard("the writer is closed, failed before, or is at work in another thread"))
    }
}

#[pymethods]
impl Writer {
    #[new]
    #[pyo3(signature = (directory, vocabulary_size, tokenizer_digest, rows_per_shard, columns, has_modes, number=None, durable=true))]
    #[allow(clippy::too_many_arguments)]
    fn create(
        directory: PathBuf,
        vocabulary_size: u64,
        tokenizer_digest: String,
        rows_per_shard: u64,
        columns: Vec<(String, u32)>,
        has_modes: bool,
        number: Option<u32>,
        durable: bool,
    ) -> PyResult<Self> {
        let columns = columns
            .into_iter()
            .map(|(name, code)| {
                let kind = ColumnType::from_code(code).ok_or_else(|| errors::input(format!("column type {code}")))?;
                Ok((name, kind))
            })
            .collect::<PyResult<_>>()?;
        let options = Options { vocabulary_size, tokenizer_digest, rows_per_shard, columns, has_modes, durable };
        let inner = match number {
            None => Inner::create(&directory, options),
            Some(number) => Inner::create_one(&directory, options, number),
        };
        Ok(Self { inner: Mutex::new(Some(inner.map_err(shard_error)?)), number })
    }

    #[allow(clippy::too_many_arguments)]
    fn append<'py>(
        &self,
        python: Python<'py>,
        values: PyReadonlyArray1<'py, u32>,
        offsets: PyReadonlyArray1<'py, i64>,
        row_pieces: PyReadonlyArray1<'py, u64>,
        document: PyReadonlyArray1<'py, i64>,
        start: PyReadonlyArray1<'py, i64>,
        length: PyReadonlyArray1<'py, i64>,
        document_ids: &[u8],
        document_starts: Option<PyReadonlyArray1<'py, i64>>,
        columns: Vec<PyReadonlyArray1<'py, u8>>,
        modes: Option<PyReadonlyArray1<'py, i8>>,
    ) -> PyResult<()> {
        let columns = columns.iter().map(|column| column.as_slice()).collect::<Result<Vec<_>, _>>()?;
        let rows = Rows {
            values: values.as_slice()?,
            offsets: offsets.as_slice()?,
            row_pieces: row_pieces.as_slice()?,
            document: document.as_slice()?,
            start: start.as_slice()?,
            length: length.as_slice()?,
            document_ids,
            document_starts: document_starts.as_ref().map(|starts| starts.as_slice()).transpose()?,
            columns: &columns,
            modes: modes.as_ref().map(|modes| modes.as_slice()).transpose()?,
        };
        let mut writer = self.take()?;
        gate::long(python, |cancel| writer.append(&rows, cancel))?.map_err(stopped)?;
        *self.inner.lock().map_err(|_| errors::shard("the writer failed"))? = Some(writer);
        Ok(())
    }

    #[pyo3(signature = (last=true))]
    fn finish(&self, python: Python<'_>, last: bool) -> PyResult<u32> {
        let writer = self.take()?;
        match self.number {
            None => gate::brief(python, || writer.finish()),
            Some(_) => gate::brief(python, || writer.finish_one(last)).map(|()| 1),
        }
        .map_err(shard_error)
    }

    fn abort(&self) {
        if let Ok(mut inner) = self.inner.lock() {
            inner.take();
        }
    }
}
