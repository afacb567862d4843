//! DCLM's heuristics (Li et al. 2024, "DataComp-LM", baseline of RefinedWeb's rules), counted as its published program counts.
//!
//! Words are what white space parts; those of the n-grams are UAX 29's that begin with a letter or number; those that must not be too
//! few or go are fastText's that do. Cost: UAX 29 takes most of it.

use unicode_segmentation::UnicodeSegmentation;

use super::copies::{Copies, Share};
use super::furniture::{Cleared, is_alphanumeric};
use super::gopher::is_stop_word;
use super::{Document, ratio};
use crate::characters::{LETTER, SPACE, characters, count, trim};
use crate::keys::Keys;

pub const SIGNALS: &[&str] = &[
    "words",
    "mean_word_length",
    "symbol_ratio",
    "bullet_lines",
    "ellipsis_lines",
    "symbolic_words",
    "stop_words",
    "duplicate_lines",
    "duplicate_paragraphs",
    "duplicate_line_characters",
    "duplicate_paragraph_characters",
    "top_2_gram",
    "top_3_gram",
    "top_4_gram",
    "duplicate_5_grams",
    "duplicate_6_grams",
    "duplicate_7_grams",
    "duplicate_8_grams",
    "duplicate_9_grams",
    "duplicate_10_grams",
    "removed_words",
];

/// Where the signals of each group begin: repeated lines, n-grams, removed words.
const REPEATED: usize = 7;
const GRAMS: usize = 11;
const REMOVED: usize = 20;

/// Signals that are measured together with this one.
pub fn together(signal: usize) -> super::Asked {
    let groups = [0..REPEATED, REPEATED..GRAMS, GRAMS..REMOVED, REMOVED..SIGNALS.len()];
    let group = groups.into_iter().find(|group| group.contains(&signal)).unwrap_or(signal..signal + 1);
    group.fold(0, |bits, signal| bits | 1 << signal)
}

/// Words as fastText cuts them, but for those that begin with no letter or number.
fn fasttext_words(text: &str) -> usize {
    text.split([' ', '\n', '\r', '\t', '\x0B', '\x0C', '\0']).filter(|word| word.starts_with(is_alphanumeric)).count()
}

fn lines(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split('\n').map(trim).filter(|line| !line.is_empty())
}

pub fn measure(
    document: &Document<'_>,
    asked: super::Asked,
    keys: &mut Keys,
    copies: &mut Copies,
    values: &mut [f64],
) {
    let text = document.text;
    let asks = |from: usize| asked & together(from) != 0;
    if asks(0) {
        quality(document, &mut values[..REPEATED]);
    }
    if asks(REPEATED) {
        let of_lines = Share::of(lines(text), text.len(), keys);
        let of_paragraphs = {
            let paragraphs = text.split("\n\n").map(trim).filter(|one| !one.is_empty());
            Share::of(paragraphs, text.len(), keys)
        };
        values[REPEATED..GRAMS].copy_from_slice(&[
            ratio(of_lines.copies, of_lines.elements),
            ratio(of_paragraphs.copies, of_paragraphs.elements),
            ratio(of_lines.copied_characters, of_lines.characters),
            ratio(of_paragraphs.copied_characters, of_paragraphs.characters),
        ]);
    }
    if asks(GRAMS) {
        grams(text, copies, &mut values[GRAMS..REMOVED]);
    }
    if asks(REMOVED) {
        let before = fasttext_words(text);
        let after: usize = Cleared::new(text).lines().map(fasttext_words).sum();
        values[REMOVED] = if before == 0 { 0.0 } else { (before as f64 - after as f64) / before as f64 };
    }
}

fn quality(document: &Document<'_>, values: &mut [f64]) {
    let text = document.text;
    let known = characters();
    let (mut words, mut lengths, mut symbolic, mut stop_words) = (0, 0, 0, 0);
    for word in text.split(|one| known.is(one, SPACE)).filter(|word| !word.is_empty()) {
        words += 1;
        lengths += count(word.as_bytes());
        symbolic += usize::from(!word.chars().any(|one| known.is(one, LETTER)));
        stop_words += usize::from(is_stop_word_of_any_case(word));
    }
    let (hashes, ellipses) = super::gopher::symbols(document);
    let spaced = memchr::memmem::find_iter(text.as_bytes(), b". . .").count();
    let (mut all, mut bullets, mut dotted) = (0, 0, 0);
    for line in lines(text) {
        all += 1;
        bullets += usize::from(line.starts_with(['●', '•', '*', '-']));
        dotted += usize::from(["...", ". . .", "…"].iter().any(|end| line.ends_with(end)));
    }
    values.copy_from_slice(&[
        fasttext_words(text) as f64,
        ratio(lengths, words),
        ratio(hashes + ellipses + spaced, words),
        ratio(bullets, all),
        ratio(dotted, all),
        ratio(symbolic, words),
        stop_words as f64,
    ]);
}

/// No letter but an ASCII one becomes a letter of a stop word in lower case.
fn is_stop_word_of_any_case(word: &str) -> bool {
    word.len() <= 4 && is_stop_word(&word.to_ascii_lowercase())
}

fn grams(text: &str, copies: &mut Copies, values: &mut [f64]) {
    copies.clear();
    for word in text.split_word_bounds().filter(|word| word.starts_with(is_alphanumeric)) {
        copies.add(word, count(word.as_bytes()));
    }
    copies.walk(|copies, n, found| {
        let characters = if n <= 4 {
            // The longest of the most frequent ones; nothing where no n-gram repeats.
            let longest = found.places().map(|at| copies.characters_of(at, n)).max();
            longest.unwrap_or(0) * found.most as usize
        } else {
            // Each word in a repeated n-gram once.
            let (mut covered, mut end) = (0, 0);
            for at in found.places() {
                let from = at.max(end);
                end = at + n;
                covered += copies.characters_of(from, end - from);
            }
            covered
        };
        values[n - 2] = ratio(characters, copies.characters());
    });
}
