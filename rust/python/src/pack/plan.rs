//! Plans, and their columns when they are asked for.

use numpy::{IntoPyArray, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenfoundry_base::pool;
use tokenfoundry_pack::contents::Contents;
use tokenfoundry_pack::pieces::Boundaries;
use tokenfoundry_pack::plan::{Options, Plan, Strategy};

use super::{Column, long_of};
use crate::{errors, gate};

/// The pieces of a plan, turned into arrays when they are asked for.
#[pyclass(frozen, module = "tokenfoundry._core.pack")]
pub struct Pieces {
    contents: Contents,
}

#[pymethods]
impl Pieces {
    /// First piece of each row, and the number of pieces.
    fn row_offsets<'py>(&self, python: Python<'py>) -> Column<'py> {
        gate::brief(python, || self.contents.row_offsets().into_owned()).into_pyarray(python)
    }

    /// Document, first token and length of each piece.
    #[pyo3(signature = (threads))]
    fn columns<'py>(&self, python: Python<'py>, threads: Option<usize>) -> (Column<'py>, Column<'py>, Column<'py>) {
        let [document, start, length] = gate::brief(python, || pool::install(threads, || self.contents.columns()));
        (document.into_pyarray(python), start.into_pyarray(python), length.into_pyarray(python))
    }
}

fn strategy_of(name: &str) -> PyResult<Strategy> {
    Ok(match name {
        "best_fit" => Strategy::BestFit,
        "trl" => Strategy::FirstCome,
        "first_fit_decreasing" => Strategy::FirstFitDecreasing,
        "first_fit" => Strategy::FirstFit,
        "concat" => Strategy::Concat,
        other => return Err(errors::input(format!("no strategy {other:?}"))),
    })
}

/// Whether `offsets` divide `positions` into rising runs, one a document.
fn check_boundaries(positions: &[i64], offsets: &[i64], documents: usize) -> PyResult<()> {
    let shape = offsets.len() == documents + 1
        && offsets.first() == Some(&0)
        && offsets.last() == Some(&(positions.len() as i64))
        && offsets.is_sorted();
    if !shape {
        return Err(errors::input(format!(
            "boundaries need {} offsets that rise from 0 to {}, the number of positions",
            documents + 1,
            positions.len()
        )));
    }
    for (document, range) in offsets.windows(2).enumerate() {
        if !positions[range[0] as usize..range[1] as usize].is_sorted() {
            return Err(errors::input(format!("the boundaries of document {document} do not rise")));
        }
    }
    Ok(())
}

#[pyfunction]
#[pyo3(signature = (lengths, capacity, strategy, long, seed, align, min_piece, max_pieces, rows_multiple, boundaries,
                    apart, together, threads))]
#[allow(clippy::too_many_arguments)]
pub fn plan<'py>(
    python: Python<'py>,
    lengths: PyReadonlyArray1<'py, i64>,
    capacity: u32,
    strategy: &str,
    long: &str,
    seed: u64,
    align: u32,
    min_piece: u32,
    max_pieces: u32,
    rows_multiple: u32,
    boundaries: Option<(PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>)>,
    apart: Option<PyReadonlyArray1<'py, i64>>,
    together: Option<PyReadonlyArray1<'py, i64>>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let lengths = lengths.as_slice()?;
    if capacity == 0 || align == 0 || align > capacity || max_pieces == 0 || rows_multiple == 0 {
        return Err(errors::input(
            "capacity, align, max_pieces and rows_multiple must be 1 or more, align within capacity",
        ));
    }
    let boundaries = match &boundaries {
        Some((positions, offsets)) => {
            let (positions, offsets) = (positions.as_slice()?, offsets.as_slice()?);
            check_boundaries(positions, offsets, lengths.len())?;
            Some(Boundaries { positions, offsets })
        }
        None => None,
    };
    let per_document = |name: &str, labels: &Option<PyReadonlyArray1<'py, i64>>| match labels {
        Some(labels) if labels.len() != lengths.len() => {
            Err(errors::input(format!("{name} has {} entries for {} documents", labels.len(), lengths.len())))
        }
        _ => Ok(()),
    };
    per_document("apart", &apart)?;
    per_document("together", &together)?;
    let options = Options {
        capacity,
        strategy: strategy_of(strategy)?,
        long: long_of(long)?,
        seed,
        align,
        shortest: min_piece,
        most_pieces: max_pieces,
        rows_multiple,
        boundaries,
        apart: apart.as_ref().map(|groups| groups.as_slice()).transpose()?,
        together: together.as_ref().map(|clusters| clusters.as_slice()).transpose()?,
    };
    let plan = gate::brief(python, || pool::install(threads, || Plan::new(lengths, &options)))
        .map_err(|error| errors::input(error.0))?;
    let fields = PyDict::new(python);
    fields.set_item("rows", plan.contents.rows())?;
    fields.set_item("piece_count", plan.contents.pieces())?;
    fields.set_item("lower_bound", plan.lower_bound)?;
    fields.set_item("cut", plan.cut)?;
    fields.set_item("cut_inside", plan.cut_inside)?;
    fields.set_item("longer_than_row", plan.longer_than_row)?;
    fields.set_item("dropped_long", plan.dropped_long)?;
    fields.set_item("dropped_short", plan.dropped_short)?;
    fields.set_item("alignment_loss", plan.alignment_loss)?;
    fields.set_item("tokens", plan.tokens)?;
    fields.set_item("pieces", Pieces { contents: plan.contents })?;
    Ok(fields)
}
