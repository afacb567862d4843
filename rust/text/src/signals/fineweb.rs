//! FineWeb's own line signals (Penedo et al. 2024, section 3.6), counted as datatrove 0.10's `FineWebQualityFilter` does.
//!
//! Lines are cut at `\n` only, and blank ones do not count.

use super::lines::repeats_among_lines;
use super::{Document, ratio};
use crate::characters::{TERMINAL, characters, count};
use crate::table::Table;

pub const SIGNALS: &[&str] =
    &["lines", "punctuated_lines", "short_lines", "duplicate_line_characters", "newlines_per_word"];

/// Characters of the longest line that is short.
const SHORT_LINE: usize = 30;

pub fn measure(document: &Document<'_>, table: &mut Table, values: &mut [f64]) {
    let known = characters();
    let (mut punctuated, mut short) = (0, 0);
    let repeats = repeats_among_lines(document.text, document.newlines, table, |line| {
        punctuated += usize::from(line.chars().next_back().is_some_and(|last| known.is(last, TERMINAL)));
        // A character has at most four bytes, so a line of more than four times as many bytes is not short.
        short += usize::from(line.len() <= 4 * SHORT_LINE && count(line.as_bytes()) <= SHORT_LINE);
    });
    values.copy_from_slice(&[
        repeats.elements as f64,
        ratio(punctuated, repeats.elements),
        ratio(short, repeats.elements),
        ratio(repeats.duplicate_characters, document.characters - document.newlines),
        ratio(document.newlines, document.words.len()),
    ]);
}
