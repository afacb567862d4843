//! `Stream`: the sampler and the reader of a loader, as Python sees them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use numpy::{IntoPyArray, PyReadonlyArray1, PyReadwriteArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokenfoundry_kernels::huge_pages::vec_with_capacity;
use tokenfoundry_shard::order::Order;
use tokenfoundry_shard::read::Token;
use tokenfoundry_shard::set::Set;

use super::blocks::Blocks;
use super::filling::Out;
use super::{Column, Failed, Kind, Stream};
use crate::buffers::matrix::Matrix;
use crate::{errors, gate, shard};

/// Above this a batch waited for a disk: a KiB from memory takes 100 ns, from the fastest disk 1000.
const SLOW_NANOSECONDS_A_KIB: u64 = 400;

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
            self.order.for_each(first, count as u64, |place| {
                columns[0].push(i64::from(place.source));
                columns[1].push(place.epoch as i64);
                columns[2].push(place.item as i64);
            });
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
            let (mut at, end) = (segment.first, segment.end());
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
                self.sets[segment.source as usize].will_need(segment.first..segment.end() + behind)?;
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
