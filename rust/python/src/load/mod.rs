//! `tokenfoundry._core.load`: batches out of sets of shards. The one place where packing and shards meet.
//!
//! A row of a batch is a list of segments, runs of tokens of a source; what makes the rows of a sample is its kind:
//! a packed row as it lies there, a window of the tokens, or a row packed on the way out of pieces of documents.
//! `stream` is what Python sees, `blocks` packs on the way, `filling` writes batches.

mod blocks;
mod filling;
mod stream;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use tokenfoundry_kernels::huge_pages::advise;
use tokenfoundry_shard::ShardError;
use tokenfoundry_shard::order::{Order, Place, Shuffles};
use tokenfoundry_shard::permutation::Permutation;
use tokenfoundry_shard::set::Set;

use crate::{errors, gate};
use blocks::Blocks;

/// Tokens of a source that follow one another in a row, all of one document.
#[derive(Clone, Copy, Debug)]
struct Segment {
    source: u32,
    /// Counted in the source's set.
    first: u64,
    length: u32,
    /// Begins or goes on a piece of this number, counted in the set.
    piece: u64,
}

impl Segment {
    fn end(&self) -> u64 {
        self.first + u64::from(self.length)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rows,
    Windows,
    Pack,
}

/// The sampler and the reader of a loader.
#[pyclass(frozen, module = "tokenfoundry._core.load")]
struct Stream {
    sets: Vec<Arc<Set>>,
    order: Order,
    kind: Kind,
    length: usize,
    seed: u64,
    shuffled: bool,
    /// Pieces that are packed together, and pieces in all where there is an end.
    block_pieces: u64,
    most_pieces: Option<u64>,
    /// For each source the side column that says what is to be learned.
    masks: Vec<Option<(usize, usize)>>,
    blocks: Mutex<Blocks>,
    /// Nanoseconds a KiB of the batches before: whether reading waits for a disk.
    pace: AtomicU64,
}

enum Failed {
    Shard(ShardError),
    Input(String),
    End,
}

impl From<ShardError> for Failed {
    fn from(error: ShardError) -> Self {
        Self::Shard(error)
    }
}

impl From<Failed> for PyErr {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Shard(error) => errors::shard(error.0),
            Failed::Input(message) => errors::input(message),
            Failed::End => errors::input("the samples are at their end"),
        }
    }
}

impl Stream {
    fn row_segments(&self, place: Place, segments: &mut Vec<Segment>) -> Result<(), Failed> {
        let set = &self.sets[place.source as usize];
        match self.kind {
            Kind::Rows => {
                for piece in set.row_pieces(place.item)? {
                    let range = set.piece_range(piece);
                    let length = (range.end - range.start) as u32;
                    segments.push(Segment { source: place.source, first: range.start, length, piece });
                }
            }
            Kind::Windows | Kind::Pack => {
                // Which piece a window begins in, `trace` looks up.
                let first = place.item * self.length as u64;
                segments.push(Segment { source: place.source, first, length: self.length as u32, piece: 0 });
            }
        }
        Ok(())
    }

    /// The segments of samples, and where each sample's begin.
    fn segments(&self, samples: &[i64]) -> Result<(Vec<usize>, Vec<Segment>), Failed> {
        let mut shuffles = Shuffles::default();
        let (mut offsets, mut segments) = (vec![0], Vec::new());
        for &sample in samples {
            let sample = u64::try_from(sample).map_err(|_| Failed::Input(format!("sample {sample} is negative")))?;
            if self.kind == Kind::Pack {
                let block = self.block_of(sample)?;
                let row = (sample - block.first_row) as usize;
                let range = block.row_offsets[row] as usize..block.row_offsets[row + 1] as usize;
                segments.extend_from_slice(&block.segments[range]);
            } else {
                self.row_segments(self.order.locate(sample, &mut shuffles), &mut segments)?;
            }
            offsets.push(segments.len());
        }
        Ok((offsets, segments))
    }
}

type Column<'py> = Bound<'py, PyArray1<i64>>;

/// Where a keyed permutation of `range(size)` sends these indices.
#[pyfunction]
fn permute<'py>(
    python: Python<'py>,
    indices: PyReadonlyArray1<'py, i64>,
    size: u64,
    key: u64,
) -> PyResult<Column<'py>> {
    let indices = indices.as_slice()?;
    let outside = || errors::input(format!("indices must be between 0 and {size}, a size of at most 2^62"));
    if size == 0 || size > 1 << 62 {
        return Err(outside());
    }
    let found = gate::brief(python, || {
        let mut found = vec![0; indices.len()];
        advise(&found);
        Permutation::new(size, key).apply_all(indices, &mut found).then_some(found)
    });
    Ok(found.ok_or_else(outside)?.into_pyarray(python))
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<Stream>()?;
    room.add_function(wrap_pyfunction!(permute, room)?)
}
