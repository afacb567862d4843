//! Pieces sorted by decreasing length: a counting sort, because lengths are small integers.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rayon::prelude::*;
use tokenfoundry_base::stable_hash::mix64;
use tokenfoundry_kernels::prefetch::prefetch_write;

use crate::pages;
use crate::table::Table;

/// Pieces by decreasing class (their length, or their length rounded up where pieces are aligned), equal ones by
/// number; and where each class begins: class `l` at `starts[l]`.
pub struct Sorted {
    pub order: Vec<u32>,
    pub starts: Vec<u32>,
}

impl Sorted {
    /// `histogram[l]` pieces have class `l`; `table` has their numbers and lengths, which `align` rounds up.
    pub fn new(histogram: &[u32], align: u32, table: &Table, longest: u32) -> Self {
        let (starts, pieces) = starts_of(histogram);
        // Documents without a piece are written behind the last one: class 0 begins there and never grows.
        let mut order = pages::zeros(pieces as usize + 1);
        let mut places = starts.clone();
        {
            // Threads write to places between each other's, all of them plain moves.
            let order = pages::as_atomic(&mut order);
            // Each thread's places in every class.
            let firsts: Vec<Vec<u32>> = table
                .parts
                .iter()
                .map(|part| {
                    let first = places.clone();
                    for (length, &count) in (0..).zip(&part.last_histogram) {
                        places[class_of(length, align) as usize] += count;
                    }
                    first
                })
                .collect();
            table.parts.par_iter().zip(firsts).for_each(|(part, mut places)| {
                // Several loops, so that those that nearly all plans take have nothing to look up but a place.
                if align > 1 {
                    let put = |piece, length| put::<true>(order, &mut places, piece, class_of(length, align));
                    part.for_each_last(put);
                } else if size_of_val(order) > NEAR_BYTES {
                    part.for_each_last(|piece, length| put::<true>(order, &mut places, piece, length));
                } else {
                    part.for_each_last(|piece, length| put::<false>(order, &mut places, piece, length));
                }
            });
        }
        for (part, first) in table.parts() {
            let lengths = part.extra_lengths();
            if part.extra_is_full(longest) {
                let place = &mut places[class_of(longest, align) as usize];
                let run = &mut order[*place as usize..*place as usize + lengths.len()];
                run.iter_mut().zip(first..).for_each(|(slot, piece)| *slot = piece);
                *place += lengths.len() as u32;
            } else {
                for (piece, length) in (first..).zip(lengths) {
                    let place = &mut places[class_of(length, align) as usize];
                    order[*place as usize] = piece;
                    *place += 1;
                }
            }
        }
        order.truncate(pieces as usize);
        Self { order, starts }
    }

    /// Draw an order for the pieces of each class.
    pub fn shuffle(&mut self, histogram: &[u32], seed: u64) {
        let mut runs = Vec::new();
        let pieces = self.order.len();
        let mut rest = self.order.as_mut_slice();
        for (class, &count) in histogram.iter().enumerate().rev() {
            let (run, behind) = rest.split_at_mut(count as usize);
            rest = behind;
            if count > 1 {
                runs.push((class, run));
            }
        }
        let draw = |(class, run): (usize, &mut [u32])| {
            let key = mix64(seed ^ mix64(class as u64));
            for last in (1..run.len()).rev() {
                // Fisher and Yates; the high half of a product is as good as even for runs below 2^32.
                let drawn = mix64(key ^ last as u64);
                let other = ((u128::from(drawn) * (last as u128 + 1)) >> 64) as usize;
                run.swap(last, other);
            }
        };
        if pieces < PARALLEL_FROM_PIECES {
            runs.into_iter().for_each(draw);
        } else {
            runs.into_par_iter().for_each(draw);
        }
    }
}

/// Fewer are drawn before another thread would have woken.
const PARALLEL_FROM_PIECES: usize = 1 << 18;

/// Of more, a line that is written next is not in a cache nearby.
const NEAR_BYTES: usize = 8 << 20;

#[inline(always)]
fn put<const FAR: bool>(order: &[AtomicU32], places: &mut [u32], piece: u32, class: u32) {
    let place = &mut places[class as usize];
    order[*place as usize].store(piece, Relaxed);
    // A class's next lines come while the ones before are filled: two thousand classes are too many for the hardware to
    // notice.
    if FAR {
        prefetch_write(order, *place as usize + AHEAD);
    }
    *place += u32::from(class != 0);
}

/// Places: a cache line.
const AHEAD: usize = 16;

#[inline(always)]
fn class_of(length: u32, align: u32) -> u32 {
    if align == 1 { length } else { length.next_multiple_of(align) }
}

fn starts_of(histogram: &[u32]) -> (Vec<u32>, u32) {
    let mut starts = vec![0; histogram.len()];
    let mut total = 0;
    for (start, count) in starts.iter_mut().zip(histogram).rev() {
        *start = total;
        total += count;
    }
    (starts, total)
}
