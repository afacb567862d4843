//! FineWeb's own line signals (Penedo et al. 2024, section 3.6), counted as datatrove 0.10's `FineWebQualityFilter` does.
//!
//! Lines are cut at `\n` only, and blank ones do not count.

use super::{Asked, Document, ratio};

pub const SIGNALS: &[&str] =
    &["lines", "punctuated_lines", "short_lines", "duplicate_line_characters", "newlines_per_word"];

/// Whether newlines to words are asked for: the others do without words.
pub fn needs_words(asked: Asked) -> bool {
    asked & 1 << 4 != 0
}

pub fn measure(document: &Document<'_>, values: &mut [f64]) {
    let lines = document.lines;
    values.copy_from_slice(&[
        lines.written as f64,
        ratio(lines.punctuated, lines.written),
        ratio(lines.short, lines.written),
        ratio(lines.repeated_characters, document.characters - document.newlines),
        ratio(document.newlines, document.words.len()),
    ]);
}
