//! `tokenfoundry._core.load`: batches out of sets of shards. The one place where packing and shards meet.
//!
//! A row of a batch is a list of segments, runs of tokens of a source; what makes the rows of a sample is its kind:
//! a packed row as it lies there, a window of the tokens, or a row packed on the way out of pieces of documents.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadwriteArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rayon::prelude::*;
use tokenfoundry_base::pool;
use tokenfoundry_base::stable_hash::mix64;
use tokenfoundry_kernels::huge_pages::vec_with_capacity;
use tokenfoundry_kernels::token_copy::count_up;
use tokenfoundry_pack::layout::Token as Label;
use tokenfoundry_pack::pieces::Long;
use tokenfoundry_pack::plan::{Options, Plan, Strategy};
use tokenfoundry_shard::ShardError;
use tokenfoundry_shard::order::{Order, Place, Shuffles};
use tokenfoundry_shard::permutation::Permutation;
use tokenfoundry_shard::read::Token;
use tokenfoundry_shard::set::Set;

use crate::{errors, gate, shard};

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rows,
    Windows,
    Pack,
}

/// Rows packed out of one block of pieces, in the order they are given out.
struct Block {
    number: u64,
    first_row: u64,
    row_offsets: Vec<i64>,
    segments: Vec<Segment>,
}

impl Block {
    fn rows(&self) -> u64 {
        self.row_offsets.len() as u64 - 1
    }
}

/// Blocks packed last, and first rows of all blocks that were met, with their numbers.
#[derive(Default)]
struct Blocks {
    recent: Vec<Arc<Block>>,
    known: BTreeMap<u64, u64>,
}

/// A batch may lie in two blocks, and the next one be looked into before.
const BLOCKS_AT_HAND: usize = 3;

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

/// Above this a batch waited for a disk: a KiB from memory takes 100 ns, from the fastest disk 1000.
const SLOW_NANOSECONDS_A_KIB: u64 = 400;

/// Where a batch goes: matrices of the sequence length, one row a sample. Labels and the others may be left out.
struct Out<'a, T, L> {
    tokens: &'a mut [T],
    labels: Option<&'a mut [L]>,
    position_ids: Option<&'a mut [i32]>,
    document_ids: Option<&'a mut [i32]>,
}

/// The same for one row.
struct RowOut<'a, T, L> {
    tokens: &'a mut [T],
    labels: Option<&'a mut [L]>,
    position_ids: Option<&'a mut [i32]>,
    document_ids: Option<&'a mut [i32]>,
}

impl<'a, T, L> Out<'a, T, L> {
    fn rows(self, length: usize) -> Vec<RowOut<'a, T, L>> {
        let mut labels = self.labels.map(|slots| slots.chunks_exact_mut(length));
        let mut position_ids = self.position_ids.map(|slots| slots.chunks_exact_mut(length));
        let mut document_ids = self.document_ids.map(|slots| slots.chunks_exact_mut(length));
        self.tokens
            .chunks_exact_mut(length)
            .map(|tokens| RowOut {
                tokens,
                labels: labels.as_mut().and_then(Iterator::next),
                position_ids: position_ids.as_mut().and_then(Iterator::next),
                document_ids: document_ids.as_mut().and_then(Iterator::next),
            })
            .collect()
    }
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

    /// The block that a row lies in: one at hand, or packed from the last block before it whose first row is known.
    fn block_of(&self, row: u64) -> Result<Arc<Block>, Failed> {
        let mut held = self.blocks.lock().map_err(|_| Failed::Input("the loader failed before".to_owned()))?;
        let (mut first_row, mut number) =
            held.known.range(..=row).next_back().map_or((0, 0), |(&row, &number)| (row, number));
        loop {
            let at_hand = held.recent.iter().find(|block| block.number == number).cloned();
            let block = match at_hand {
                Some(block) => block,
                None => {
                    let block = Arc::new(self.pack_block(number, first_row)?);
                    if held.recent.len() == BLOCKS_AT_HAND {
                        held.recent.remove(0);
                    }
                    held.recent.push(Arc::clone(&block));
                    block
                }
            };
            held.known.insert(first_row, number);
            if row - first_row < block.rows() {
                return Ok(block);
            }
            first_row += block.rows();
            number += 1;
            if self.most_pieces.is_some_and(|most| number.saturating_mul(self.block_pieces) >= most)
                || block.rows() == 0
            {
                return Err(Failed::End);
            }
        }
    }

    fn pack_block(&self, number: u64, first_row: u64) -> Result<Block, Failed> {
        let first = number.checked_mul(self.block_pieces).ok_or(Failed::End)?;
        let end = first.saturating_add(self.block_pieces).min(self.most_pieces.unwrap_or(u64::MAX));
        let mut shuffles = Shuffles::default();
        let located: Vec<(u32, u64)> = (first..end)
            .map(|sample| {
                let place = self.order.locate(sample, &mut shuffles);
                (place.source, place.item)
            })
            .collect();
        let ranges: Vec<_> =
            located.iter().map(|&(source, piece)| self.sets[source as usize].piece_range(piece)).collect();
        let lengths: Vec<i64> = ranges.iter().map(|range| (range.end - range.start) as i64).collect();
        let key = mix64(self.seed ^ mix64(number));
        let options = Options {
            capacity: self.length as u32,
            strategy: Strategy::BestFit,
            long: Long::Split,
            seed: if self.shuffled { key | 1 } else { 0 },
            align: 1,
            shortest: 1,
            most_pieces: u32::MAX,
            rows_multiple: 1,
            boundaries: None,
            apart: None,
            together: None,
        };
        // In a pool of this process: a forked worker has no other that lives.
        let planned = pool::install(Some(1), || {
            let plan = Plan::new(&lengths, &options)?;
            let columns = plan.contents.columns();
            Ok((plan, columns))
        });
        let (plan, [document, start, length]) =
            planned.map_err(|error: tokenfoundry_pack::PackError| Failed::Input(error.0))?;
        let rows = plan.contents.rows() as u64;
        let row_offsets = plan.contents.row_offsets();
        let order = Permutation::new(rows, key);
        let mut block = Block { number, first_row, row_offsets: vec![0], segments: Vec::with_capacity(document.len()) };
        for place in 0..rows {
            let row = if self.shuffled { order.apply(place) } else { place } as usize;
            for piece in row_offsets[row] as usize..row_offsets[row + 1] as usize {
                let (source, number) = located[document[piece] as usize];
                let first = ranges[document[piece] as usize].start + start[piece] as u64;
                block.segments.push(Segment { source, first, length: length[piece] as u32, piece: number });
            }
            block.row_offsets.push(block.segments.len() as i64);
        }
        Ok(block)
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

    /// Say which of a sample's documents does not fit.
    fn check_lengths(&self, samples: &[i64], offsets: &[usize], segments: &[Segment]) -> Result<(), Failed> {
        for (sample, range) in samples.iter().zip(offsets.windows(2)) {
            let tokens: u64 = segments[range[0]..range[1]].iter().map(|segment| u64::from(segment.length)).sum();
            if tokens > self.length as u64 {
                let mut shuffles = Shuffles::default();
                let place = self.order.locate(*sample as u64, &mut shuffles);
                return Err(Failed::Input(format!(
                    "source {}: row {} has {tokens} tokens; sequence_length is {}",
                    place.source, place.item, self.length
                )));
            }
        }
        Ok(())
    }

    fn fill<T: Token, L: Label + Token>(
        &self,
        samples: &[i64],
        out: Out<'_, T, L>,
        pad_id: T,
        threads: Option<usize>,
    ) -> Result<u64, Failed> {
        let started = std::time::Instant::now();
        let (offsets, segments) = self.segments(samples)?;
        self.check_lengths(samples, &offsets, &segments)?;
        let tokens: u64 = segments.iter().map(|segment| u64::from(segment.length)).sum();
        let rows = out.rows(self.length);
        let one = |(row, out): (usize, RowOut<'_, T, L>)| {
            // While this row is copied, the next one's lines come.
            if let Some(&next) = offsets.get(row + 2) {
                for segment in &segments[offsets[row + 1]..next] {
                    let end = segment.first + u64::from(segment.length);
                    self.sets[segment.source as usize].prefetch(segment.first..end);
                }
            }
            self.fill_row(&segments[offsets[row]..offsets[row + 1]], out, pad_id)
        };
        if threads == Some(1) || samples.len() * self.length < 1 << 18 {
            rows.into_iter().enumerate().try_for_each(one)?;
        } else {
            pool::install(threads, || rows.into_par_iter().enumerate().try_for_each(one))?;
        }
        let kib = (tokens * 4 / 1024).max(1);
        self.pace.store(started.elapsed().as_nanos() as u64 / kib, Ordering::Relaxed);
        Ok(tokens)
    }

    fn fill_row<T: Token, L: Label + Token>(
        &self,
        segments: &[Segment],
        mut out: RowOut<'_, T, L>,
        pad_id: T,
    ) -> Result<(), Failed> {
        let mut at = 0;
        for (index, segment) in (0..).zip(segments) {
            let set = &self.sets[segment.source as usize];
            let end = at + segment.length as usize;
            let last = segment.first + u64::from(segment.length);
            let labels = out.labels.as_deref_mut().map(|labels| &mut labels[at..end]);
            if self.kind == Kind::Windows {
                // A window's last label is the token behind it; a piece's last token has none.
                set.copy_window(segment.first, &mut out.tokens[at..end], labels)?;
            } else {
                set.copy(segment.first..last, &mut out.tokens[at..end])?;
                // An empty piece has nothing to learn.
                if let Some((behind, before)) = labels.and_then(<[L]>::split_last_mut) {
                    set.copy(segment.first + 1..last, before)?;
                    *behind = L::IGNORED;
                }
            }
            if let Some(labels) = out.labels.as_deref_mut().filter(|_| segment.length > 0)
                && let Some((column, width)) = self.masks[segment.source as usize]
            {
                let shift = u64::from(self.kind == Kind::Windows);
                let mut values = vec![0u8; (segment.length as u64 - 1 + shift) as usize * width];
                set.copy_column(column, segment.first + 1..last + shift, &mut values)?;
                for (label, value) in labels[at..end].iter_mut().zip(values.chunks_exact(width)) {
                    if value.iter().all(|byte| *byte == 0) {
                        *label = L::IGNORED;
                    }
                }
            }
            if let Some(positions) = out.position_ids.as_deref_mut() {
                count_up(&mut positions[at..end], 0);
            }
            if let Some(documents) = out.document_ids.as_deref_mut() {
                documents[at..end].fill(index);
            }
            at = end;
        }
        out.tokens[at..].fill(pad_id);
        if let Some(labels) = out.labels.as_deref_mut() {
            labels[at..].fill(L::IGNORED);
        }
        if let Some(positions) = out.position_ids.as_deref_mut() {
            positions[at..].fill(0);
        }
        if let Some(documents) = out.document_ids.as_deref_mut() {
            documents[at..].fill(-1);
        }
        Ok(())
    }
}

/// An array that tokens are read into.
#[derive(FromPyObject)]
enum Matrix<'py> {
    U32(PyReadwriteArray2<'py, u32>),
    I32(PyReadwriteArray2<'py, i32>),
    I64(PyReadwriteArray2<'py, i64>),
}

type Column<'py> = Bound<'py, PyArray1<i64>>;
/// Source, document id, first token counted in the document, tokens.
type Origin<'py> = (u32, Bound<'py, PyBytes>, u64, u32);

#[pymethods]
impl Stream {
    #[new]
    #[pyo3(signature = (sets, kind, length, seed, shuffled, schedule, block_pieces, most_pieces, masks))]
    #[allow(clippy::too_many_arguments)]
    fn create(
        sets: Vec<PyRef<'_, shard::Shards>>,
        kind: &str,
        length: usize,
        seed: u64,
        shuffled: bool,
        schedule: Option<Vec<(u64, Vec<f64>)>>,
        block_pieces: u64,
        most_pieces: Option<u64>,
        masks: Vec<Option<String>>,
    ) -> PyResult<Self> {
        let sets: Vec<Arc<Set>> = sets.iter().map(|set| Arc::clone(&set.inner)).collect();
        let kind = match kind {
            "rows" => Kind::Rows,
            "windows" => Kind::Windows,
            "pack" => Kind::Pack,
            other => return Err(errors::input(format!("no kind of samples {other:?}"))),
        };
        if sets.is_empty() || length == 0 || length > 1 << 26 || block_pieces == 0 || masks.len() != sets.len() {
            return Err(errors::input("sources, a sequence_length of 1 to 2^26 and pieces to pack are needed"));
        }
        let sizes = sets.iter().map(|set| match kind {
            Kind::Rows => set.row_count(),
            Kind::Windows => set.token_count().saturating_sub(1) / length as u64,
            Kind::Pack => set.piece_count(),
        });
        let order =
            Order::new(sizes.collect(), schedule.as_deref(), seed, shuffled).map_err(|error| errors::input(error.0))?;
        let masks = sets
            .iter()
            .zip(masks)
            .map(|(set, name)| match name {
                Some(name) => match set.column(&name) {
                    Some(column) => Ok(Some(column)),
                    None => Err(errors::input(format!("a source has no side column {name:?}"))),
                },
                None => Ok(None),
            })
            .collect::<PyResult<_>>()?;
        Ok(Self {
            sets,
            order,
            kind,
            length,
            seed,
            shuffled,
            block_pieces,
            most_pieces,
            masks,
            blocks: Mutex::new(Blocks::default()),
            pace: AtomicU64::new(0),
        })
    }

    /// Items in an epoch over all sources, where there is such a thing.
    #[getter]
    fn epoch_size(&self) -> Option<u64> {
        self.order.epoch_size()
    }

    /// Items of each source: rows, windows or pieces.
    #[getter]
    fn sizes(&self) -> Vec<u64> {
        self.order.sizes().to_vec()
    }

    /// Numbers that stand for every byte of each source.
    #[getter]
    fn checksums(&self) -> Vec<u64> {
        self.sets.iter().map(|set| set.checksum()).collect()
    }

    /// Slots of each source out of 65,536 at a sample; None for joined sources.
    fn shares(&self, sample: u64) -> Option<Vec<u32>> {
        self.order.mixture().map(|mixture| mixture.shares(sample).to_vec())
    }

    /// Items of each source taken before an item of the mixture.
    fn taken<'py>(&self, python: Python<'py>, sample: u64) -> Vec<u64> {
        gate::brief(python, || self.order.taken(sample))
    }

    /// Source, epoch and item of samples (of items, where rows are packed).
    fn locate<'py>(&self, python: Python<'py>, first: u64, count: usize) -> (Column<'py>, Column<'py>, Column<'py>) {
        let mut columns = [(); 3].map(|()| vec_with_capacity(count));
        gate::brief(python, || {
            let mut shuffles = Shuffles::default();
            for sample in first..first.saturating_add(count as u64) {
                let place = self.order.locate(sample, &mut shuffles);
                columns[0].push(i64::from(place.source));
                columns[1].push(place.epoch as i64);
                columns[2].push(place.item as i64);
            }
        });
        let [source, epoch, item] = columns;
        (source.into_pyarray(python), epoch.into_pyarray(python), item.into_pyarray(python))
    }

    /// Whether there is a row of this number.
    fn has(&self, python: Python<'_>, sample: u64) -> PyResult<bool> {
        if self.kind != Kind::Pack {
            return Ok(true);
        }
        match gate::brief(python, || self.block_of(sample)) {
            Ok(_) => Ok(true),
            Err(Failed::End) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Number and first row of the block of pieces that a row is packed from.
    fn block(&self, python: Python<'_>, sample: u64) -> PyResult<(u64, u64)> {
        match gate::brief(python, || self.block_of(sample)) {
            Ok(block) => Ok((block.number, block.first_row)),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Go on at a block, whose first row is known from a state; what lies before is not packed again.
    fn enter(&self, number: u64, first_row: u64) -> PyResult<()> {
        let mut held = self.blocks.lock().map_err(|_| errors::input("the loader failed before"))?;
        held.known.insert(first_row, number);
        Ok(())
    }

    /// Where each piece of a sample's row comes from.
    fn trace<'py>(&self, python: Python<'py>, sample: i64) -> PyResult<Vec<Origin<'py>>> {
        let (_, segments) = gate::brief(python, || self.segments(&[sample]))?;
        let mut origins = Vec::new();
        for segment in segments {
            let set = &self.sets[segment.source as usize];
            // A window goes through several pieces.
            let (mut at, end) = (segment.first, segment.first + u64::from(segment.length));
            let mut piece = if self.kind == Kind::Windows { set.piece_of(at) } else { segment.piece };
            while at < end {
                let range = set.piece_range(piece);
                let until = range.end.min(end);
                if at < until {
                    let (id, start) = set.piece_origin(piece);
                    let first = start + (at - range.start);
                    origins.push((segment.source, PyBytes::new(python, &id), first, (until - at) as u32));
                }
                at = until.max(at);
                piece += 1;
            }
        }
        Ok(origins)
    }

    /// Fill the rows of a batch; how many tokens they have without padding.
    #[pyo3(signature = (samples, tokens, labels, position_ids, document_ids, pad_id, threads))]
    #[allow(clippy::too_many_arguments)]
    fn fill_batch<'py>(
        &self,
        python: Python<'py>,
        samples: PyReadonlyArray1<'py, i64>,
        tokens: Matrix<'py>,
        labels: Option<Matrix<'py>>,
        position_ids: Option<PyReadwriteArray2<'py, i32>>,
        document_ids: Option<PyReadwriteArray2<'py, i32>>,
        pad_id: u32,
        threads: Option<usize>,
    ) -> PyResult<u64> {
        let samples = samples.as_slice()?;
        let shape = [samples.len(), self.length];
        let check = |found: &[usize]| {
            if found == shape {
                Ok(())
            } else {
                Err(errors::input(format!("an array has the shape {found:?}, not {shape:?}")))
            }
        };
        let (mut position_ids, mut document_ids) = (position_ids, document_ids);
        let position_ids = match &mut position_ids {
            Some(array) => {
                check(array.shape())?;
                Some(array.as_slice_mut()?)
            }
            None => None,
        };
        let document_ids = match &mut document_ids {
            Some(array) => {
                check(array.shape())?;
                Some(array.as_slice_mut()?)
            }
            None => None,
        };
        macro_rules! fill {
            ($tokens:expr, $labels:expr, $token:ty, $label:ty) => {{
                let (mut tokens, mut labels): (_, Option<PyReadwriteArray2<'py, $label>>) = ($tokens, $labels);
                check(tokens.shape())?;
                let labels = match &mut labels {
                    Some(array) => {
                        check(array.shape())?;
                        Some(array.as_slice_mut()?)
                    }
                    None => None,
                };
                let out = Out { tokens: tokens.as_slice_mut()?, labels, position_ids, document_ids };
                gate::brief(python, || self.fill(samples, out, <$token as Token>::from_id(pad_id), threads))?
            }};
        }
        Ok(match (tokens, labels) {
            (Matrix::U32(tokens), None) => fill!(tokens, None, u32, i64),
            (Matrix::I32(tokens), None) => fill!(tokens, None, i32, i64),
            (Matrix::I64(tokens), None) => fill!(tokens, None, i64, i64),
            (Matrix::U32(tokens), Some(Matrix::I32(labels))) => fill!(tokens, Some(labels), u32, i32),
            (Matrix::I32(tokens), Some(Matrix::I32(labels))) => fill!(tokens, Some(labels), i32, i32),
            (Matrix::I64(tokens), Some(Matrix::I32(labels))) => fill!(tokens, Some(labels), i64, i32),
            (Matrix::U32(tokens), Some(Matrix::I64(labels))) => fill!(tokens, Some(labels), u32, i64),
            (Matrix::I32(tokens), Some(Matrix::I64(labels))) => fill!(tokens, Some(labels), i32, i64),
            (Matrix::I64(tokens), Some(Matrix::I64(labels))) => fill!(tokens, Some(labels), i64, i64),
            (_, Some(Matrix::U32(_))) => return Err(errors::input("labels must be int32 or int64: -100 is no uint32")),
        })
    }

    /// Whether the last batch waited for a disk.
    #[getter]
    fn waits(&self) -> bool {
        self.pace.load(Ordering::Relaxed) > SLOW_NANOSECONDS_A_KIB
    }

    /// Tell the kernel that these samples will be read soon.
    fn will_need<'py>(&self, python: Python<'py>, samples: PyReadonlyArray1<'py, i64>) -> PyResult<()> {
        let samples = samples.as_slice()?;
        let told = gate::brief(python, || {
            let (_, segments) = self.segments(samples)?;
            // A window's last label is the token behind it, which may be in the next page.
            let behind = u64::from(self.kind == Kind::Windows);
            for segment in segments {
                let last = segment.first + u64::from(segment.length) + behind;
                self.sets[segment.source as usize].will_need(segment.first..last)?;
            }
            Ok(())
        });
        match told {
            // Rows beyond the end need no telling.
            Ok(()) | Err(Failed::End) => Ok(()),
            Err(failed) => Err(failed.into()),
        }
    }
}

/// Where a keyed permutation of `range(size)` sends these indices.
#[pyfunction]
fn permute<'py>(
    python: Python<'py>,
    indices: PyReadonlyArray1<'py, i64>,
    size: u64,
    key: u64,
) -> PyResult<Column<'py>> {
    let indices = indices.as_slice()?;
    // Negative ones are larger than any size.
    let largest = indices.iter().fold(0, |largest, &index| largest.max(index as u64));
    if size == 0 || size > 1 << 62 || (largest >= size && !indices.is_empty()) {
        return Err(errors::input(format!("indices must be between 0 and {size}, a size of at most 2^62")));
    }
    let permutation = Permutation::new(size, key);
    let found = gate::brief(python, || {
        let mut found: Vec<i64> = vec_with_capacity(indices.len());
        let mut some = Vec::with_capacity(INDICES_AT_ONCE);
        for indices in indices.chunks(INDICES_AT_ONCE) {
            some.clear();
            some.extend(indices.iter().map(|&index| index as u64));
            permutation.apply_all(&mut some);
            found.extend(some.iter().map(|&index| index as i64));
        }
        found
    });
    Ok(found.into_pyarray(python))
}

/// What stays in the nearest cache between the steps.
const INDICES_AT_ONCE: usize = 2048;

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<Stream>()?;
    room.add_function(wrap_pyfunction!(permute, room)?)
}
