//! Packers of documents as they come.

use std::sync::{Mutex, MutexGuard};

use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::prelude::*;
use tokenfoundry_pack::pieces::{Long, Piece};
use tokenfoundry_pack::streaming::{Completed, Lookahead, OpenRows};

use super::{Column, long_of};
use crate::{errors, gate};

/// A document of 2^60 tokens is a mistake, not a reason to run out of memory.
const MOST_PIECES_A_PUSH: i64 = 1 << 30;

enum Packer {
    OpenRows(OpenRows),
    Lookahead(Lookahead),
}

/// A packer of documents as they come; see `tokenfoundry.pack.Streaming`.
#[pyclass(frozen, module = "tokenfoundry._core.pack")]
pub struct Streaming {
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
