//! DCLM's heuristics (Li et al. 2024, "DataComp-LM", baseline of RefinedWeb's rules), counted as its published program counts.
//!
//! Words are what white space parts; those of the n-grams are UAX 29's that begin with a letter or number; those that must not be too
//! few or go are fastText's that do. Cost: UAX 29 takes most of it.

use unicode_segmentation::UnicodeSegmentation;

use super::copies::{Copies, Share};
use super::furniture::{Cleared, is_alphanumeric};
use super::gopher::is_stop_word;
use super::lines::Between;
use super::spaced::{has_letter, spaced_words};
use super::{Document, ratio};
use crate::characters::{count, trim};
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
    /// What a byte is.
    const SEPARATOR: u8 = 1;
    const ALPHANUMERIC: u8 = 2;
    const FOREIGN: u8 = 4;
    static KINDS: [u8; 256] = {
        let mut kinds = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            kinds[byte] = match byte as u8 {
                b' ' | b'\n' | b'\r' | b'\t' | 0x0B | 0x0C | 0 => SEPARATOR,
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => ALPHANUMERIC,
                0x80.. => FOREIGN,
                _ => 0,
            };
            byte += 1;
        }
        kinds
    };
    let (mut words, mut before) = (0, SEPARATOR);
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        let kind = KINDS[usize::from(byte)];
        words += usize::from((before == SEPARATOR) & (kind == ALPHANUMERIC));
        if before == SEPARATOR && kind == FOREIGN {
            words += usize::from(text[at..].starts_with(is_alphanumeric));
        }
        before = kind;
    }
    words
}

/// Call `each` with every word of UAX 29 that begins with a letter or number.
///
/// What is between ASCII white space is cut by itself, for no rule joins across it but with what is no letter or number.
fn for_each_word(document: &Document<'_>, mut each: impl FnMut(&str)) {
    let (text, masks) = (document.text, document.masks);
    let mut start = masks.first_written(0, text.len());
    while start < text.len() {
        let end = masks.next_space(start).min(text.len());
        if masks.next_foreign(start, end).is_none() {
            ascii_words(&text[start..end], &mut each);
        } else {
            text[start..end].split_word_bounds().filter(|word| word.starts_with(is_alphanumeric)).for_each(&mut each);
        }
        start = masks.first_written(end, text.len());
    }
}

/// UAX 29 for ASCII: rules WB5 to WB13b, with `_` as what extends, `:` between letters, `,` and `;` between digits, `.` and `'` in both.
fn ascii_words(text: &str, each: &mut impl FnMut(&str)) {
    let bytes = text.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        loop {
            while at < bytes.len() && is_word(bytes[at]) {
                at += 1;
            }
            let (before, after) = (bytes[at - 1], bytes.get(at + 1).copied().unwrap_or(0));
            let letters = before.is_ascii_alphabetic() && after.is_ascii_alphabetic();
            let digits = before.is_ascii_digit() && after.is_ascii_digit();
            let joins = match bytes.get(at) {
                Some(b':') => letters,
                Some(b',' | b';') => digits,
                Some(b'.' | b'\'') => letters || digits,
                _ => false,
            };
            if !joins {
                break;
            }
            at += 1;
        }
        if bytes[start] != b'_' {
            each(&text[start..at]);
        }
    }
}

fn lines<'t>(document: &Document<'t>) -> impl Iterator<Item = &'t str> + Clone {
    Between::new(document.text, document.masks).map(|line| line.trimmed).filter(|line| !line.is_empty())
}

pub fn measure(document: &Document<'_>, asked: super::Asked, keys: &mut Keys, copies: &mut Copies, values: &mut [f64]) {
    let text = document.text;
    let asks = |from: usize| asked & together(from) != 0;
    if asks(0) {
        quality(document, &mut values[..REPEATED]);
    }
    if asks(REPEATED) {
        let of_lines = Share::of(lines(document), text.len(), keys);
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
        grams(document, copies, &mut values[GRAMS..REMOVED]);
    }
    if asks(REMOVED) {
        let before = fasttext_words(text);
        let after: usize = Cleared::new(text).lines().map(fasttext_words).sum();
        values[REMOVED] = if before == 0 { 0.0 } else { (before as f64 - after as f64) / before as f64 };
    }
}

fn quality(document: &Document<'_>, values: &mut [f64]) {
    let text = document.text;
    let (mut words, mut lengths, mut symbolic, mut stop_words) = (0, 0, 0, 0);
    spaced_words(document, |word| {
        words += 1;
        lengths += count(word.as_bytes());
        symbolic += usize::from(!has_letter(word));
        stop_words += usize::from(is_stop_word_of_any_case(word));
    });
    let (hashes, ellipses) = super::gopher::symbols(document);
    let spaced = memchr::memmem::find_iter(text.as_bytes(), b". . .").count();
    let (mut all, mut bullets, mut dotted) = (0, 0, 0);
    for line in lines(document) {
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

fn grams(document: &Document<'_>, copies: &mut Copies, values: &mut [f64]) {
    copies.clear();
    for_each_word(document, |word| copies.add(word, count(word.as_bytes())));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_cut_as_the_standard_says() {
        let mut state = 5u64;
        for length in 0..20_000 {
            let mut text = String::new();
            for _ in 0..length % 24 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push(char::from(b"ab1_.,:;'-!Z9@\0\x7f"[(state >> 33) as usize % 16]));
            }
            let mut found = Vec::new();
            ascii_words(&text, &mut |word: &str| found.push(String::from(word)));
            let expected: Vec<&str> =
                text.split_word_bounds().filter(|word| word.starts_with(is_alphanumeric)).collect();
            assert_eq!(found, expected, "{text:?}");
            let by_split = text.split(['\0', ' ']).filter(|word| word.starts_with(is_alphanumeric)).count();
            assert_eq!(fasttext_words(&text), by_split, "{text:?}");
        }
        assert_eq!(fasttext_words("é ‘a’\u{a0}b a\x0bb"), 3);
    }
}
