//! Lines or paragraphs that were there before, in this document or an earlier one.
//!
//! Boilerplate (menus, licences, cookie notices) repeats by the line, not by the document. A line is compared without
//! the whitespace around it, by a 128-bit hash; lines shorter than a minimum are left alone, because "}" and "Yes."
//! are no boilerplate. Cost: one pass over the text; 24 bytes of memory a different line.

use std::ops::Range;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use tokenfoundry_base::stable_hash::hash128;
use tokenfoundry_base::{Cancel, Cancelled, pool};

/// What a text is split into; each piece has its line breaks at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    Line,
    /// What lies between empty lines.
    Paragraph,
}

/// A piece that counts: where it is, and the hash of it without the whitespace around it.
struct Found {
    range: Range<usize>,
    hash: u128,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repeats {
    /// Pieces of the document that were long enough to be compared.
    pub compared: u64,
    /// The pieces to drop, ascending.
    pub dropped: Vec<Range<usize>>,
}

fn pieces(text: &str, piece: Piece) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    let mut after_empty_line = false;
    for line in text.split_inclusive('\n') {
        let range = start..start + line.len();
        start = range.end;
        let is_empty = line.trim().is_empty();
        match ranges.last_mut() {
            Some(last) if piece == Piece::Paragraph && (is_empty || !after_empty_line) => last.end = range.end,
            _ => ranges.push(range),
        }
        after_empty_line = is_empty;
    }
    ranges
}

/// For each text, its pieces that occur more than `most_copies` times up to there, in the order of the texts.
pub fn repeats(
    texts: &[&str],
    piece: Piece,
    minimum_bytes: usize,
    most_copies: u32,
    threads: Option<usize>,
    cancel: &Cancel,
) -> Result<Vec<Repeats>, Cancelled> {
    const TEXTS_AT_ONCE: usize = 4096;
    let mut copies: FxHashMap<u128, u32> = FxHashMap::default();
    let mut all = Vec::with_capacity(texts.len());
    for some in texts.chunks(TEXTS_AT_ONCE) {
        let found: Vec<Vec<Found>> = pool::install(threads, || {
            some.par_iter()
                .map(|text| {
                    cancel.check()?;
                    let long_enough = pieces(text, piece).into_iter().filter_map(|range| {
                        let bare = text[range.clone()].trim();
                        (bare.len() >= minimum_bytes.max(1)).then(|| Found { hash: hash128(bare.as_bytes()), range })
                    });
                    Ok(long_enough.collect())
                })
                .collect::<Result<_, Cancelled>>()
        })?;
        for found in found {
            let mut repeats = Repeats { compared: found.len() as u64, dropped: Vec::new() };
            for Found { range, hash } in found {
                let seen = copies.entry(hash).or_insert(0);
                *seen = seen.saturating_add(1);
                if *seen > most_copies {
                    repeats.dropped.push(range);
                }
            }
            all.push(repeats);
        }
    }
    Ok(all)
}

/// The text without the ranges.
pub fn without<E: Copy>(text: &[E], dropped: &[Range<usize>], into: &mut Vec<E>) {
    let mut at = 0;
    for range in dropped {
        into.extend_from_slice(&text[at..range.start]);
        at = range.end;
    }
    into.extend_from_slice(&text[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_text() {
        for text in ["", "a", "a\n", "a\nb", "\n\na\nb\n\n\nc\n", "a\r\n \r\nb"] {
            for piece in [Piece::Line, Piece::Paragraph] {
                let joined: String = pieces(text, piece).into_iter().map(|range| &text[range]).collect();
                assert_eq!(joined, text);
            }
        }
        let paragraphs: Vec<&str> =
            pieces("a\nb\n\n\nc\n", Piece::Paragraph).into_iter().map(|range| &"a\nb\n\n\nc\n"[range]).collect();
        assert_eq!(paragraphs, ["a\nb\n\n\n", "c\n"]);
    }
}
