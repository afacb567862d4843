//! Packing documents as they come, with a few rows open: what has arrived decides, what is yet to come is unknown.
//!
//! [`OpenRows`] keeps a number of rows open and puts each piece into the one it fits best; when it fits into none, the
//! fullest leaves. [`Lookahead`] keeps a number of pieces waiting; each row begins with the one that has waited
//! longest and takes the largest that fit, so that no piece waits for more rows than there are pieces waiting.
//!
//! Either's whole state is the pieces it holds, so it is written down and taken up again without replay.

use std::collections::{BTreeMap, VecDeque};

use crate::pieces::Piece;

/// Rows that are complete, one after another.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Completed {
    pub row_offsets: Vec<i64>,
    pub pieces: Vec<Piece>,
}

impl Completed {
    pub fn new() -> Self {
        Self { row_offsets: vec![0], pieces: Vec::new() }
    }

    fn push_row(&mut self, row: &[Piece]) {
        self.pieces.extend_from_slice(row);
        self.row_offsets.push(self.pieces.len() as i64);
    }
}

/// Bounded best fit. A piece costs a look at each open row's free space, 16 of them an instruction.
#[derive(Clone, Debug)]
pub struct OpenRows {
    capacity: u32,
    most_rows: usize,
    /// Free space of each open row, in the order they were begun; `u32` so that one comparison finds the best.
    spaces: Vec<u32>,
    rows: Vec<Vec<Piece>>,
}

impl OpenRows {
    pub fn new(capacity: u32, most_rows: usize) -> Self {
        Self { capacity, most_rows: most_rows.max(1), spaces: Vec::new(), rows: Vec::new() }
    }

    /// A piece of 1 to `capacity` tokens.
    pub fn push(&mut self, piece: Piece, completed: &mut Completed) {
        let length = piece.length as u32;
        // What would be left of each row; rows that are too full wrap around and are larger than any.
        let best = self.spaces.iter().map(|space| space.wrapping_sub(length)).min().unwrap_or(u32::MAX);
        let place = if best <= self.capacity {
            self.spaces.iter().position(|space| space.wrapping_sub(length) == best)
        } else {
            None
        };
        let place = place.unwrap_or_else(|| {
            if self.rows.len() == self.most_rows {
                let fullest =
                    self.spaces.iter().min().and_then(|least| self.spaces.iter().position(|space| space == least));
                self.close(fullest.unwrap_or(0), completed);
            }
            self.rows.push(Vec::new());
            self.spaces.push(self.capacity);
            self.rows.len() - 1
        });
        self.rows[place].push(piece);
        self.spaces[place] -= length;
        if self.spaces[place] == 0 {
            self.close(place, completed);
        }
    }

    fn close(&mut self, place: usize, completed: &mut Completed) {
        self.spaces.remove(place);
        completed.push_row(&self.rows.remove(place));
    }

    /// Give out the open rows, the oldest first.
    pub fn finish(&mut self, completed: &mut Completed) {
        while !self.rows.is_empty() {
            self.close(0, completed);
        }
    }

    /// The open rows, in the order they were begun.
    pub fn held(&self) -> &[Vec<Piece>] {
        &self.rows
    }

    /// Take up what [`OpenRows::held`] gave; false where it cannot be.
    pub fn restore(&mut self, rows: Vec<Vec<Piece>>) -> bool {
        let mut spaces = Vec::new();
        for row in &rows {
            let filled = row.iter().try_fold(0i64, |sum, piece| {
                (piece.length >= 1 && piece.length <= i64::from(self.capacity)).then_some(sum + piece.length)
            });
            match filled {
                Some(filled) if filled > 0 && filled < i64::from(self.capacity) => {
                    spaces.push(self.capacity - filled as u32);
                }
                _ => return false,
            }
        }
        if rows.len() > self.most_rows {
            return false;
        }
        (self.rows, self.spaces) = (rows, spaces);
        true
    }
}

/// The oldest first, then the largest that fit. A piece costs a step in a balanced tree, twice.
#[derive(Clone, Debug)]
pub struct Lookahead {
    capacity: u32,
    most_waiting: usize,
    /// Pieces in the order they came, with a number each; those that left are gone from `by_length` only.
    waiting: VecDeque<(u64, Piece)>,
    /// Numbers of waiting pieces by length and age.
    by_length: BTreeMap<(u32, u64), Piece>,
    next_number: u64,
}

impl Lookahead {
    pub fn new(capacity: u32, most_waiting: usize) -> Self {
        let most_waiting = most_waiting.max(1);
        Self { capacity, most_waiting, waiting: VecDeque::new(), by_length: BTreeMap::new(), next_number: 0 }
    }

    pub fn push(&mut self, piece: Piece, completed: &mut Completed) {
        self.enqueue(piece);
        while self.by_length.len() > self.most_waiting {
            self.fill_row(completed);
        }
    }

    fn enqueue(&mut self, piece: Piece) {
        self.waiting.push_back((self.next_number, piece));
        self.by_length.insert((piece.length as u32, self.next_number), piece);
        self.next_number += 1;
    }

    fn fill_row(&mut self, completed: &mut Completed) {
        let mut space = self.capacity;
        let mut row = Vec::new();
        while let Some((number, oldest)) = self.waiting.pop_front() {
            if self.by_length.remove(&(oldest.length as u32, number)).is_some() {
                row.push(oldest);
                space -= oldest.length as u32;
                break;
            }
        }
        while space > 0 {
            // The largest length that fits, and of that length the one that came first.
            let Some((&(length, _), _)) = self.by_length.range(..=(space, u64::MAX)).next_back() else { break };
            let Some((&key, &piece)) = self.by_length.range((length, 0)..).next() else { break };
            self.by_length.remove(&key);
            row.push(piece);
            space -= length;
        }
        if !row.is_empty() {
            completed.push_row(&row);
        }
        // Pieces that left stay in the queue until they are the oldest; so many that it would grow are taken out.
        if self.waiting.len() > 2 * self.most_waiting + 16 {
            self.waiting.retain(|(number, piece)| self.by_length.contains_key(&(piece.length as u32, *number)));
        }
    }

    pub fn finish(&mut self, completed: &mut Completed) {
        while !self.by_length.is_empty() {
            self.fill_row(completed);
        }
        self.waiting.clear();
    }

    /// The waiting pieces, the oldest first.
    pub fn held(&self) -> Vec<Piece> {
        let mut waiting: Vec<(u64, Piece)> =
            self.by_length.iter().map(|(&(_, number), &piece)| (number, piece)).collect();
        waiting.sort_unstable_by_key(|(number, _)| *number);
        waiting.into_iter().map(|(_, piece)| piece).collect()
    }

    /// Take up what [`Lookahead::held`] gave; false where it cannot be.
    pub fn restore(&mut self, pieces: Vec<Piece>) -> bool {
        let fits = |piece: &Piece| piece.length >= 1 && piece.length <= i64::from(self.capacity);
        if pieces.len() > self.most_waiting || !pieces.iter().all(fits) {
            return false;
        }
        *self = Self::new(self.capacity, self.most_waiting);
        pieces.into_iter().for_each(|piece| self.enqueue(piece));
        true
    }
}
