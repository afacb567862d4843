//! `tokenfoundry._core.pack`: see `python/tokenfoundry/_core/pack.pyi` for what each name takes and gives.

use std::sync::{Mutex, MutexGuard};

use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1, PyReadwriteArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rayon::prelude::*;
use tokenfoundry_base::{Ragged, pool};
use tokenfoundry_pack::balance::{differencing, largest_first};
use tokenfoundry_pack::fim::{Marks, Options as FimOptions, fill_in_the_middle};
use tokenfoundry_pack::layout::{Row, Source, Token, lay_out};
use tokenfoundry_pack::pieces::{Boundaries, Long, Piece};
use tokenfoundry_pack::plan::{Options, Plan, Strategy};
use tokenfoundry_pack::streaming::{Completed, Lookahead, OpenRows};

use crate::{errors, gate};

type Column<'py> = Bound<'py, PyArray1<i64>>;

/// The pieces of a plan, turned into arrays when they are asked for.
#[pyclass(frozen, module = "tokenfoundry._core.pack")]
struct Pieces {
    plan: Plan,
}

#[pymethods]
impl Pieces {
    /// Document, first token and length of each piece.
    fn columns<'py>(&self, python: Python<'py>) -> (Column<'py>, Column<'py>, Column<'py>) {
        let [document, start, length] = gate::brief(python, || self.plan.columns());
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

fn long_of(name: &str) -> PyResult<Long> {
    Ok(match name {
        "split" => Long::Split,
        "truncate" => Long::Truncate,
        "drop" => Long::Drop,
        other => return Err(errors::input(format!("no policy {other:?} for long documents"))),
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
fn plan<'py>(
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
    let mut plan = gate::brief(python, || pool::install(threads, || Plan::new(lengths, &options)))
        .map_err(|error| errors::input(error.0))?;
    let fields = PyDict::new(python);
    fields.set_item("row_offsets", std::mem::take(&mut plan.row_offsets).into_pyarray(python))?;
    fields.set_item("lower_bound", plan.lower_bound)?;
    fields.set_item("cut", plan.cut)?;
    fields.set_item("cut_inside", plan.cut_inside)?;
    fields.set_item("longer_than_row", plan.longer_than_row)?;
    fields.set_item("dropped_long", plan.dropped_long)?;
    fields.set_item("dropped_short", plan.dropped_short)?;
    fields.set_item("alignment_loss", plan.alignment_loss)?;
    fields.set_item("tokens", plan.tokens)?;
    fields.set_item("pieces", Pieces { plan })?;
    Ok(fields)
}

/// A matrix that tokens or labels are written to.
#[derive(FromPyObject)]
enum Matrix<'py> {
    U32(PyReadwriteArray2<'py, u32>),
    I32(PyReadwriteArray2<'py, i32>),
    I64(PyReadwriteArray2<'py, i64>),
}

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

fn fill_rows<T: Token, L: Token>(from: &Checked<'_>, columns: Columns<'_, T, L>, pad_id: u32, threads: Option<usize>) {
    fn rows<S>(column: Option<&mut [S]>, capacity: usize, count: usize) -> Vec<Option<&mut [S]>> {
        match column {
            Some(slots) => slots.chunks_exact_mut(capacity.max(1)).map(Some).collect(),
            None => (0..count).map(|_| None).collect(),
        }
    }
    let (capacity, count) = (from.capacity, from.rows());
    let mut tokens = rows(columns.tokens, capacity, count);
    let mut labels = rows(columns.labels, capacity, count);
    let mut position_ids = rows(columns.position_ids, capacity, count);
    let mut document_ids = rows(columns.document_ids, capacity, count);
    let mut loss_mask = rows(columns.loss_mask, capacity, count);
    let rows = (&mut tokens, &mut labels, &mut position_ids, &mut document_ids, &mut loss_mask);
    let one = |row: usize, tokens, labels, position_ids, document_ids, loss_mask| {
        let row_columns = Row { tokens, labels, position_ids, document_ids, loss_mask };
        lay_out(from.pieces(row), from.align, pad_id, row_columns);
    };
    if threads == Some(1) || count * capacity < 1 << 19 {
        for row in 0..count {
            one(
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
            .for_each(|(row, (tokens, labels, position_ids, document_ids, loss_mask))| {
                one(row, tokens.take(), labels.take(), position_ids.take(), document_ids.take(), loss_mask.take());
            });
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
fn lay_out_rows<'py>(
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

/// A document of 2^60 tokens is a mistake, not a reason to run out of memory.
const MOST_PIECES_A_PUSH: i64 = 1 << 30;

enum Packer {
    OpenRows(OpenRows),
    Lookahead(Lookahead),
}

/// A packer of documents as they come; see `tokenfoundry.pack.Streaming`.
#[pyclass(frozen, module = "tokenfoundry._core.pack")]
struct Streaming {
    packer: Mutex<Packer>,
    capacity: u32,
    long: Long,
}

type Rows<'py> = (Column<'py>, Column<'py>, Column<'py>, Column<'py>);

fn rows_of<'py>(python: Python<'py>, completed: Completed) -> Rows<'py> {
    let column = |of: fn(&Piece) -> i64| completed.pieces.iter().map(of).collect::<Vec<i64>>().into_pyarray(python);
    let columns = (column(|piece| piece.document), column(|piece| piece.start), column(|piece| piece.length));
    (completed.row_offsets.into_pyarray(python), columns.0, columns.1, columns.2)
}

impl Streaming {
    fn packer(&self) -> PyResult<MutexGuard<'_, Packer>> {
        self.packer.lock().map_err(|_| errors::input("the packer failed before"))
    }
}

#[pymethods]
impl Streaming {
    #[new]
    #[pyo3(signature = (capacity, open_rows, lookahead, long))]
    fn create(capacity: u32, open_rows: Option<usize>, lookahead: Option<usize>, long: &str) -> PyResult<Self> {
        let packer = match (open_rows, lookahead) {
            (Some(rows), None) => Packer::OpenRows(OpenRows::new(capacity, rows)),
            (None, Some(pieces)) => Packer::Lookahead(Lookahead::new(capacity, pieces)),
            _ => return Err(errors::input("open_rows or lookahead, one of them")),
        };
        Ok(Self { packer: Mutex::new(packer), capacity, long: long_of(long)? })
    }

    /// Rows that these documents complete, and how many tokens were dropped.
    fn push<'py>(
        &self,
        python: Python<'py>,
        lengths: PyReadonlyArray1<'py, i64>,
        first_document: i64,
    ) -> PyResult<(Rows<'py>, i64)> {
        let lengths = lengths.as_slice()?;
        if let Some(document) = lengths.iter().position(|&length| length < 0) {
            return Err(errors::input(format!("lengths[{document}] is negative: {}", lengths[document])));
        }
        let capacity = i64::from(self.capacity);
        let pieces = lengths.iter().fold(0i64, |sum, length| sum.saturating_add(length / capacity + 1));
        if self.long == Long::Split && pieces > MOST_PIECES_A_PUSH {
            return Err(errors::input(format!("{pieces} pieces at once are more than {MOST_PIECES_A_PUSH}")));
        }
        let mut completed = Completed::new();
        let dropped = gate::brief(python, || {
            let mut packer = self.packer.lock().ok()?;
            let mut dropped = 0;
            for (document, &length) in (first_document..).zip(lengths) {
                let kept = match self.long {
                    Long::Split => length,
                    Long::Truncate => length.min(capacity),
                    Long::Drop if length > capacity => 0,
                    Long::Drop => length,
                };
                dropped += length - kept;
                let mut start = 0;
                while start < kept {
                    let piece = Piece { document, start, length: capacity.min(kept - start) };
                    match &mut *packer {
                        Packer::OpenRows(rows) => rows.push(piece, &mut completed),
                        Packer::Lookahead(pieces) => pieces.push(piece, &mut completed),
                    }
                    start += piece.length;
                }
            }
            Some(dropped)
        });
        let dropped = dropped.ok_or_else(|| errors::input("the packer failed before"))?;
        Ok((rows_of(python, completed), dropped))
    }

    fn finish<'py>(&self, python: Python<'py>) -> PyResult<Rows<'py>> {
        let mut completed = Completed::new();
        match &mut *self.packer()? {
            Packer::OpenRows(rows) => rows.finish(&mut completed),
            Packer::Lookahead(pieces) => pieces.finish(&mut completed),
        }
        Ok(rows_of(python, completed))
    }

    /// The pieces it holds, as rows: open rows, or one row of waiting pieces.
    fn held<'py>(&self, python: Python<'py>) -> PyResult<Rows<'py>> {
        let mut held = Completed::new();
        let rows = match &*self.packer()? {
            Packer::OpenRows(rows) => rows.held().to_vec(),
            Packer::Lookahead(pieces) => vec![pieces.held()],
        };
        for row in rows {
            held.pieces.extend(row);
            held.row_offsets.push(held.pieces.len() as i64);
        }
        Ok(rows_of(python, held))
    }

    /// Take up what `held` gave: rows of (document, start, length).
    fn restore(&self, rows: Vec<Vec<(i64, i64, i64)>>) -> PyResult<()> {
        let piece = |(document, start, length)| Piece { document, start, length };
        let rows: Vec<Vec<Piece>> = rows.into_iter().map(|row| row.into_iter().map(piece).collect()).collect();
        let restored = match &mut *self.packer()? {
            Packer::OpenRows(open) => open.restore(rows),
            Packer::Lookahead(waiting) => waiting.restore(rows.into_iter().flatten().collect()),
        };
        if restored { Ok(()) } else { Err(errors::input("the state's pieces do not fit this packer")) }
    }
}

/// The group of each item.
#[pyfunction]
fn balance<'py>(
    python: Python<'py>,
    costs: PyReadonlyArray1<'py, u64>,
    groups: usize,
    equal_counts: bool,
    method: &str,
) -> PyResult<Bound<'py, PyArray1<u32>>> {
    let costs = costs.as_slice()?;
    let enough = u32::try_from(costs.len()).is_ok() && u32::try_from(groups).is_ok() && groups > 0;
    if !enough || costs.iter().try_fold(0u64, |sum, &cost| sum.checked_add(cost)).is_none() {
        return Err(errors::input("groups, items or the sum of costs out of range"));
    }
    let dealt = match method {
        "differencing" => gate::brief(python, || differencing(costs, groups, equal_counts)),
        "largest_first" => gate::brief(python, || largest_first(costs, groups, equal_counts)),
        other => return Err(errors::input(format!("no method {other:?}"))),
    };
    Ok(dealt.into_pyarray(python))
}

type Changed<'py> = (Bound<'py, PyArray1<u32>>, Column<'py>, Bound<'py, PyArray1<bool>>);

/// Fill in the middle: values, offsets, and which documents were changed. `ids`: a number for each document.
#[pyfunction]
#[pyo3(signature = (values, offsets, ids, marks, rate, suffix_first_rate, seed, threads))]
#[allow(clippy::too_many_arguments)]
fn fim<'py>(
    python: Python<'py>,
    values: PyReadonlyArray1<'py, u32>,
    offsets: PyReadonlyArray1<'py, i64>,
    ids: PyReadonlyArray1<'py, u64>,
    marks: (u32, u32, u32),
    rate: f64,
    suffix_first_rate: f64,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<Changed<'py>> {
    let (values, offsets, ids) = (values.as_slice()?, offsets.as_slice()?, ids.as_slice()?);
    let fits = offsets.first().is_some_and(|&first| first >= 0)
        && offsets.is_sorted()
        && offsets.last().is_some_and(|&last| last <= values.len() as i64)
        && ids.len() + 1 == offsets.len();
    if !fits {
        return Err(errors::input("offsets do not lie in the values, or ids are not one a document"));
    }
    let whole = f64::from(2.0f32).powi(32);
    let options = FimOptions {
        marks: Marks { prefix: marks.0, middle: marks.1, suffix: marks.2 },
        rate: (rate * whole) as u64,
        suffix_first_rate: (suffix_first_rate * whole) as u64,
        seed,
    };
    let (ragged, changed) = gate::brief(python, || {
        pool::install(threads, || {
            let parts: Vec<(Ragged, Vec<bool>)> = ids
                .par_chunks(1024)
                .zip(offsets.windows(2).collect::<Vec<_>>().par_chunks(1024))
                .map(|(ids, ranges)| {
                    let mut out = Ragged::default();
                    let changed = ids
                        .iter()
                        .zip(ranges)
                        .map(|(&id, range)| {
                            let tokens = &values[range[0] as usize..range[1] as usize];
                            let changed = fill_in_the_middle(tokens, id, &options, &mut out.values);
                            out.close_row();
                            changed
                        })
                        .collect();
                    (out, changed)
                })
                .collect();
            let (ragged, changed): (Vec<Ragged>, Vec<Vec<bool>>) = parts.into_iter().unzip();
            (Ragged::concat(ragged), changed.concat())
        })
    });
    Ok((ragged.values.into_pyarray(python), ragged.offsets.into_pyarray(python), changed.into_pyarray(python)))
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<Pieces>()?;
    room.add_class::<Streaming>()?;
    room.add_function(wrap_pyfunction!(balance, room)?)?;
    room.add_function(wrap_pyfunction!(fim, room)?)?;
    room.add_function(wrap_pyfunction!(lay_out_rows, room)?)?;
    room.add_function(wrap_pyfunction!(plan, room)?)
}
