//! Gopher's signals (Rae et al. 2021, "Scaling Language Models", appendix A1.1), counted as datatrove 0.10 counts them.
//!
//! Words here are [`crate::segment`]'s; the word count and the mean length leave out words that are symbols only. Lengths are in
//! characters. Repetition is in [`super::repetition`].

use memchr::memmem;

use super::repetition::Repetition;
use super::{Asked, Document, ratio};
use crate::characters::{LETTER, SYMBOL, characters, count};
use crate::seen::Seen;
use crate::segment::Word;
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

/// Signals before those of repetition.
const QUALITY: usize = 9;
/// Of these the ones that look at words, and those that look at lines; `hash_ratio` and `ellipsis_ratio` only count them.
const WORDS: Asked = 0b1_1000_0110;
const COUNTED: Asked = 0b0_0001_1000;
const LINES: Asked = 0b0_0110_0000;
/// Repeated paragraphs and lines.
const REPEATED: Asked = 0b1111 << QUALITY;
/// The most frequent n-grams, and duplicate ones.
const GRAMS: Asked = 0b1_1111_1111 << (QUALITY + 4);
const TOP: Asked = 0b111 << (QUALITY + 4);
const DUPLICATES: Asked = 0b11_1111 << (QUALITY + 7);

pub fn together(signal: usize) -> Asked {
    let one = 1 << signal;
    [WORDS | COUNTED | LINES, REPEATED, TOP, DUPLICATES].into_iter().find(|group| group & one != 0).unwrap_or(one)
}

pub fn needs_words(asked: Asked) -> bool {
    asked & (WORDS | COUNTED | GRAMS) != 0
}

pub fn needs_lines(asked: Asked) -> bool {
    asked & (LINES | REPEATED) != 0
}

pub fn measure(
    document: &Document<'_>,
    asked: Asked,
    table: &mut Table,
    seen: &mut Seen,
    repetition: &mut Repetition,
    values: &mut [f64],
) {
    let (quality, repeated) = values.split_at_mut(QUALITY);
    quality[0] = document.characters as f64;
    if asked & (WORDS | GRAMS) != 0 {
        let words = repetition.fill(document);
        quality[1] = words.worded as f64;
        quality[2] = ratio(words.lengths, words.worded);
        quality[7] = ratio(words.alphabetic, document.words.len());
        quality[8] = f64::from(words.stop_words.count_ones());
    }
    if asked & COUNTED != 0 {
        let (hashes, ellipses) = symbols(document);
        quality[3] = ratio(hashes, document.words.len());
        quality[4] = ratio(ellipses, document.words.len());
    }
    if asked & LINES != 0 {
        let lines = document.lines;
        quality[5] = ratio(lines.bullets, lines.all);
        quality[6] = ratio(lines.ellipses, lines.all);
    }
    repetition.measure(document, asked >> QUALITY, table, seen, repeated);
}

/// Number signs, and ellipses of both kinds.
pub fn symbols(document: &Document<'_>) -> (usize, usize) {
    let text = document.text.as_bytes();
    let hashes = memchr::memchr_iter(b'#', text).count();
    let ellipses = if document.has_dots { memmem::find_iter(text, b"...").count() } else { 0 }
        + if document.is_ascii() { 0 } else { memmem::find_iter(text, "…".as_bytes()).count() };
    (hashes, ellipses)
}

/// What the words of a document are, by number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words {
    /// Words that are more than symbols, and their characters.
    pub worded: usize,
    pub lengths: usize,
    pub alphabetic: usize,
    /// A bit for each of the eight stop words that is there.
    pub stop_words: u16,
}

impl Words {
    /// Add a word of ASCII letters and digits if `plain`, else one ASCII mark: `low` is its first eight bytes, zeros behind
    /// them (of longer words anything that is no stop word), and `letters` has all bits of its bytes. No branch.
    #[inline(always)]
    fn add_plain(&mut self, plain: bool, low: u64, letters: u64, length: usize) {
        let slot = stop_word_slot(low);
        self.stop_words |= u16::from(STOP_WORD_SLOTS[slot] == low) << slot;
        self.worded += usize::from(plain);
        self.lengths += if plain { length } else { 0 };
        // Of letters and digits the letters are from 0x40 on.
        self.alphabetic += usize::from(plain & (letters & 0x4040_4040_4040_4040 != 0));
    }

    /// Add any word of `text`, with what [`Self::add_plain`] asks for, and give its characters; `ascii` if all are.
    #[inline(always)]
    pub fn add_any(&mut self, text: &str, ascii: bool, word: Word, low: u64, letters: u64) -> usize {
        let length = word.end - word.start;
        if word.plain || length == 1 {
            // A single ASCII mark is a symbol, and no letter.
            self.add_plain(word.plain, low, letters, length);
            return length;
        }
        let length = if ascii { length } else { count(word.of(text).as_bytes()) };
        self.add(word.of(text), length);
        length
    }

    /// Add any word.
    fn add(&mut self, word: &str, length: usize) {
        let table = characters();
        let (mut all, mut symbols_only) = (0, SYMBOL);
        for character in word.chars() {
            let flags = table.flags(character);
            all |= flags;
            symbols_only &= flags;
        }
        self.alphabetic += usize::from(all & LETTER != 0);
        if symbols_only == 0 {
            self.worded += 1;
            self.lengths += length;
        }
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

/// Whether a word is one of the eight, in small letters.
pub fn is_stop_word(word: &str) -> bool {
    word.len() <= 4 && STOP_WORDS.contains(&low(word.as_bytes()))
}

/// A number whose multiples of the stop words differ in their highest four bits.
const STOP_WORD_FACTOR: u64 = {
    let mut factor = 0x9E37_79B9_7F4A_7C15u64;
    loop {
        let (mut taken, mut index) = (0u16, 0);
        while index < STOP_WORDS.len() {
            taken |= 1 << (STOP_WORDS[index].wrapping_mul(factor) >> 60);
            index += 1;
        }
        if taken.count_ones() == STOP_WORDS.len() as u32 {
            break factor;
        }
        factor = factor.wrapping_mul(0xD128_0D9A_5B1D_7A5D).wrapping_add(2);
    }
};

#[inline(always)]
const fn stop_word_slot(low: u64) -> usize {
    (low.wrapping_mul(STOP_WORD_FACTOR) >> 60) as usize
}

/// Not a constant: that would be copied to the stack for each look.
static STOP_WORD_SLOTS: [u64; 16] = {
    // No word: all ones are not ASCII.
    let mut slots = [u64::MAX; 16];
    let mut index = 0;
    while index < STOP_WORDS.len() {
        slots[stop_word_slot(STOP_WORDS[index])] = STOP_WORDS[index];
        index += 1;
    }
    slots
};
