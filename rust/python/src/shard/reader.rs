//! `Shards`: sets of shards, open for reading.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1, PyReadwriteArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokenfoundry_shard::ShardError;
use tokenfoundry_shard::read::Token;
use tokenfoundry_shard::set::Set;

use super::{shard_error, stopped};
use crate::buffers::matrix::Matrix;
use crate::{errors, gate};

#[pyclass(frozen, module = "tokenfoundry._core.shard")]
pub struct Shards {
    pub inner: Arc<Set>,
}

type Pieces<'py> = (Bound<'py, PyBytes>, Bound<'py, PyArray1<u64>>, Bound<'py, PyArray1<u64>>);

impl Shards {
    fn locate(&self, row: u64) -> PyResult<(usize, usize)> {
        self.inner.locate(row).map_err(|error| PyIndexError::new_err(error.0))
    }

    fn shard(&self, shard: usize) -> PyResult<&tokenfoundry_shard::read::Shard> {
        let shards = self.inner.shards();
        shards.get(shard).ok_or_else(|| PyIndexError::new_err(format!("shard {shard} of {} shards", shards.len())))
    }

    fn pieces_between<'py>(
        &self,
        python: Python<'py>,
        shard: usize,
        pieces: std::ops::Range<usize>,
    ) -> PyResult<Pieces<'py>> {
        let sidecar = &self.shard(shard)?.sidecar;
        let bounds = &sidecar.piece_tokens[pieces.start..=pieces.end];
        let lengths: Vec<u64> = bounds.windows(2).map(|pair| pair[1] - pair[0]).collect();
        Ok((
            PyBytes::new(python, sidecar.piece_documents[pieces.clone()].as_flattened()),
            sidecar.piece_starts[pieces].to_vec().into_pyarray(python),
            lengths.into_pyarray(python),
        ))
    }

    fn fill_rows<T: Token + Element>(
        &self,
        python: Python<'_>,
        rows: &[i64],
        mut out: PyReadwriteArray2<'_, T>,
        fill: T,
        threads: Option<usize>,
    ) -> PyResult<Vec<i64>> {
        let capacity = out.shape()[1];
        check_height(out.shape()[0], rows.len())?;
        let mut lengths = vec![0; rows.len()];
        let slots = out.as_slice_mut()?;
        gate::brief(python, || self.inner.rows(rows, slots, capacity, fill, &mut lengths, threads))
            .map_err(shard_error)?;
        Ok(lengths)
    }

    fn fill_windows<T: Token + Element>(
        &self,
        python: Python<'_>,
        starts: &[i64],
        mut out: PyReadwriteArray2<'_, T>,
        labels: Option<PyReadwriteArray2<'_, T>>,
        threads: Option<usize>,
    ) -> PyResult<()> {
        let length = out.shape()[1];
        check_height(out.shape()[0], starts.len())?;
        let slots = out.as_slice_mut()?;
        let mut labels = labels;
        let labels = match &mut labels {
            Some(labels) if labels.shape() != [starts.len(), length] => {
                return Err(errors::input("labels must have the shape of out"));
            }
            Some(labels) => Some(labels.as_slice_mut()?),
            None => None,
        };
        gate::brief(python, || self.inner.windows(starts, slots, length, labels, threads)).map_err(shard_error)
    }
}

fn check_height(height: usize, wanted: usize) -> PyResult<()> {
    if height == wanted {
        return Ok(());
    }
    Err(errors::input(format!("out has {height} rows, {wanted} were asked for")))
}

#[pymethods]
impl Shards {
    #[new]
    fn open(python: Python<'_>, directory: PathBuf, unfinished: bool) -> PyResult<Self> {
        let inner = gate::brief(python, || Set::open(&directory, unfinished)).map_err(shard_error)?;
        Ok(Self { inner: Arc::new(inner) })
    }

    #[getter]
    fn shard_count(&self) -> usize {
        self.inner.shards().len()
    }

    #[getter]
    fn first_rows<'py>(&self, python: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        let rows: Vec<i64> = self.inner.first_rows().iter().map(|&row| row as i64).collect();
        rows.into_pyarray(python)
    }

    #[getter]
    fn tokens(&self) -> u64 {
        self.inner.token_count()
    }

    #[getter]
    fn pieces(&self) -> u64 {
        self.inner.piece_count()
    }

    #[getter]
    fn vocabulary_size(&self) -> u64 {
        self.inner.shards()[0].sidecar.vocabulary_size
    }

    #[getter]
    fn tokenizer_digest(&self) -> &str {
        &self.inner.shards()[0].sidecar.tokenizer_digest
    }

    #[getter]
    fn has_modes(&self) -> bool {
        self.inner.shards()[0].sidecar.has_modes
    }

    /// Names and types of the side columns.
    #[getter]
    fn columns(&self) -> Vec<(String, u32)> {
        let columns = &self.inner.shards()[0].sidecar.columns;
        columns.iter().map(|column| (column.name.clone(), column.kind.code())).collect()
    }

    fn row<'py>(&self, python: Python<'py>, row: u64) -> PyResult<Bound<'py, PyArray1<u32>>> {
        self.locate(row)?;
        let tokens = gate::brief(python, || {
            let range = self.inner.row_range(row)?;
            let mut tokens = vec![0u32; (range.end - range.start) as usize];
            self.inner.copy(range, &mut tokens).map(|()| tokens)
        });
        Ok(tokens.map_err(shard_error)?.into_pyarray(python))
    }

    /// First token of a row and the token after its last, counted in the set.
    fn row_range(&self, row: u64) -> PyResult<(u64, u64)> {
        self.locate(row)?;
        let range = self.inner.row_range(row).map_err(shard_error)?;
        Ok((range.start, range.end))
    }

    /// A side column's values of tokens counted in the set, as bytes.
    fn column<'py>(
        &self,
        python: Python<'py>,
        column: usize,
        first: u64,
        end: u64,
    ) -> PyResult<Bound<'py, PyArray1<u8>>> {
        let columns = &self.inner.shards()[0].sidecar.columns;
        let width = columns.get(column).ok_or_else(|| PyIndexError::new_err("no such column"))?.kind.bytes();
        if first > end || end > self.inner.token_count() {
            return Err(PyIndexError::new_err(format!("tokens {first} to {end}")));
        }
        let values = gate::brief(python, || {
            let mut values = vec![0u8; (end - first) as usize * width];
            self.inner.copy_column(column, first..end, &mut values).map(|()| values)
        });
        Ok(values.map_err(shard_error)?.into_pyarray(python))
    }

    fn read_rows<'py>(
        &self,
        python: Python<'py>,
        rows: PyReadonlyArray1<'py, i64>,
        out: Matrix<'py>,
        fill: i64,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let rows = rows.as_slice()?;
        let no_fit = |_| errors::input(format!("fill {fill} does not fit the type of out"));
        let lengths = match out {
            Matrix::U32(out) => self.fill_rows(python, rows, out, u32::try_from(fill).map_err(no_fit)?, threads),
            Matrix::I32(out) => self.fill_rows(python, rows, out, i32::try_from(fill).map_err(no_fit)?, threads),
            Matrix::I64(out) => self.fill_rows(python, rows, out, fill, threads),
        };
        Ok(lengths?.into_pyarray(python))
    }

    fn read_windows<'py>(
        &self,
        python: Python<'py>,
        starts: PyReadonlyArray1<'py, i64>,
        out: Matrix<'py>,
        labels: Option<Matrix<'py>>,
        threads: Option<usize>,
    ) -> PyResult<()> {
        let starts = starts.as_slice()?;
        match (out, labels) {
            (Matrix::U32(out), None) => self.fill_windows(python, starts, out, None, threads),
            (Matrix::I32(out), None) => self.fill_windows(python, starts, out, None, threads),
            (Matrix::I64(out), None) => self.fill_windows(python, starts, out, None, threads),
            (Matrix::U32(out), Some(Matrix::U32(labels))) => {
                self.fill_windows(python, starts, out, Some(labels), threads)
            }
            (Matrix::I32(out), Some(Matrix::I32(labels))) => {
                self.fill_windows(python, starts, out, Some(labels), threads)
            }
            (Matrix::I64(out), Some(Matrix::I64(labels))) => {
                self.fill_windows(python, starts, out, Some(labels), threads)
            }
            _ => Err(errors::input("labels must have the type of out")),
        }
    }

    fn will_need_rows<'py>(&self, python: Python<'py>, rows: PyReadonlyArray1<'py, i64>) -> PyResult<()> {
        let rows = rows.as_slice()?;
        gate::brief(python, || {
            rows.iter().try_for_each(|&row| {
                let row = u64::try_from(row).map_err(|_| ShardError(format!("row {row} is negative")))?;
                self.inner.will_need(self.inner.row_range(row)?)
            })
        })
        .map_err(shard_error)
    }

    fn will_need_windows<'py>(
        &self,
        python: Python<'py>,
        starts: PyReadonlyArray1<'py, i64>,
        length: u64,
    ) -> PyResult<()> {
        let starts = starts.as_slice()?;
        gate::brief(python, || {
            starts.iter().try_for_each(|&start| {
                let first = u64::try_from(start).map_err(|_| ShardError(format!("window at {start} is negative")))?;
                self.inner.will_need(first..first.saturating_add(length))
            })
        })
        .map_err(shard_error)
    }

    /// Ids (16 bytes each), starts and lengths of a row's pieces.
    fn row_pieces<'py>(&self, python: Python<'py>, row: u64) -> PyResult<Pieces<'py>> {
        let (shard, local) = self.locate(row)?;
        let pieces = self.shard(shard)?.row_pieces(local);
        self.pieces_between(python, shard, pieces)
    }

    /// Of one shard: the same of all pieces, and the first piece of each row and the number of pieces.
    fn all_pieces<'py>(&self, python: Python<'py>, shard: usize) -> PyResult<(Bound<'py, PyArray1<u64>>, Pieces<'py>)> {
        let sidecar = &self.shard(shard)?.sidecar;
        let rows = sidecar.row_pieces.clone().into_pyarray(python);
        Ok((rows, self.pieces_between(python, shard, 0..sidecar.pieces())?))
    }

    /// Of one shard: a mode for each piece, None where the set is not multimodal.
    fn modes<'py>(&self, python: Python<'py>, shard: usize) -> PyResult<Option<Bound<'py, PyArray1<i8>>>> {
        let shard = self.shard(shard)?;
        let modes = gate::brief(python, || shard.modes()).map_err(shard_error)?;
        Ok(modes.map(|modes| modes.into_pyarray(python)))
    }

    fn verify(&self, python: Python<'_>, threads: Option<usize>) -> PyResult<()> {
        gate::long(python, |cancel| self.inner.verify(threads, cancel))?.map_err(stopped)
    }
}
