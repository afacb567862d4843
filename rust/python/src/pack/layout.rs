//! Laying pieces out in matrices.

use numpy::{Element, PyReadonlyArray1, PyReadwriteArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use tokenfoundry_base::pool;
use tokenfoundry_pack::layout::{Columns, PARALLEL_FROM_SLOTS, Rows};

use crate::buffers::matrix::Matrix;
use crate::{errors, gate};

/// Every piece lies in the tokens, every row has room.
fn check(rows: Rows<'_>) -> PyResult<Rows<'_>> {
    let in_range = rows.row_offsets.first() == Some(&0)
        && rows.row_offsets.last() == Some(&(rows.starts.len() as i64))
        && rows.row_offsets.is_sorted()
        && rows.starts.len() == rows.lengths.len()
        && rows.mask.is_none_or(|mask| mask.len() == rows.values.len())
        && rows.starts.iter().zip(rows.lengths).all(|(&start, &length)| {
            start >= 0 && length >= 0 && start.checked_add(length).is_some_and(|end| end <= rows.values.len() as i64)
        });
    if !in_range {
        return Err(errors::input("the pieces do not lie in the tokens, or the rows not in the pieces"));
    }
    for (row, range) in rows.row_offsets.windows(2).enumerate() {
        let mut used = 0usize;
        for &length in &rows.lengths[range[0] as usize..range[1] as usize] {
            // What is lost behind the last piece need not be there.
            used = used.next_multiple_of(rows.align) + length as usize;
        }
        if used > rows.capacity {
            return Err(errors::input(format!("row {row} has {used} tokens, more than {}", rows.capacity)));
        }
    }
    Ok(rows)
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
    let rows = check(Rows {
        values: values.as_slice()?,
        mask: mask.as_ref().map(|mask| mask.as_slice()).transpose()?,
        starts: starts.as_slice()?,
        lengths: lengths.as_slice()?,
        row_offsets: row_offsets.as_slice()?,
        capacity,
        align: align.max(1),
        pad_id,
    })?;
    let shape = [rows.count(), capacity];
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
            let alone = threads == Some(1) || shape[0] * shape[1] < PARALLEL_FROM_SLOTS;
            gate::brief(python, || {
                if alone { rows.lay_out(columns) } else { pool::install(threads, || rows.lay_out_in_pool(columns)) }
            });
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
