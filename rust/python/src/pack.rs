//! `tokenfoundry._core.pack`: see `python/tokenfoundry/_core/pack.pyi` for what each name takes and gives.

use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rayon::prelude::*;
use tokenfoundry_base::pool;
use tokenfoundry_pack::layout::{Row, lay_out};
use tokenfoundry_pack::plan::{Plan, Strategy};
use tokenfoundry_pack::split::Long;

use crate::{errors, gate};

#[pyfunction]
fn plan<'py>(
    python: Python<'py>,
    lengths: PyReadonlyArray1<'py, i64>,
    capacity: u32,
    strategy: &str,
    long: &str,
    seed: u64,
) -> PyResult<Bound<'py, PyDict>> {
    let lengths = lengths.as_slice()?;
    let strategy = match strategy {
        "best_fit" => Strategy::BestFit,
        "first_fit_decreasing" => Strategy::FirstFit,
        "concat" => Strategy::Concat,
        other => return Err(errors::input(format!("no strategy {other:?}"))),
    };
    let long = match long {
        "split" => Long::Split,
        "truncate" => Long::Truncate,
        "drop" => Long::Drop,
        other => return Err(errors::input(format!("no policy {other:?} for long documents"))),
    };
    let plan = gate::brief(python, || Plan::new(lengths, capacity, strategy, long, seed));
    let fields = PyDict::new(python);
    let column = |of: fn(&tokenfoundry_pack::split::Piece) -> i64| plan.pieces.iter().map(of).collect::<Vec<i64>>();
    fields.set_item("document", column(|piece| piece.document).into_pyarray(python))?;
    fields.set_item("start", column(|piece| piece.start).into_pyarray(python))?;
    fields.set_item("length", column(|piece| piece.length).into_pyarray(python))?;
    fields.set_item("lower_bound", plan.lower_bound)?;
    fields.set_item("cut", plan.cut)?;
    fields.set_item("longer_than_row", plan.longer_than_row)?;
    fields.set_item("dropped", plan.dropped)?;
    fields.set_item("row_offsets", plan.row_offsets.into_pyarray(python))?;
    Ok(fields)
}

/// Lay out rows: pieces are `values[starts[p]..starts[p] + lengths[p]]`, row r has pieces `row_offsets[r]..row_offsets[r + 1]`.
#[pyfunction]
#[pyo3(signature = (values, starts, lengths, row_offsets, capacity, pad_id, threads))]
#[allow(clippy::too_many_arguments)]
fn lay_out_rows<'py>(
    python: Python<'py>,
    values: PyReadonlyArray1<'py, u32>,
    starts: PyReadonlyArray1<'py, i64>,
    lengths: PyReadonlyArray1<'py, i64>,
    row_offsets: PyReadonlyArray1<'py, i64>,
    capacity: usize,
    pad_id: u32,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let (values, row_offsets) = (values.as_slice()?, row_offsets.as_slice()?);
    let (starts, lengths) = (starts.as_slice()?, lengths.as_slice()?);
    let rows = row_offsets.len().saturating_sub(1);
    let in_range = row_offsets.first() == Some(&0)
        && row_offsets.last() == Some(&(starts.len() as i64))
        && row_offsets.is_sorted()
        && starts.len() == lengths.len()
        && starts.iter().zip(lengths).all(|(&start, &length)| {
            start >= 0 && length >= 0 && start.checked_add(length).is_some_and(|end| end <= values.len() as i64)
        });
    if !in_range {
        return Err(errors::input("the pieces do not lie in the tokens, or the rows not in the pieces"));
    }
    for (row, range) in row_offsets.windows(2).enumerate() {
        let tokens: i64 = lengths[range[0] as usize..range[1] as usize].iter().sum();
        if tokens > capacity as i64 {
            return Err(errors::input(format!("row {row} has {tokens} tokens, more than {capacity}")));
        }
    }
    let size = rows * capacity;
    let (mut tokens, mut labels) = (vec![0u32; size], vec![0i64; size]);
    let (mut position_ids, mut document_ids) = (vec![0i32; size], vec![0i32; size]);
    gate::brief(python, || {
        pool::install(threads, || {
            let width = capacity.max(1);
            let arrays = (tokens.par_chunks_mut(width), position_ids.par_chunks_mut(width))
                .into_par_iter()
                .zip((labels.par_chunks_mut(width), document_ids.par_chunks_mut(width)));
            arrays.zip(row_offsets.par_windows(2)).for_each(
                |(((tokens, position_ids), (labels, document_ids)), range)| {
                    let pieces = (range[0] as usize..range[1] as usize)
                        .map(|piece| &values[starts[piece] as usize..(starts[piece] + lengths[piece]) as usize]);
                    lay_out(pieces, pad_id, Row { tokens, position_ids, labels, document_ids });
                },
            );
        });
    });
    let fields = PyDict::new(python);
    fields.set_item("tokens", tokens.into_pyarray(python))?;
    fields.set_item("position_ids", position_ids.into_pyarray(python))?;
    fields.set_item("labels", labels.into_pyarray(python))?;
    fields.set_item("document_ids", document_ids.into_pyarray(python))?;
    Ok(fields)
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_function(wrap_pyfunction!(lay_out_rows, room)?)?;
    room.add_function(wrap_pyfunction!(plan, room)?)
}
