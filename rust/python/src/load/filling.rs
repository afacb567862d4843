//! Batches: the segments of each sample's row copied out of the shards, with labels and what else is wanted.

use std::sync::atomic::Ordering;

use rayon::prelude::*;
use tokenfoundry_base::pool;
use tokenfoundry_kernels::token_copy::count_up;
use tokenfoundry_pack::layout::Token as Label;
use tokenfoundry_shard::order::Shuffles;
use tokenfoundry_shard::read::Token;

use super::{Failed, Kind, Segment, Stream};

/// Where a batch goes: matrices of the sequence length, one row a sample. Labels and the others may be left out.
pub(super) struct Out<'a, T, L> {
    pub(super) tokens: &'a mut [T],
    pub(super) labels: Option<&'a mut [L]>,
    pub(super) position_ids: Option<&'a mut [i32]>,
    pub(super) document_ids: Option<&'a mut [i32]>,
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

impl Stream {
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

    pub(super) fn fill<T: Token, L: Label + Token>(
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
