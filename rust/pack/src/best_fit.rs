//! Best-fit decreasing: the longest piece first, each into the fullest row that still has room.
//!
//! Lengths are small integers, so pieces are sorted by counting, and rows are found by their free space in a bitset:
//! O(pieces + capacity), with a textbook's result. Among rows with equal space the one that got there last is taken.

use tokenfoundry_base::stable_hash::mix64;

use crate::split::Piece;

const NONE: u32 = u32::MAX;

/// Which amounts of free space some row has: a bit an amount, and a bit a word of those, twice.
struct SpaceSet {
    levels: [Vec<u64>; 3],
}

impl SpaceSet {
    fn new(capacity: usize) -> Self {
        let words = |bits: usize| vec![0u64; bits / 64 + 1];
        let (first, second) = (capacity / 64, capacity / 4096);
        Self { levels: [words(capacity), words(first), words(second)] }
    }

    fn insert(&mut self, space: usize) {
        let mut at = space;
        for level in &mut self.levels {
            level[at / 64] |= 1 << (at % 64);
            at /= 64;
        }
    }

    fn remove(&mut self, space: usize) {
        let mut at = space;
        for level in &mut self.levels {
            level[at / 64] &= !(1 << (at % 64));
            if level[at / 64] != 0 {
                break;
            }
            at /= 64;
        }
    }

    /// The smallest amount that is at least `space`.
    fn at_least(&self, space: usize) -> Option<usize> {
        let mut at = space;
        for depth in 0..3 {
            let level = &self.levels[depth];
            if at / 64 >= level.len() {
                return None;
            }
            let rest = level[at / 64] & (!0 << (at % 64));
            if rest != 0 {
                let mut found = at / 64 * 64 + rest.trailing_zeros() as usize;
                for level in self.levels[..depth].iter().rev() {
                    found = found * 64 + level[found].trailing_zeros() as usize;
                }
                return Some(found);
            }
            at = at / 64 + 1;
        }
        // The top level has more than one word only above 262,144 tokens a row.
        let top = &self.levels[2];
        let word = (at..top.len()).find(|&word| top[word] != 0)?;
        let mut found = word * 64 + top[word].trailing_zeros() as usize;
        for level in self.levels[..2].iter().rev() {
            found = found * 64 + level[found].trailing_zeros() as usize;
        }
        Some(found)
    }
}

/// Indices of `pieces` from the longest to the shortest; among equals in order, or with a seed in that seed's order.
pub(crate) fn decreasing(pieces: &[Piece], capacity: u32, seed: u64) -> Vec<u32> {
    let mut starts = vec![0u32; capacity as usize + 2];
    for piece in pieces {
        starts[capacity as usize - piece.length as usize + 1] += 1;
    }
    for class in 1..starts.len() {
        starts[class] += starts[class - 1];
    }
    let mut places = starts.clone();
    let mut order = vec![0u32; pieces.len()];
    for (index, piece) in pieces.iter().enumerate() {
        let place = &mut places[capacity as usize - piece.length as usize];
        order[*place as usize] = index as u32;
        *place += 1;
    }
    if seed != 0 {
        for class in starts.windows(2) {
            order[class[0] as usize..class[1] as usize].sort_by_cached_key(|&index| {
                let piece = pieces[index as usize];
                (mix64(mix64(seed ^ piece.document as u64) ^ piece.start as u64), index)
            });
        }
    }
    order
}

/// Put pieces that are in `row_of` into the order of their rows.
pub(crate) fn gather(pieces: &[Piece], order: &[u32], row_of: &[u32], rows: usize) -> (Vec<i64>, Vec<Piece>) {
    let mut offsets = vec![0i64; rows + 1];
    for &row in row_of {
        offsets[row as usize + 1] += 1;
    }
    for row in 0..rows {
        offsets[row + 1] += offsets[row];
    }
    let mut places = offsets.clone();
    let mut gathered = vec![Piece { document: 0, start: 0, length: 0 }; pieces.len()];
    for (&index, &row) in order.iter().zip(row_of) {
        let place = &mut places[row as usize];
        gathered[*place as usize] = pieces[index as usize];
        *place += 1;
    }
    (offsets, gathered)
}

/// Offsets of rows and their pieces.
pub fn best_fit(pieces: &[Piece], capacity: u32, seed: u64) -> (Vec<i64>, Vec<Piece>) {
    let order = decreasing(pieces, capacity, seed);
    let mut spaces = SpaceSet::new(capacity as usize);
    // The rows of each free space, as a stack: newest[space], and under each row the one before it.
    let mut newest = vec![NONE; capacity as usize + 1];
    let mut under: Vec<u32> = Vec::new();
    let mut row_of = Vec::with_capacity(pieces.len());
    for &index in &order {
        let length = pieces[index as usize].length as usize;
        let (row, space) = match spaces.at_least(length) {
            Some(space) => {
                let row = newest[space];
                newest[space] = under[row as usize];
                if newest[space] == NONE {
                    spaces.remove(space);
                }
                (row, space)
            }
            None => {
                under.push(NONE);
                (under.len() as u32 - 1, capacity as usize)
            }
        };
        let left = space - length;
        if left > 0 {
            under[row as usize] = newest[left];
            newest[left] = row;
            spaces.insert(left);
        }
        row_of.push(row);
    }
    gather(pieces, &order, &row_of, under.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_finds_what_a_search_finds() {
        for capacity in [1usize, 63, 64, 65, 4095, 4097, 300_000] {
            let mut set = SpaceSet::new(capacity);
            let mut plain = std::collections::BTreeSet::new();
            let mut state = 7u64;
            for _ in 0..3000 {
                state = mix64(state);
                let space = (state % (capacity as u64 + 1)) as usize;
                if state >> 60 < 9 {
                    set.insert(space);
                    plain.insert(space);
                } else {
                    set.remove(space);
                    plain.remove(&space);
                }
                let from = (mix64(state) % (capacity as u64 + 1)) as usize;
                assert_eq!(set.at_least(from), plain.range(from..).next().copied());
            }
        }
    }
}
