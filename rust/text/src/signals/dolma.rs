//! Dolma's Gopher signals (Soldaini et al. 2024, "Dolma", appendix on web data), counted as its tagger `gopher_v1` does.
//!
//! Words are what white space parts, and of what repeats every copy counts.

use super::copies::{Copies, Share};
use super::gopher::is_stop_word;
use super::spaced::{has_letter, spaced_words};
use super::{Document, ratio};
use crate::characters::count;
use crate::keys::Keys;

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
    lengths: Lengths,
}

pub fn measure(document: &Document<'_>, keys: &mut Keys, scratch: &mut Scratch, values: &mut [f64]) {
    let text = document.text;
    let Scratch { copies, lengths } = scratch;
    copies.clear();
    lengths.clear();
    let (mut symbols, mut alphabetic, mut stop_words) = (0, 0, 0);
    spaced_words(document, |word| {
        let length = count(word.as_bytes());
        lengths.add(length);
        copies.add(word, length);
        symbols += usize::from(word.bytes().any(|byte| byte == b'#') || (!word.is_ascii() && word.contains('…')));
        alphabetic += usize::from(has_letter(word));
        stop_words += usize::from(is_stop_word(word));
    });
    let words = copies.words();
    let lines = || text.split('\n');
    let share = Share::of(lines(), text.len(), keys);
    let bullets = lines().filter(|line| line.starts_with(['*', '-'])).count();
    let ellipses = lines().filter(|line| line.ends_with('…')).count();
    // An empty text has no lines for Dolma.
    let whole = if text.is_empty() { 0 } else { share.elements };
    values[..GRAMS].copy_from_slice(&[
        document.characters as f64,
        words as f64,
        lengths.median(),
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
    copies.walk(|copies, n, found| {
        if copies.words() < n {
            return;
        }
        if n <= 4 {
            // The first of the most frequent ones; where nothing repeats, the first of all.
            let at = found.places().next().unwrap_or(0);
            top[n - 2] = ratio(found.most as usize * copies.characters_of(at, n), copies.characters());
        } else {
            let repeated = found.places().map(|at| copies.characters_of(at, n)).sum();
            let all = (0..=copies.words() - n).map(|at| copies.characters_of(at, n)).sum();
            duplicates[n - 5] = ratio(repeated, all);
        }
    });
}

/// Lengths up to this are counted, longer ones listed.
const COUNTED: usize = 256;

#[derive(Debug, Default)]
struct Lengths {
    counts: Vec<usize>,
    longer: Vec<u32>,
    all: usize,
}

impl Lengths {
    fn clear(&mut self) {
        self.counts.clear();
        self.counts.resize(COUNTED, 0);
        self.longer.clear();
        self.all = 0;
    }

    fn add(&mut self, length: usize) {
        self.all += 1;
        match self.counts.get_mut(length) {
            Some(count) => *count += 1,
            None => self.longer.push(length as u32),
        }
    }

    /// The middle one, or the mean of both; 0 of none.
    fn median(&mut self) -> f64 {
        if self.all == 0 {
            return 0.0;
        }
        self.longer.sort_unstable();
        (self.at((self.all - 1) / 2) + self.at(self.all / 2)) / 2.0
    }

    /// The one of this number, in order.
    fn at(&self, number: usize) -> f64 {
        let mut before = 0;
        for (length, count) in self.counts.iter().enumerate() {
            before += count;
            if number < before {
                return length as f64;
            }
        }
        f64::from(self.longer[number - before])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_lengths() {
        for (all, expected) in [
            (vec![], 0.0),
            (vec![3], 3.0),
            (vec![5, 2], 3.5),
            (vec![9, 1, 4], 4.0),
            (vec![1000, 300, 255, 2000], 650.0),
            (vec![255, 256], 255.5),
        ] {
            let mut lengths = Lengths::default();
            lengths.clear();
            all.into_iter().for_each(|length| lengths.add(length));
            assert_eq!(lengths.median(), expected);
        }
    }
}
