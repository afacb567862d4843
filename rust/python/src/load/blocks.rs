//! Rows packed on the way: block after block of pieces, each packed by itself, so that any row can be asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokenfoundry_base::pool;
use tokenfoundry_base::stable_hash::mix64;
use tokenfoundry_pack::pieces::Long;
use tokenfoundry_pack::plan::{Options, Plan, Strategy};
use tokenfoundry_shard::order::Shuffles;
use tokenfoundry_shard::permutation::Permutation;

use super::{Failed, Segment, Stream};

/// Rows packed out of one block of pieces, in the order they are given out.
pub(super) struct Block {
    pub(super) number: u64,
    pub(super) first_row: u64,
    pub(super) row_offsets: Vec<i64>,
    pub(super) segments: Vec<Segment>,
}

impl Block {
    fn rows(&self) -> u64 {
        self.row_offsets.len() as u64 - 1
    }
}

/// Blocks packed last, and first rows of all blocks that were met, with their numbers.
#[derive(Default)]
pub(super) struct Blocks {
    recent: Vec<Arc<Block>>,
    pub(super) known: BTreeMap<u64, u64>,
}

/// A batch may lie in two blocks, and the next one be looked into before.
const BLOCKS_AT_HAND: usize = 3;

impl Stream {
    /// The block that a row lies in: one at hand, or packed from the last block before it whose first row is known.
    pub(super) fn block_of(&self, row: u64) -> Result<Arc<Block>, Failed> {
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
}
