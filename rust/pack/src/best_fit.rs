//! Best-fit decreasing over classes: O(pieces + capacity), with a textbook's rows.
//!
//! Lengths are small integers, so pieces are sorted by counting, and equal ones are placed together. A group is a run
//! of rows with the same lengths in them; all groups with the same free space are a class, found in a bitset. To place
//! pieces of length `l`, take a group of the smallest class `r >= l` and put `floor(r / l)` pieces into each of its
//! rows at once. That is what best fit does one by one: after a piece the row has `r - l` left, which, as long as it is
//! enough, is the tightest place there is. Only the last group of a length is split.
//!
//! A group remembers its rows' contents as a chain of nodes, one a length; which pieces of that length are a row's is
//! its place in the group. Rows come fullest first.

use std::ops::Range;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use rayon::prelude::*;
use tokenfoundry_base::stable_hash::mix64;

use crate::pages;
use crate::pieces::{Cutting, Table, parts};
use crate::spaces::SpaceSet;

const NONE: u32 = u32::MAX;

/// `copies` pieces of `length` in each of a run of rows: those of row `i` are number `first + i * copies` and on, in
/// the sorted order. Row `i` here is row `parent_offset + i` of `parent`.
#[derive(Clone, Copy)]
struct Node {
    parent: u32,
    parent_offset: u32,
    first: u32,
    length: u32,
    copies: u32,
    /// Pieces in a row, this node's and its ancestors'.
    pieces: u32,
}

/// Rows `offset..offset + rows` of a node.
#[derive(Clone, Copy)]
struct Group {
    node: u32,
    offset: u32,
    rows: u32,
    /// The next group of the class.
    next: u32,
}

/// Groups by free space.
struct Classes {
    spaces: SpaceSet,
    newest: Vec<u32>,
    groups: Vec<Group>,
    /// The first of a chain of groups that are used again.
    unused: u32,
}

impl Classes {
    fn new(capacity: u32) -> Self {
        let spaces = SpaceSet::new(capacity as usize);
        Self { spaces, newest: vec![NONE; capacity as usize + 1], groups: Vec::new(), unused: NONE }
    }

    fn push(&mut self, space: u32, group: Group) {
        let head = &mut self.newest[space as usize];
        if *head == NONE {
            self.spaces.insert(space as usize);
        }
        let group = Group { next: *head, ..group };
        if self.unused == NONE {
            *head = self.groups.len() as u32;
            self.groups.push(group);
        } else {
            *head = self.unused;
            let slot = &mut self.groups[self.unused as usize];
            self.unused = slot.next;
            *slot = group;
        }
    }

    /// A group of the smallest class with that much space.
    fn pop(&mut self, length: u32) -> Option<(u32, Group)> {
        let space = self.spaces.at_least(length as usize)?;
        let head = &mut self.newest[space];
        let index = *head;
        let slot = &mut self.groups[index as usize];
        let group = *slot;
        *head = group.next;
        if group.next == NONE {
            self.spaces.remove(space);
        }
        slot.next = self.unused;
        self.unused = index;
        Some((space as u32, group))
    }
}

/// Pieces by number, row after row, and where rows begin.
pub struct Rows {
    pub row_offsets: Vec<i64>,
    pub pieces: Vec<u32>,
    /// The class of each piece: its length, or its length rounded up where pieces are aligned.
    pub lengths: Vec<u32>,
}

/// Pieces by decreasing class, equal ones by number; and where each class begins (of class `l` at `starts[l]`).
/// Atomic because threads write to places between each other's; all accesses are plain moves.
pub struct Sorted {
    pub order: Vec<AtomicU32>,
    pub starts: Vec<u32>,
}

impl Sorted {
    /// `histogram[l]` pieces have class `l`; `table` has their numbers and lengths, which `align` rounds up.
    pub fn new(histogram: &[u32], align: u32, table: &Table, lengths: &[i64], cutting: &Cutting<'_>) -> Self {
        let (starts, pieces) = starts_of(histogram);
        let order = pages::atomic_zeros(pieces as usize);
        let ranges = parts(lengths, cutting.longest);
        let sort = |range: Range<usize>, places: &mut [u32]| {
            let put = |piece: u32, class: u32| {
                let place = &mut places[class as usize];
                order[*place as usize].store(piece, Relaxed);
                *place += 1;
            };
            table.for_each(lengths, cutting, range, with_classes(align, put));
        };
        let mut places = starts.clone();
        if ranges.len() == 1 {
            sort(0..lengths.len(), &mut places);
        } else {
            // Each thread's places in every class: counted first, then written to.
            let counts: Vec<Vec<u32>> = ranges
                .par_iter()
                .map(|range| {
                    let mut counts = vec![0u32; histogram.len()];
                    let count = |_, class: u32| counts[class as usize] += 1;
                    table.for_each(lengths, cutting, range.clone(), with_classes(align, count));
                    counts
                })
                .collect();
            let firsts: Vec<Vec<u32>> = counts
                .iter()
                .map(|counts| {
                    let first = places.clone();
                    places.iter_mut().zip(counts).for_each(|(place, count)| *place += count);
                    first
                })
                .collect();
            ranges.into_par_iter().zip(firsts).for_each(|(range, mut places)| sort(range, &mut places));
        }
        let put = |piece: u32, class: u32| {
            let place = &mut places[class as usize];
            order[*place as usize].store(piece, Relaxed);
            *place += 1;
        };
        table.for_each_extra(with_classes(align, put));
        Self { order, starts }
    }

    /// Draw an order for the pieces of each class.
    pub fn shuffle(&self, histogram: &[u32], seed: u64) {
        for (class, (&start, &count)) in self.starts.iter().zip(histogram).enumerate() {
            let run = &self.order[start as usize..start as usize + count as usize];
            let key = mix64(seed ^ mix64(class as u64));
            for last in (1..run.len()).rev() {
                // Fisher and Yates; the high half of a product is as good as even for runs below 2^32.
                let drawn = mix64(key ^ last as u64);
                let other = ((u128::from(drawn) * (last as u128 + 1)) >> 64) as usize;
                let swapped = run[other].load(Relaxed);
                let drawn = run[last].swap(swapped, Relaxed);
                run[other].store(drawn, Relaxed);
            }
        }
    }
}

/// `take` told of classes where it is called with lengths.
#[inline(always)]
fn with_classes(align: u32, mut take: impl FnMut(u32, u32)) -> impl FnMut(u32, u32) {
    move |piece, length| take(piece, if align == 1 { length } else { length.next_multiple_of(align) })
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

/// Fill rows of `capacity` with at most `most_pieces` pieces each. Class 0 of the histogram is empty.
pub fn best_fit(sorted: &Sorted, histogram: &[u32], capacity: u32, most_pieces: u32) -> Rows {
    let mut classes = Classes::new(capacity);
    let mut nodes: Vec<Node> = Vec::new();
    // Rows that take no more pieces though they have space.
    let mut closed: Vec<Group> = Vec::new();
    for length in (1..=capacity).rev() {
        let mut left = histogram[length as usize];
        let mut first = sorted.starts[length as usize];
        while left > 0 {
            let (space, group) = match classes.pop(length) {
                Some(found) => found,
                None => {
                    let copies = (capacity / length).min(most_pieces);
                    (capacity, Group { node: NONE, offset: 0, rows: left.div_ceil(copies), next: NONE })
                }
            };
            let before = if group.node == NONE { 0 } else { nodes[group.node as usize].pieces };
            let copies = (space / length).min(most_pieces - before);
            let full = (left / copies).min(group.rows);
            let rest = if full < group.rows { left - full * copies } else { 0 };
            let mut place = |rows: u32, copies: u32, offset: u32| {
                if rows == 0 || copies == 0 {
                    return;
                }
                let node = nodes.len() as u32;
                let pieces = before + copies;
                nodes.push(Node { parent: group.node, parent_offset: offset, first, length, copies, pieces });
                first += rows * copies;
                left -= rows * copies;
                let placed = Group { node, offset: 0, rows, next: NONE };
                if pieces == most_pieces {
                    closed.push(placed);
                } else {
                    classes.push(space - copies * length, placed);
                }
            };
            place(full, copies, group.offset);
            place(u32::from(rest > 0), rest, group.offset + full);
            let used = full + u32::from(rest > 0);
            if used < group.rows {
                classes.push(space, Group { offset: group.offset + used, rows: group.rows - used, ..group });
            }
        }
    }
    emit(sorted, &nodes, &classes, &closed)
}

fn emit(sorted: &Sorted, nodes: &[Node], classes: &Classes, closed: &[Group]) -> Rows {
    let mut groups = Vec::new();
    for (space, &newest) in classes.newest.iter().enumerate() {
        let (before, mut at) = (groups.len(), newest);
        while at != NONE {
            groups.push(classes.groups[at as usize]);
            at = classes.groups[at as usize].next;
        }
        // Of equally full rows those that were filled first.
        groups[before..].reverse();
        if space == 0 {
            groups.extend_from_slice(closed);
        }
    }
    let rows: usize = groups.iter().map(|group| group.rows as usize).sum();
    let mut row_offsets: Vec<i64> = pages::zeros(rows + 1);
    let mut pieces: Vec<u32> = pages::zeros(sorted.order.len());
    let mut lengths: Vec<u32> = pages::zeros(sorted.order.len());
    let threads = (sorted.order.len() >> 18).clamp(1, rayon::current_num_threads());
    let out = Output { row_ends: &mut row_offsets[1..], pieces: &mut pieces, lengths: &mut lengths, before: 0 };
    emit_groups(sorted, nodes, &groups, out, threads);
    Rows { row_offsets, pieces, lengths }
}

/// The rows' ends and pieces that groups are written to; `before` pieces are in the rows before.
struct Output<'a> {
    row_ends: &'a mut [i64],
    pieces: &'a mut [u32],
    lengths: &'a mut [u32],
    before: usize,
}

fn emit_groups(sorted: &Sorted, nodes: &[Node], groups: &[Group], out: Output<'_>, threads: usize) {
    if threads > 1 && groups.len() > 1 {
        let pieces = |group: &Group| group.rows as usize * nodes[group.node as usize].pieces as usize;
        let share = out.pieces.len() * (threads / 2) / threads;
        let (mut first_pieces, mut first_rows, mut split) = (0, 0, 0);
        while split + 1 < groups.len() && first_pieces < share {
            first_pieces += pieces(&groups[split]);
            first_rows += groups[split].rows as usize;
            split += 1;
        }
        let (row_ends, later_ends) = out.row_ends.split_at_mut(first_rows);
        let (pieces, later_pieces) = out.pieces.split_at_mut(first_pieces);
        let (lengths, later_lengths) = out.lengths.split_at_mut(first_pieces);
        let first = Output { row_ends, pieces, lengths, before: out.before };
        let before = out.before + first_pieces;
        let later = Output { row_ends: later_ends, pieces: later_pieces, lengths: later_lengths, before };
        rayon::join(
            || emit_groups(sorted, nodes, &groups[..split], first, threads / 2),
            || emit_groups(sorted, nodes, &groups[split..], later, threads - threads / 2),
        );
        return;
    }
    let mut end = 0;
    let mut row_ends = out.row_ends.iter_mut();
    for group in groups {
        let per_row = nodes[group.node as usize].pieces as usize;
        for (row, row_end) in (group.offset..group.offset + group.rows).zip(&mut row_ends) {
            end += per_row;
            *row_end = (out.before + end) as i64;
            // The last lengths placed are the smallest: from the row's end to its begin.
            let (mut at, mut index, mut row) = (end, group.node, row);
            while index != NONE {
                let node = &nodes[index as usize];
                let copies = node.copies as usize;
                let from = (node.first + row * node.copies) as usize;
                at -= copies;
                for (slot, piece) in out.pieces[at..at + copies].iter_mut().zip(&sorted.order[from..from + copies]) {
                    *slot = piece.load(Relaxed);
                }
                out.lengths[at..at + copies].fill(node.length);
                row += node.parent_offset;
                index = node.parent;
            }
        }
    }
}
