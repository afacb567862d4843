//! How often each piece occurs, over texts that arrive in batches.

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use tokenfoundry_base::{Cancel, pool};

use crate::EncodeError;
use crate::bpe::groups;
use crate::pretokenize::Pattern;

type Counts = FxHashMap<Box<[u8]>, u64>;

/// Memory is that of the distinct pieces, not of the corpus.
#[derive(Clone, Debug, Default)]
pub struct PieceCounts {
    counts: Counts,
}

impl PieceCounts {
    /// Count the pieces of `texts` under `pattern`.
    pub fn feed(
        &mut self,
        pattern: &Pattern,
        texts: &[&str],
        threads: Option<usize>,
        cancel: &Cancel,
    ) -> Result<(), EncodeError> {
        let groups = groups(texts);
        let parts: Result<Vec<Counts>, EncodeError> = pool::install(threads, || {
            let tasks = rayon::current_num_threads() * 4;
            groups
                .par_chunks(groups.len().div_ceil(tasks).max(1))
                .map(|groups| {
                    let mut counts = Counts::default();
                    for text in groups.iter().copied().flatten() {
                        cancel.check()?;
                        pattern.pieces(text, |start, end| {
                            let piece = &text.as_bytes()[start..end];
                            match counts.get_mut(piece) {
                                Some(count) => *count += 1,
                                None => drop(counts.insert(piece.into(), 1)),
                            }
                            true
                        })?;
                    }
                    Ok(counts)
                })
                .collect()
        });
        for part in parts? {
            if self.counts.is_empty() {
                self.counts = part;
                continue;
            }
            for (piece, count) in part {
                *self.counts.entry(piece).or_default() += count;
            }
        }
        Ok(())
    }

    /// Pieces and counts in the order of their bytes, so that nothing after depends on threads.
    pub fn sorted(&self) -> Vec<(&[u8], u64)> {
        let mut pieces: Vec<(&[u8], u64)> = self.counts.iter().map(|(piece, &count)| (&**piece, count)).collect();
        pieces.sort_unstable();
        pieces
    }

    pub fn len(&self) -> usize {
        self.counts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}
