//! Units of any length to tokens, in linear time.
//!
//! Tokens one after another are the encoding of their text if every two neighbours are the encoding of theirs: the first
//! merge across a boundary would need only what the two tokens beside it are made of, so it would happen between those
//! two alone as well. So the encodings of two overlapping windows can be joined at a token that both have at the same
//! place: every two neighbours of the result are neighbours in one of them. Such a token is nearly always the first of
//! the overlap; where there is none, the window is encoded anew with twice the length.
//!
//! Windows are remembered a few at a time, so that a text that repeats itself costs no merges.

use std::sync::Arc;

use super::super::Encoder;
use super::super::merge::{SHORT, merge_long, merge_short};
use super::super::pieces::hash;
use super::Characters;

/// Bytes of a window of ASCII; of other text three times as many.
const WINDOW: usize = SHORT;
/// First symbols of two windows that overlap, at least; the second where a window ends in other tokens than the whole
/// has there, as in runs of one character.
const OVERLAPS: [usize; 2] = [14, 36];
const REMEMBERED: usize = 64;

/// The encoding of some bytes.
#[derive(Clone, Debug, Default)]
struct Window {
    bytes: Vec<u8>,
    /// Symbols, and for each the place in `bytes` after it and the number of first symbols up to there.
    symbols: Vec<u32>,
    ends: Vec<u32>,
    counts: Vec<u32>,
}

impl Window {
    /// Where the symbol `index` starts.
    fn end_before(&self, index: usize) -> usize {
        if index == 0 { 0 } else { self.ends[index - 1] as usize }
    }

    /// The last symbol after `done` that leaves enough of the window behind its start, and where that is. Never one that
    /// starts within a character.
    fn last_before_overlap(&self, done: usize, overlap: usize) -> Option<(usize, usize)> {
        let total = self.counts.last().copied().unwrap_or(0) as usize;
        let fit = self.counts.partition_point(|&count| count as usize + overlap <= total);
        let starts = |symbol: &usize| self.end_before(*symbol) < self.ends[*symbol] as usize;
        let first = (done + 1..=fit).rev().find(starts)?;
        Some((first, self.end_before(first)))
    }
}

#[derive(Debug, Default)]
pub struct Windows {
    remembered: Vec<Arc<Window>>,
    spelled: Vec<u32>,
    spelled_ends: Vec<u32>,
}

fn window_of(head: u8) -> usize {
    if head < 0x80 { WINDOW } else { WINDOW * 3 }
}

/// The largest `length` or less at which `text` may be cut.
fn boundary(text: &[u8], length: usize) -> usize {
    if length >= text.len() {
        return text.len();
    }
    let mut length = length;
    while length > 1 && text[length] & 0xC0 == 0x80 {
        length -= 1;
    }
    length
}

impl Windows {
    /// Append the symbols of `unit`, merged.
    pub fn merge(&mut self, characters: &Characters, encoder: &Encoder, unit: &[u8], out: &mut Vec<u32>) {
        let Some(&head) = unit.first() else { return };
        let (base, mut start, mut done) = (out.len(), 0, 0);
        let mut current = self.encode(characters, encoder, &unit[..boundary(unit, window_of(head))]);
        // Symbols of `current` before `done` are out, or are not those of the whole.
        loop {
            let end = start + current.bytes.len();
            if end == unit.len() {
                out.extend_from_slice(&current.symbols[done..]);
                return;
            }
            let mut joined = None;
            for overlap in OVERLAPS {
                let Some((first, offset)) = current.last_before_overlap(done, overlap) else { break };
                let rest = &unit[start + offset..];
                let size = window_of(rest[0]).max((current.bytes.len() - offset) * 2);
                let next = self.encode(characters, encoder, &rest[..boundary(rest, size)]);
                if let Some((mine, its)) = common(&current, first, offset, &next) {
                    joined = Some((mine, its, offset, next));
                    break;
                }
            }
            if let Some((mine, its, offset, next)) = joined {
                out.extend_from_slice(&current.symbols[done..mine]);
                (start, current, done) = (start + offset, next, its);
                continue;
            }
            // The same start with twice the length, as long as it has a symbol in common with what is known.
            let rest = &unit[start..];
            let longer = self.encode(characters, encoder, &rest[..boundary(rest, current.bytes.len() * 2)]);
            match common(&current, done, 0, &longer) {
                Some((mine, its)) => {
                    out.extend_from_slice(&current.symbols[done..mine]);
                    (current, done) = (longer, its);
                }
                None => {
                    out.truncate(base);
                    out.extend_from_slice(&self.encode(characters, encoder, unit).symbols);
                    return;
                }
            }
        }
    }

    fn encode(&mut self, characters: &Characters, encoder: &Encoder, bytes: &[u8]) -> Arc<Window> {
        if self.remembered.is_empty() {
            self.remembered.resize(REMEMBERED, Arc::default());
        }
        let short = bytes.len() <= WINDOW * 3;
        let slot = (hash(bytes) >> 40) as usize % REMEMBERED;
        if short && self.remembered[slot].bytes == bytes {
            return Arc::clone(&self.remembered[slot]);
        }
        self.spelled.clear();
        self.spelled_ends.clear();
        characters.spelling.spell(bytes, &mut self.spelled, &mut self.spelled_ends);
        let count = if self.spelled.len() <= SHORT {
            merge_short(&encoder.pairs, &mut self.spelled)
        } else {
            merge_long(&encoder.pairs, &mut self.spelled)
        };
        let mut window = Window { bytes: bytes.to_vec(), symbols: self.spelled[..count].to_vec(), ..Window::default() };
        let mut total = 0;
        for &symbol in &window.symbols {
            total += characters.widths[symbol as usize];
            window.counts.push(total);
            window.ends.push(self.spelled_ends[total as usize - 1]);
        }
        let window = Arc::new(window);
        if short {
            self.remembered[slot] = Arc::clone(&window);
        }
        window
    }
}

/// A symbol that two windows have at the same place, as its numbers in both: of `current` from symbol `first` on, of
/// `next` any, which starts `offset` bytes into `current`.
fn common(current: &Window, first: usize, offset: usize, next: &Window) -> Option<(usize, usize)> {
    let (mut mine, mut its) = (first, 0);
    let mut starts = (current.end_before(first), offset);
    while mine < current.symbols.len() && its < next.symbols.len() {
        let ends = (current.ends[mine] as usize, offset + next.ends[its] as usize);
        if starts.0 == starts.1 && ends.0 == ends.1 && current.symbols[mine] == next.symbols[its] {
            return Some((mine, its));
        }
        if ends.0 <= ends.1 {
            starts.0 = ends.0;
            mine += 1;
        }
        if ends.1 <= ends.0 {
            starts.1 = ends.1;
            its += 1;
        }
    }
    None
}
