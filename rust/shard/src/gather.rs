//! Reading batches in one call: [`Set::rows`] pads packed rows, [`Set::windows`] cuts windows of equal length anywhere in
//! the tokens. Cost: a copy, at memory speed when the pages are in memory.

use std::ops::Range;
use std::time::Instant;

use rayon::prelude::*;
use tokenfoundry_base::pool;

use crate::ShardError;
use crate::read::Token;
use crate::set::Set;

/// Below this a batch is copied before a second thread would have woken.
const PARALLEL_FROM_TOKENS: usize = 1 << 19;

/// A disk was waited for where so many tokens took longer: memory gives 2048 in a microsecond, the fastest disk in 30.
const NANOSECONDS_A_TOKEN: u64 = 10;
const AT_LEAST_NANOSECONDS: u64 = 20_000;

impl Set {
    /// Rows into a matrix of `capacity` columns, filled up with `fill`; their lengths into `lengths`.
    pub fn rows<T: Token>(
        &self,
        rows: &[i64],
        out: &mut [T],
        capacity: usize,
        fill: T,
        lengths: &mut [i64],
        threads: Option<usize>,
    ) -> Result<(), ShardError> {
        if capacity == 0 {
            return Err(ShardError("rows cannot be read into a matrix without columns".to_owned()));
        }
        let one = |(place, (slots, (row, length))): (usize, (&mut [T], (&i64, &mut i64)))| {
            let number = u64::try_from(*row).map_err(|_| ShardError(format!("row {row} is negative")))?;
            let range = self.row_range(number)?;
            let begun = (place == 0).then(Instant::now);
            let count = (range.end - range.start) as usize;
            if count > capacity {
                return Err(ShardError(format!("row {row} has {count} tokens, the matrix {capacity} columns")));
            }
            let (tokens, rest) = slots.split_at_mut(count);
            self.copy(range, tokens)?;
            if let Some(begun) = begun {
                let others = rows[1..].iter().filter_map(|&row| self.row_range(u64::try_from(row).ok()?).ok());
                self.tell_if_slow(begun, count, others);
            }
            rest.fill(fill);
            *length = count as i64;
            Ok(())
        };
        if out.len() < PARALLEL_FROM_TOKENS || threads == Some(1) {
            return out.chunks_exact_mut(capacity).zip(rows.iter().zip(lengths)).enumerate().try_for_each(one);
        }
        pool::install(threads, || {
            out.par_chunks_exact_mut(capacity).zip(rows.par_iter().zip(lengths)).enumerate().try_for_each(one)
        })
    }

    /// Tell the kernel of the rest of a batch whose first tokens had to be waited for: one wait for all instead of one each.
    fn tell_if_slow(&self, begun: Instant, tokens: usize, others: impl Iterator<Item = Range<u64>>) {
        let most = (tokens as u64 * NANOSECONDS_A_TOKEN).max(AT_LEAST_NANOSECONDS);
        if begun.elapsed().as_nanos() as u64 > most {
            for range in others {
                // Of a range that there is none of, its reader will say so.
                let _ = self.will_need(range);
            }
        }
    }

    /// The window that begins at a token, and with `labels` the one a token on, read together. `ahead` is what will be
    /// read next, as [`Set::to_come`] has it.
    pub fn copy_window<T: Token, L: Token>(
        &self,
        first: u64,
        out: &mut [T],
        labels: Option<&mut [L]>,
        ahead: &[u8],
    ) -> Result<(), ShardError> {
        let length = out.len() as u64;
        let Some(labels) = labels else { return self.copy_before(first..first.saturating_add(length), out, ahead) };
        let end = first.saturating_add(length).saturating_add(1);
        let shard = self.first_tokens.partition_point(|&begin| begin <= first).saturating_sub(1);
        if let (Some(&begin), Some(&after)) = (self.first_tokens.get(shard), self.first_tokens.get(shard + 1))
            && end <= after
            && self.shards[shard].copy_pair(first - begin, out, labels, ahead)?
        {
            return Ok(());
        }
        self.copy(first..end - 1, out)?;
        self.copy(first + 1..end, labels)
    }

    /// Windows that begin at these tokens into a matrix of `length` columns; with `labels` also the windows one token
    /// on.
    pub fn windows<T: Token>(
        &self,
        starts: &[i64],
        out: &mut [T],
        length: usize,
        labels: Option<&mut [T]>,
        threads: Option<usize>,
    ) -> Result<(), ShardError> {
        if length == 0 {
            return Err(ShardError("windows must have a token at least".to_owned()));
        }
        let labelled = labels.is_some();
        let one = |window: usize, tokens: &mut [T], labels: Option<&mut [T]>| {
            let start = starts[window];
            let first = u64::try_from(start).map_err(|_| ShardError(format!("window at {start} is negative")))?;
            let next = starts.get(window + 1).and_then(|&next| u64::try_from(next).ok());
            let ahead = next.map_or(&[][..], |next| self.to_come(next..next.saturating_add(length as u64)));
            let begun = (window == 0).then(Instant::now);
            self.copy_window(first, tokens, labels, ahead)?;
            if let Some(begun) = begun {
                let behind = u64::from(labelled);
                let ends = |first: u64| first..first.saturating_add(length as u64 + behind);
                let others = starts[1..].iter().filter_map(|&start| u64::try_from(start).ok());
                self.tell_if_slow(begun, length, others.map(ends));
            }
            Ok(())
        };
        let small = out.len() < PARALLEL_FROM_TOKENS || threads == Some(1);
        match labels {
            None if small => {
                out.chunks_exact_mut(length).enumerate().try_for_each(|(window, slots)| one(window, slots, None))
            }
            Some(labels) if small => out
                .chunks_exact_mut(length)
                .zip(labels.chunks_exact_mut(length))
                .enumerate()
                .try_for_each(|(window, (slots, labels))| one(window, slots, Some(labels))),
            None => pool::install(threads, || {
                out.par_chunks_exact_mut(length)
                    .enumerate()
                    .with_min_len(8)
                    .try_for_each(|(window, slots)| one(window, slots, None))
            }),
            Some(labels) => pool::install(threads, || {
                out.par_chunks_exact_mut(length)
                    .zip(labels.par_chunks_exact_mut(length))
                    .enumerate()
                    .with_min_len(8)
                    .try_for_each(|(window, (slots, labels))| one(window, slots, Some(labels)))
            }),
        }
    }
}
