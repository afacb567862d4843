//! Gopher's signals (Rae et al. 2021, "Scaling Language Models", appendix A1.1), counted as datatrove 0.10 counts them.
//!
//! Words here are [`crate::segment`]'s; the word count and the mean length leave out words that are symbols only. Lengths are in
//! characters. Repetition is in [`super::repetition`].

use memchr::memmem;

use super::lines::split_lines;
use super::repetition::{self, Joined};
use super::{Document, ratio};
use crate::characters::{LETTER, SPACE, SYMBOL, characters};
use crate::table::Table;

pub const SIGNALS: &[&str] = &[
    "characters",
    "words",
    "mean_word_length",
    "hash_ratio",
    "ellipsis_ratio",
    "bullet_lines",
    "ellipsis_lines",
    "alphabetic_words",
    "stop_words",
    "duplicate_paragraphs",
    "duplicate_paragraph_characters",
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

const QUALITY: usize = 9;

pub fn measure(document: &Document<'_>, table: &mut Table, joined: &mut Joined, values: &mut [f64]) {
    let (quality, repeated) = values.split_at_mut(QUALITY);
    let (words, lengths) = joined.fill(document);
    let all_words = document.words.len();
    let (hashes, ellipses) = symbols(document.text);
    let lines = Lines::count(document.text);
    quality.copy_from_slice(&[
        document.characters as f64,
        words.worded as f64,
        ratio(lengths, words.worded),
        ratio(hashes, all_words),
        ratio(ellipses, all_words),
        ratio(lines.bullets, lines.all),
        ratio(lines.ellipses, lines.all),
        ratio(words.alphabetic, all_words),
        f64::from(words.stop_words.count_ones()),
    ]);
    repetition::measure(document, table, joined, repeated);
}

/// Number signs, and ellipses of both kinds.
pub fn symbols(text: &str) -> (usize, usize) {
    let text = text.as_bytes();
    let hashes = memchr::memchr_iter(b'#', text).count();
    let ellipses = if memmem::find(text, b"...").is_some() { memmem::find_iter(text, b"...").count() } else { 0 }
        + memmem::find_iter(text, "…".as_bytes()).count();
    (hashes, ellipses)
}

/// What the words of a document are, by number.
#[derive(Default)]
pub struct Words {
    /// Words that are more than symbols.
    pub worded: usize,
    pub alphabetic: usize,
    /// One bit for each of the eight stop words that is there.
    pub stop_words: u8,
}

impl Words {
    /// Add one word of ASCII letters and digits, of whose first eight bytes `low` is made, zeros behind them.
    #[inline]
    pub fn add_plain(&mut self, low: u64, word: &[u8]) {
        self.stop_words |= stop_word(low);
        self.worded += 1;
        self.alphabetic += usize::from(word[0] > b'9' || word.iter().any(|&byte| byte > b'9'));
    }

    /// Add a word of one ASCII byte that is no letter or digit, and say whether it is more than a symbol.
    #[inline]
    pub fn add_mark(&mut self, mark: u8) -> bool {
        let worded = characters().ascii(mark) & SYMBOL == 0;
        self.worded += usize::from(worded);
        worded
    }

    /// Add any word, and say whether it is more than symbols.
    pub fn add(&mut self, word: &str) -> bool {
        let table = characters();
        let (mut all, mut symbols_only) = (0, SYMBOL);
        for character in word.chars() {
            let flags = table.flags(character);
            all |= flags;
            symbols_only &= flags;
        }
        self.alphabetic += usize::from(all & LETTER != 0);
        let worded = symbols_only == 0;
        self.worded += usize::from(worded);
        worded
    }
}

const fn low(word: &[u8]) -> u64 {
    let mut low = 0;
    let mut index = 0;
    while index < word.len() {
        low |= (word[index] as u64) << (8 * index);
        index += 1;
    }
    low
}

const STOP_WORDS: [u64; 8] =
    [low(b"the"), low(b"be"), low(b"to"), low(b"of"), low(b"and"), low(b"that"), low(b"have"), low(b"with")];

/// The bit of one of Gopher's eight stop words, case as it is; no branch, and words of five bytes and more equal none.
#[inline]
fn stop_word(word: u64) -> u8 {
    STOP_WORDS.iter().enumerate().fold(0, |bits, (index, &stop)| bits | u8::from(word == stop) << index)
}

#[derive(Default)]
struct Lines {
    all: usize,
    bullets: usize,
    ellipses: usize,
}

impl Lines {
    #[inline(never)]
    fn count(text: &str) -> Self {
        let mut lines = Self::default();
        let table = characters();
        split_lines(text, |line| {
            lines.all += 1;
            let start = line.trim_start_matches(|character| table.is(character, SPACE));
            let end = line.trim_end_matches(|character| table.is(character, SPACE));
            lines.bullets += usize::from(start.starts_with(['•', '-']));
            lines.ellipses += usize::from(end.ends_with("...") || end.ends_with('…'));
        });
        lines
    }
}
