//! Writing out the rows that best fit has filled: a group's rows are a matrix, each node of its chain some columns of
//! it, read in one run of the sorted pieces.

use std::ops::Range;

use crate::best_fit::Filled;
use crate::classes::{Group, NONE};
use crate::pages;
use crate::table::Table;

/// Values of a group that are written at a time: what the nearest cache holds beside what is read.
const TILE: usize = 1 << 11;

/// Below this many pieces a second thread does not pay.
const PARALLEL_FROM_PIECES: usize = 1 << 18;

/// The columns of a group's rows that one length takes: pieces `first + row * copies` and on, from column `at`.
struct Columns {
    first: usize,
    copies: usize,
    length: u32,
    at: usize,
}

impl Columns {
    /// Their pieces, into a tile of some rows of the group.
    fn put_pieces(&self, order: &[u32], rows: Range<usize>, tile: &mut [u32], per_row: usize) {
        let from = self.first + rows.start * self.copies;
        let read = &order[from..from + rows.len() * self.copies];
        if self.copies == 1 {
            for (row, &piece) in tile.chunks_exact_mut(per_row).zip(read) {
                row[self.at] = piece;
            }
        } else {
            for (row, pieces) in tile.chunks_exact_mut(per_row).zip(read.chunks_exact(self.copies)) {
                row[self.at..self.at + self.copies].copy_from_slice(pieces);
            }
        }
    }

    fn put_lengths<T: Copy + From<u32>>(&self, tile: &mut [T], per_row: usize) {
        let length = T::from(self.length);
        for row in tile.chunks_exact_mut(per_row) {
            row[self.at..self.at + self.copies].fill(length);
        }
    }
}

/// What pieces are written to: something that can be cut in two.
trait Output: Send + Sized {
    fn split(self, at: usize) -> (Self, Self);
}

impl<T: Send> Output for &mut [T] {
    fn split(self, at: usize) -> (Self, Self) {
        self.split_at_mut(at)
    }
}

impl<A: Output, B: Output> Output for (A, B) {
    fn split(self, at: usize) -> (Self, Self) {
        let ((a, later_a), (b, later_b)) = (self.0.split(at), self.1.split(at));
        ((a, b), (later_a, later_b))
    }
}

/// Rows of a group, and what is written of them.
struct Tile<'c, O> {
    columns: &'c [Columns],
    rows: Range<usize>,
    /// Pieces in each row.
    per_row: usize,
    out: O,
}

impl Filled {
    pub fn row_count(&self) -> usize {
        self.groups.iter().map(|group| group.rows as usize).sum()
    }

    fn piece_count(&self) -> usize {
        self.groups.iter().map(|group| self.pieces_in(group)).sum()
    }

    fn pieces_in(&self, group: &Group) -> usize {
        group.rows as usize * self.nodes[group.node as usize].pieces as usize
    }

    /// Where rows begin, and the number of pieces.
    pub fn row_offsets(&self) -> Vec<i64> {
        let mut row_offsets: Vec<i64> = pages::zeros(self.row_count() + 1);
        let (mut ends, mut before) = (&mut row_offsets[1..], 0);
        for group in &self.groups {
            let of_group;
            (of_group, ends) = ends.split_at_mut(group.rows as usize);
            let per_row = i64::from(self.nodes[group.node as usize].pieces);
            for (end, row) in of_group.iter_mut().zip(1..) {
                *end = before + row * per_row;
            }
            before += i64::from(group.rows) * per_row;
        }
        row_offsets
    }

    /// The pieces of all rows, one row after another; `order` is the sorted pieces that were placed.
    pub fn pieces(&self, order: &[u32]) -> Vec<u32> {
        let mut pieces: Vec<u32> = pages::zeros(order.len());
        self.write(pieces.as_mut_slice(), order.len(), |tile: Tile<'_, &mut [u32]>| {
            for columns in tile.columns {
                columns.put_pieces(order, tile.rows.clone(), tile.out, tile.per_row);
            }
        });
        pieces
    }

    /// Lengths (or, of aligned pieces, classes) of the pieces, in the order of [`Filled::pieces`].
    pub fn lengths(&self) -> Vec<u32> {
        let count = self.piece_count();
        let mut lengths: Vec<u32> = pages::zeros(count);
        self.write(lengths.as_mut_slice(), count, |tile: Tile<'_, &mut [u32]>| {
            tile.columns.iter().for_each(|columns| columns.put_lengths(tile.out, tile.per_row));
        });
        lengths
    }

    /// Documents, first tokens and lengths of all pieces, in one pass.
    pub fn origins(&self, order: &[u32], table: &Table) -> [Vec<i64>; 3] {
        let [mut document, mut start, mut length] = [(); 3].map(|()| pages::zeros::<i64>(order.len()));
        let out = ((document.as_mut_slice(), start.as_mut_slice()), length.as_mut_slice());
        self.write(out, order.len(), |tile| {
            let ((document, start), length) = tile.out;
            let mut pieces = [0u32; TILE];
            let mut wide = Vec::new();
            // A row of more pieces than a tile is one all the same.
            let pieces = if document.len() <= TILE {
                &mut pieces[..document.len()]
            } else {
                wide.resize(document.len(), 0);
                &mut wide
            };
            for columns in tile.columns {
                columns.put_pieces(order, tile.rows.clone(), pieces, tile.per_row);
                columns.put_lengths(length, tile.per_row);
            }
            for ((document, start), &piece) in document.iter_mut().zip(start).zip(&*pieces) {
                (*document, *start) = table.origin(piece);
            }
        });
        [document, start, length]
    }

    /// Call `write` for tiles of all groups' rows, `count` pieces in all.
    fn write<O: Output>(&self, out: O, count: usize, write: impl Fn(Tile<'_, O>) + Copy + Sync) {
        let threads = (count / PARALLEL_FROM_PIECES).clamp(1, rayon::current_num_threads());
        self.write_groups(&self.groups, out, count, threads, write);
    }

    fn write_groups<O: Output>(
        &self,
        groups: &[Group],
        out: O,
        count: usize,
        threads: usize,
        write: impl Fn(Tile<'_, O>) + Copy + Sync,
    ) {
        if threads > 1 && groups.len() > 1 {
            let (first_groups, pieces) = self.share(groups, count * (threads / 2) / threads);
            let (first, later) = out.split(pieces);
            let (groups, later_groups) = groups.split_at(first_groups);
            rayon::join(
                || self.write_groups(groups, first, pieces, threads / 2, write),
                || self.write_groups(later_groups, later, count - pieces, threads - threads / 2, write),
            );
            return;
        }
        let mut rest = out;
        let mut chain = Vec::new();
        for group in groups {
            self.chain(group, &mut chain);
            let per_row = self.nodes[group.node as usize].pieces as usize;
            let rows = group.rows as usize;
            let tile_rows = (TILE / per_row).max(1);
            for first in (0..rows).step_by(tile_rows) {
                let rows = first..(first + tile_rows).min(rows);
                let out;
                (out, rest) = rest.split(rows.len() * per_row);
                write(Tile { columns: &chain, rows, per_row, out });
            }
        }
    }

    /// The columns of a group's rows. The last lengths placed are the smallest: from a row's end to its begin.
    fn chain(&self, group: &Group, chain: &mut Vec<Columns>) {
        chain.clear();
        let (mut index, mut row) = (group.node, group.offset);
        let mut at = self.nodes[group.node as usize].pieces as usize;
        while index != NONE {
            let node = &self.nodes[index as usize];
            let copies = node.copies as usize;
            at -= copies;
            chain.push(Columns { first: node.first as usize + row as usize * copies, copies, length: node.length, at });
            row += node.parent_offset;
            index = node.parent;
        }
    }

    /// How many groups have about `wanted` pieces, and how many they have.
    fn share(&self, groups: &[Group], wanted: usize) -> (usize, usize) {
        let mut pieces = 0;
        for (number, group) in groups.iter().enumerate() {
            if pieces >= wanted || number + 1 == groups.len() {
                return (number, pieces);
            }
            pieces += self.pieces_in(group);
        }
        (groups.len(), pieces)
    }
}
