//! FineWeb's own line signals (Penedo et al. 2024, section 3.6), counted as datatrove 0.10's `FineWebQualityFilter` does.
//!
//! Lines are cut at `\n` only, and blank ones do not count.

use super::{Asked, Document, ratio};
use crate::characters::{TERMINAL, characters, count};

pub const SIGNALS: &[&str] =
    &["lines", "punctuated_lines", "short_lines", "duplicate_line_characters", "newlines_per_word"];

/// Characters of the longest line that is short.
const SHORT_LINE: usize = 30;

/// Whether newlines to words are asked for: the others do without words.
pub fn needs_words(asked: Asked) -> bool {
    asked & 1 << 4 != 0
}

pub fn measure(document: &Document<'_>, values: &mut [f64]) {
    let known = characters();
    let text = document.text;
    let is_ascii = document.is_ascii();
    let (mut lines, mut punctuated, mut short, mut duplicate_characters) = (0, 0, 0, 0);
    for line in document.lines.lines.iter().filter(|line| !line.is_blank()) {
        let (start, end) = (line.start as usize, line.end as usize);
        let last = text.as_bytes()[end - 1];
        let ends_sentence = if last < 0x80 {
            known.ascii(last) & TERMINAL != 0
        } else {
            line.of(text).chars().next_back().is_some_and(|last| known.is(last, TERMINAL))
        };
        let bytes = end - start;
        let characters = || if is_ascii { bytes } else { count(line.of(text).as_bytes()) };
        lines += 1;
        punctuated += usize::from(ends_sentence);
        // A character has at most four bytes, so a line of more than four times as many bytes is not short.
        short += usize::from(bytes <= 4 * SHORT_LINE && characters() <= SHORT_LINE);
        duplicate_characters += if line.repeats { characters() } else { 0 };
    }
    values.copy_from_slice(&[
        lines as f64,
        ratio(punctuated, lines),
        ratio(short, lines),
        ratio(duplicate_characters, document.characters - document.newlines),
        ratio(document.newlines, document.words.len()),
    ]);
}
