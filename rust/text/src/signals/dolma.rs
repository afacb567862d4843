//! Dolma's Gopher signals (Soldaini et al. 2024, "Dolma", appendix on web data), counted as its tagger `gopher_v1` does.
//!
//! Words are what white space parts, and of what repeats every copy counts.

use super::copies::{Copies, Share};
use super::gopher::is_stop_word;
use super::{Document, ratio};
use crate::characters::{LETTER, SPACE, characters, count};
use crate::table::Table;

pub const SIGNALS: &[&str] = &[
    "characters",
    "words",
    "median_word_length",
    "symbol_words",
    "alphabetic_words",
    "stop_words",
    "bullet_lines",
    "ellipsis_lines",
    "duplicate_lines",
    "duplicate_line_characters",
    "top_2_gram",
    "top_3_gram",
    "top_4_gram",
    "duplicate_5_grams",
    "duplicate_6_grams",
    "duplicate_7_grams",
    "duplicate_8_grams",
    "duplicate_9_grams",
    "duplicate_10_grams",
];

/// Where the n-grams' signals begin.
const GRAMS: usize = 10;

#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) copies: Copies,
    lengths: Vec<u32>,
}

pub fn measure(document: &Document<'_>, table: &mut Table, scratch: &mut Scratch, values: &mut [f64]) {
    let known = characters();
    let text = document.text;
    let Scratch { copies, lengths } = scratch;
    copies.clear();
    lengths.clear();
    let (mut symbols, mut alphabetic, mut stop_words) = (0, 0, 0);
    for word in text.split(|one| known.is(one, SPACE)).filter(|word| !word.is_empty()) {
        let length = count(word.as_bytes());
        lengths.push(length as u32);
        copies.add(word, length);
        symbols += usize::from(word.bytes().any(|byte| byte == b'#') || word.contains('…'));
        alphabetic += usize::from(word.chars().any(|one| known.is(one, LETTER)));
        stop_words += usize::from(is_stop_word(word));
    }
    let words = copies.words();
    let lines = || text.split('\n');
    let share = Share::of(lines(), table);
    let bullets = lines().filter(|line| line.starts_with(['*', '-'])).count();
    let ellipses = lines().filter(|line| line.ends_with('…')).count();
    // An empty text has no lines for Dolma.
    let whole = if text.is_empty() { 0 } else { share.elements };
    values[..GRAMS].copy_from_slice(&[
        document.characters as f64,
        words as f64,
        median(lengths),
        ratio(symbols, words),
        ratio(alphabetic, words),
        stop_words as f64,
        ratio(bullets, whole),
        ratio(ellipses, whole),
        ratio(share.copies, whole),
        if share.copied_characters == 0 {
            0.0
        } else {
            share.copied_characters as f64 / copies.characters().max(1) as f64
        },
    ]);
    let (top, duplicates) = values[GRAMS..].split_at_mut(3);
    copies.walk(table, |copies, n, found| {
        if copies.words() < n {
            return;
        }
        if n <= 4 {
            // The first of the most frequent ones; where nothing repeats, the first of all.
            let (mut at, mut times) = (0, 1);
            for copy in found {
                if copy.count > times {
                    (at, times) = (copy.at, copy.count);
                }
            }
            top[n - 2] = ratio(times as usize * copies.characters_of(at, n), copies.characters());
        } else {
            let repeated = found.iter().map(|copy| copies.characters_of(copy.at, n)).sum();
            let all = (0..=copies.words() - n).map(|at| copies.characters_of(at, n)).sum();
            duplicates[n - 5] = ratio(repeated, all);
        }
    });
}

/// The middle one, or the mean of both; 0 of none.
fn median(lengths: &mut [u32]) -> f64 {
    let half = lengths.len() / 2;
    if lengths.is_empty() {
        return 0.0;
    }
    let odd = lengths.len() % 2 == 1;
    let (below, &mut middle, _) = lengths.select_nth_unstable(half);
    let before = if odd { middle } else { below.iter().copied().max().unwrap_or(middle) };
    f64::from(before + middle) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_lengths() {
        for (mut lengths, expected) in [(vec![], 0.0), (vec![3], 3.0), (vec![5, 2], 3.5), (vec![9, 1, 4], 4.0)] {
            assert_eq!(median(&mut lengths), expected);
        }
    }
}
