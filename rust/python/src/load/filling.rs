//! Batches: the segments of each sample's row copied out of the shards, with labels and what else is wanted.

use std::sync::atomic::Ordering;

use rayon::prelude::*;
use tokenfoundry_base::pool;
use tokenfoundry_kernels::token_copy::count_up;
use tokenfoundry_pack::layout::Token as Label;
use tokenfoundry_shard::order::Shuffles;
use tokenfoundry_shard::read::Token;

use super::{Failed, Kind, Segment, Stream};

/// Of less, what any call costs would look like waiting for a disk.
const SMALL_KIB: u64 = 64;

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
            let next = offsets.get(row + 2).map_or(&[][..], |&end| &segments[offsets[row + 1]..end]);
            self.fill_row(&segments[offsets[row]..offsets[row + 1]], next, out, pad_id)
        };
        if threads == Some(1) || samples.len() * self.length < 1 << 18 {
            rows.into_iter().enumerate().try_for_each(one)?;
        } else {
            pool::install(threads, || rows.into_par_iter().enumerate().try_for_each(one))?;
        }
        let kib = (tokens * 4 / 1024).max(SMALL_KIB);
        self.pace.store(started.elapsed().as_nanos() as u64 / kib, Ordering::Relaxed);
        Ok(tokens)
    }

    /// `next`: the segments of the row that will be filled after this one.
    fn fill_row<T: Token, L: Label + Token>(
        &self,
        segments: &[Segment],
        next: &[Segment],
        mut out: RowOut<'_, T, L>,
        pad_id: T,
    ) -> Result<(), Failed> {
        let mut at = self.copy_tokens(segments, self.ahead(next), &mut out)?;
        out.tokens[at..].fill(pad_id);
        if let Some(labels) = out.labels.as_deref_mut() {
            labels[at..].fill(L::IGNORED);
            self.mask_labels(segments, labels)?;
        }
        if let Some(positions) = out.position_ids.as_deref_mut() {
            at = 0;
            for segment in segments {
                let end = at + segment.length as usize;
                count_up(&mut positions[at..end], 0);
                at = end;
            }
            positions[at..].fill(0);
        }
        if let Some(documents) = out.document_ids.as_deref_mut() {
            at = 0;
            for (index, segment) in (0..).zip(segments) {
                let end = at + segment.length as usize;
                documents[at..end].fill(index);
                at = end;
            }
            documents[at..].fill(-1);
        }
        Ok(())
    }

    /// What of the next row can be asked for while this one is copied: its bytes, where it is one run of tokens. Of rows
    /// that come from here and there all lines are asked for at once.
    fn ahead(&self, next: &[Segment]) -> &[u8] {
        let Some((run, rest)) = take_run(next) else { return &[] };
        if rest.is_empty() {
            return self.sets[run.source as usize].to_come(run.first..run.end());
        }
        for segment in next {
            self.sets[segment.source as usize].prefetch(segment.first..segment.end());
        }
        &[]
    }

    /// Tokens, and labels where they are wanted; how many there are.
    fn copy_tokens<T: Token, L: Label + Token>(
        &self,
        mut segments: &[Segment],
        ahead: &[u8],
        out: &mut RowOut<'_, T, L>,
    ) -> Result<usize, Failed> {
        // A window's last label is the token behind it; a piece's last token has none.
        let windows = self.kind == Kind::Windows;
        let mut at = 0;
        while let Some((run, rest)) = take_run(segments) {
            let set = &self.sets[run.source as usize];
            let end = at + run.length as usize;
            let tokens = &mut out.tokens[at..end];
            match out.labels.as_deref_mut().map(|labels| &mut labels[at..end]) {
                None => set.copy_before(run.first..run.end(), tokens, ahead)?,
                Some(labels) if windows => set.copy_window(run.first, tokens, Some(labels), ahead)?,
                Some(labels) => {
                    // All as if they were one document's, and then their ends.
                    if let (Some((last, tokens)), Some((_, before))) =
                        (tokens.split_last_mut(), labels.split_last_mut())
                    {
                        set.copy_window(run.first, tokens, Some(before), ahead)?;
                        set.copy(run.end() - 1..run.end(), std::slice::from_mut(last))?;
                    }
                    let mut behind = 0;
                    for segment in &segments[..segments.len() - rest.len()] {
                        behind += segment.length as usize;
                        if segment.length > 0 {
                            labels[behind - 1] = L::IGNORED;
                        }
                    }
                }
            }
            at = end;
            segments = rest;
        }
        Ok(at)
    }

    /// Take the labels away that a source's side column says are not to be learned.
    fn mask_labels<L: Label>(&self, segments: &[Segment], labels: &mut [L]) -> Result<(), Failed> {
        let shift = u64::from(self.kind == Kind::Windows);
        let mut at = 0;
        for segment in segments {
            let end = at + segment.length as usize;
            // An empty piece has nothing to learn.
            if let (Some((column, width)), true) = (self.masks[segment.source as usize], segment.length > 0) {
                let set = &self.sets[segment.source as usize];
                let mut values = vec![0u8; (u64::from(segment.length) - 1 + shift) as usize * width];
                set.copy_column(column, segment.first + 1..segment.end() + shift, &mut values)?;
                for (label, value) in labels[at..end].iter_mut().zip(values.chunks_exact(width)) {
                    if value.iter().all(|byte| *byte == 0) {
                        *label = L::IGNORED;
                    }
                }
            }
            at = end;
        }
        Ok(())
    }
}

/// As many of the first segments as follow one another in their source, as one; and the others.
fn take_run(segments: &[Segment]) -> Option<(Segment, &[Segment])> {
    let (&first, mut rest) = segments.split_first()?;
    let mut run = first;
    while let Some((&segment, behind)) = rest.split_first() {
        let Some(length) = run.length.checked_add(segment.length) else { break };
        if segment.source != run.source || segment.first != run.end() {
            break;
        }
        run.length = length;
        rest = behind;
    }
    Some((run, rest))
}
