//! Laying pieces out in matrices.

use numpy::{Element, PyReadonlyArray1, PyReadwriteArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use rayon::prelude::*;
use tokenfoundry_base::pool;
use tokenfoundry_pack::layout::{Row, STREAM_FROM_BYTES, Scratch, Source, Token, lay_out, prefetch_sources};

use crate::buffers::matrix::Matrix;
use crate::{errors, gate};

/// What `lay_out_rows` was given, checked: every piece lies in the tokens, every row has room.
struct Checked<'a> {
    values: &'a [u32],
    mask: Option<&'a [u8]>,
    starts: &'a [i64],
    lengths: &'a [i64],
    row_offsets: &'a [i64],
    capacity: usize,
    align: usize,
}

impl<'a> Checked<'a> {
    fn rows(&self) -> usize {
        self.row_offsets.len() - 1
    }

    fn check(self) -> PyResult<Self> {
        let ranges = || self.starts.iter().zip(self.lengths);
        let in_range = self.row_offsets.first() == Some(&0)
            && self.row_offsets.last() == Some(&(self.starts.len() as i64))
            && self.row_offsets.is_sorted()
            && self.starts.len() == self.lengths.len()
            && self.mask.is_none_or(|mask| mask.len() == self.values.len())
            && ranges().all(|(&start, &length)| {
                start >= 0
                    && length >= 0
                    && start.checked_add(length).is_some_and(|end| end <= self.values.len() as i64)
            });
        if !in_range {
            return Err(errors::input("the pieces do not lie in the tokens, or the rows not in the pieces"));
        }
        for (row, range) in self.row_offsets.windows(2).enumerate() {
            let mut slots = 0;
            for &length in &self.lengths[range[0] as usize..range[1] as usize] {
                slots = (slots + length as usize).next_multiple_of(self.align);
            }
            // What is lost behind the last piece need not be there.
            let last = self.lengths[range[0] as usize..range[1] as usize].last().map_or(0, |&length| length as usize);
            let used = slots - (last.next_multiple_of(self.align) - last);
            if used > self.capacity {
                return Err(errors::input(format!("row {row} has {used} tokens, more than {}", self.capacity)));
            }
        }
        Ok(self)
    }

    fn pieces(&self, row: usize) -> impl Iterator<Item = Source<'a>> + Clone + use<'a> {
        let (values, mask) = (self.values, self.mask);
        let range = self.row_offsets[row] as usize..self.row_offsets[row + 1] as usize;
        self.starts[range.clone()].iter().zip(&self.lengths[range]).map(move |(&start, &length)| {
            let range = start as usize..(start + length) as usize;
            Source { tokens: &values[range.clone()], mask: mask.map(|mask| &mask[range]) }
        })
    }
}

/// Columns to fill, each a matrix of all rows or missing.
struct Columns<'a, T, L> {
    tokens: Option<&'a mut [T]>,
    labels: Option<&'a mut [L]>,
    position_ids: Option<&'a mut [i32]>,
    document_ids: Option<&'a mut [i32]>,
    loss_mask: Option<&'a mut [u8]>,
}

/// Of longer rows the first lines would be gone again when they are read.
const LONGEST_PREFETCHED: usize = 1 << 13;

impl<T, L> Columns<'_, T, L> {
    fn bytes(&self) -> usize {
        self.tokens.as_deref().map_or(0, size_of_val)
            + self.labels.as_deref().map_or(0, size_of_val)
            + self.position_ids.as_deref().map_or(0, size_of_val)
            + self.document_ids.as_deref().map_or(0, size_of_val)
            + self.loss_mask.as_deref().map_or(0, size_of_val)
    }
}

fn fill_rows<T: Token, L: Token>(from: &Checked<'_>, columns: Columns<'_, T, L>, pad_id: u32, threads: Option<usize>) {
    fn rows<S>(column: Option<&mut [S]>, capacity: usize, count: usize) -> Vec<Option<&mut [S]>> {
        match column {
            Some(slots) => slots.chunks_exact_mut(capacity.max(1)).map(Some).collect(),
            None => (0..count).map(|_| None).collect(),
        }
    }
    let (capacity, count) = (from.capacity, from.rows());
    let bytes = columns.bytes();
    let scratch = || Scratch::new(capacity, bytes >= STREAM_FROM_BYTES);
    let mut tokens = rows(columns.tokens, capacity, count);
    let mut labels = rows(columns.labels, capacity, count);
    let mut position_ids = rows(columns.position_ids, capacity, count);
    let mut document_ids = rows(columns.document_ids, capacity, count);
    let mut loss_mask = rows(columns.loss_mask, capacity, count);
    let rows = (&mut tokens, &mut labels, &mut position_ids, &mut document_ids, &mut loss_mask);
    let one = |scratch: &mut Scratch<T, L>, row: usize, tokens, labels, position_ids, document_ids, loss_mask| {
        if row + 1 < count && capacity <= LONGEST_PREFETCHED {
            prefetch_sources(from.pieces(row + 1));
        }
        let row_columns = Row { tokens, labels, position_ids, document_ids, loss_mask };
        lay_out(from.pieces(row), from.align, pad_id, row_columns, scratch);
    };
    if threads == Some(1) || count * capacity < 1 << 18 {
        let mut scratch = scratch();
        for row in 0..count {
            one(
                &mut scratch,
                row,
                rows.0[row].take(),
                rows.1[row].take(),
                rows.2[row].take(),
                rows.3[row].take(),
                rows.4[row].take(),
            );
        }
        return;
    }
    pool::install(threads, || {
        (
            rows.0.par_iter_mut(),
            rows.1.par_iter_mut(),
            rows.2.par_iter_mut(),
            rows.3.par_iter_mut(),
            rows.4.par_iter_mut(),
        )
            .into_par_iter()
            .enumerate()
            .with_min_len(16)
            .for_each_init(
                scratch,
                |scratch, (row, (tokens, labels, position_ids, document_ids, loss_mask))| {
                    one(
                        scratch,
                        row,
                        tokens.take(),
                        labels.take(),
                        position_ids.take(),
                        document_ids.take(),
                        loss_mask.take(),
                    );
                },
            );
    });
}

fn slots<'a, T: Element>(
    array: &'a mut Option<PyReadwriteArray2<'_, T>>,
    name: &str,
    shape: [usize; 2],
) -> PyResult<Option<&'a mut [T]>> {
    match array {
        Some(array) if array.shape() != shape => {
            Err(errors::input(format!("{name} has the shape {:?}; {shape:?} is wanted", array.shape())))
        }
        Some(array) => Ok(Some(array.as_slice_mut()?)),
        None => Ok(None),
    }
}

/// Lay out rows: pieces are `values[starts[p]..starts[p] + lengths[p]]`, row r has pieces `row_offsets[r]..row_offsets[r + 1]`.
#[pyfunction]
#[pyo3(signature = (values, mask, starts, lengths, row_offsets, capacity, align, pad_id, tokens, labels, position_ids,
                    document_ids, loss_mask, threads))]
#[allow(clippy::too_many_arguments)]
pub fn lay_out_rows<'py>(
    python: Python<'py>,
    values: PyReadonlyArray1<'py, u32>,
    mask: Option<PyReadonlyArray1<'py, u8>>,
    starts: PyReadonlyArray1<'py, i64>,
    lengths: PyReadonlyArray1<'py, i64>,
    row_offsets: PyReadonlyArray1<'py, i64>,
    capacity: usize,
    align: usize,
    pad_id: u32,
    tokens: Option<Matrix<'py>>,
    labels: Option<Matrix<'py>>,
    position_ids: Option<PyReadwriteArray2<'py, i32>>,
    document_ids: Option<PyReadwriteArray2<'py, i32>>,
    loss_mask: Option<PyReadwriteArray2<'py, u8>>,
    threads: Option<usize>,
) -> PyResult<()> {
    let from = Checked {
        values: values.as_slice()?,
        mask: mask.as_ref().map(|mask| mask.as_slice()).transpose()?,
        starts: starts.as_slice()?,
        lengths: lengths.as_slice()?,
        row_offsets: row_offsets.as_slice()?,
        capacity,
        align: align.max(1),
    };
    let from = from.check()?;
    let shape = [from.rows(), capacity];
    let (mut position_ids, mut document_ids, mut loss_mask) = (position_ids, document_ids, loss_mask);
    let position_ids = slots(&mut position_ids, "position_ids", shape)?;
    let document_ids = slots(&mut document_ids, "document_ids", shape)?;
    let loss_mask = slots(&mut loss_mask, "loss_mask", shape)?;
    macro_rules! fill {
        ($tokens:expr, $labels:expr) => {{
            let (mut tokens, mut labels) = ($tokens, $labels);
            let tokens = slots(&mut tokens, "tokens", shape)?;
            let labels = slots(&mut labels, "labels", shape)?;
            let columns = Columns { tokens, labels, position_ids, document_ids, loss_mask };
            gate::brief(python, || fill_rows(&from, columns, pad_id, threads));
        }};
    }
    match (tokens, labels) {
        (Some(Matrix::I64(tokens)), Some(Matrix::I64(labels))) => fill!(Some(tokens), Some(labels)),
        (Some(Matrix::I64(tokens)), Some(Matrix::I32(labels))) => fill!(Some(tokens), Some(labels)),
        (Some(Matrix::I32(tokens)), Some(Matrix::I64(labels))) => fill!(Some(tokens), Some(labels)),
        (Some(Matrix::I32(tokens)), Some(Matrix::I32(labels))) => fill!(Some(tokens), Some(labels)),
        (Some(Matrix::U32(tokens)), Some(Matrix::I64(labels))) => fill!(Some(tokens), Some(labels)),
        (Some(Matrix::U32(tokens)), Some(Matrix::I32(labels))) => fill!(Some(tokens), Some(labels)),
        (Some(Matrix::I64(tokens)), None) => fill!(Some(tokens), None::<PyReadwriteArray2<'py, i64>>),
        (Some(Matrix::I32(tokens)), None) => fill!(Some(tokens), None::<PyReadwriteArray2<'py, i64>>),
        (Some(Matrix::U32(tokens)), None) => fill!(Some(tokens), None::<PyReadwriteArray2<'py, i64>>),
        (None, Some(Matrix::I64(labels))) => fill!(None::<PyReadwriteArray2<'py, i64>>, Some(labels)),
        (None, Some(Matrix::I32(labels))) => fill!(None::<PyReadwriteArray2<'py, i64>>, Some(labels)),
        (None, None) => fill!(None::<PyReadwriteArray2<'py, i64>>, None::<PyReadwriteArray2<'py, i64>>),
        (_, Some(Matrix::U32(_))) => return Err(errors::input("labels must be int32 or int64: -100 is no uint32")),
    }
    Ok(())
}
