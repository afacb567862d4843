//! Words, as the published filters mean them: what spaCy's English tokenizer would give, from rules instead of lists.
//!
//! A text is cut at white space into chunks; punctuation is taken off both ends of a chunk as words of their own,
//! `'s` and `n't` come off the end, and the middle is cut at hyphens, slashes and the like between letters. Links and
//! e-mail addresses stay whole. Han, Hiragana and Katakana characters are a word each; other scripts without
//! spaces (Thai, Lao, Khmer) are not cut further. The readable twin is `tokenfoundry/reference/words.py`; where this
//! differs from spaCy (no list of abbreviations, no list of emoticons) is told and counted in `docs/text.md`.
//!
//! Cost: one pass, about 5 ns a word. Not for linguistics: it knows no language.

use tokenfoundry_kernels::text_masks::{BLOCK, Masks as Block, text_masks};

use crate::characters::{Characters, DIGIT, ICON, IDEOGRAPH, LETTER, LOWER, MARK, PEEL, SPACE, UPPER, characters};

/// A word's place in the text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    pub start: u32,
    pub end: u32,
    /// ASCII letters and digits only.
    pub plain: bool,
}

impl Word {
    #[inline]
    fn new(start: usize, end: usize, plain: bool) -> Self {
        Self { start: start as u32, end: end as u32, plain }
    }
}

/// Kinds of a text's bytes as bits; see [`text_masks`].
#[derive(Clone, Debug, Default)]
pub struct Masks {
    blocks: Vec<Block>,
}

impl Masks {
    pub fn fill(&mut self, text: &[u8]) {
        text_masks(text, &mut self.blocks);
    }

    /// The first place from `at` on whose bit in what `kind` gives is set; there is one behind the end of every text.
    #[inline]
    fn next(&self, at: usize, kind: impl Fn(&Block) -> u64) -> usize {
        let mut index = at / BLOCK;
        let mut bits = kind(&self.blocks[index]) & (u64::MAX << (at % BLOCK));
        while bits == 0 {
            index += 1;
            match self.blocks.get(index) {
                Some(block) => bits = kind(block),
                None => return index * BLOCK,
            }
        }
        index * BLOCK + bits.trailing_zeros() as usize
    }

    #[inline]
    pub fn is_space(&self, at: usize) -> bool {
        self.blocks[at / BLOCK].space & 1 << (at % BLOCK) != 0
    }

    /// Where the ASCII white space that begins at `at`, if any, ends.
    #[inline]
    pub fn skip_spaces(&self, at: usize) -> usize {
        self.next(at, |block| !block.space)
    }

    /// Where the ASCII letters and digits that begin at `at`, if any, end.
    #[inline]
    pub fn skip_alphanumeric(&self, at: usize) -> usize {
        self.next(at, |block| !block.alphanumeric)
    }

    /// The first ASCII letter or digit, or byte that is not ASCII, from `at` on.
    #[inline]
    pub fn next_word_byte(&self, at: usize) -> usize {
        self.next(at, |block| block.alphanumeric | block.foreign)
    }

    /// The first ASCII white space from `at` on, or behind the end.
    #[inline]
    pub fn next_space(&self, at: usize) -> usize {
        self.next(at, |block| block.space)
    }

    /// The first byte of `start..end` that is not ASCII.
    #[inline]
    pub fn next_foreign(&self, start: usize, end: usize) -> Option<usize> {
        let mut index = start / BLOCK;
        let mut bits = self.blocks[index].foreign & (u64::MAX << (start % BLOCK));
        while bits == 0 {
            index += 1;
            if index * BLOCK >= end {
                return None;
            }
            bits = self.blocks[index].foreign;
        }
        let found = index * BLOCK + bits.trailing_zeros() as usize;
        (found < end).then_some(found)
    }
}

/// May stand in an address, in a contraction, or between words of one chunk.
const ADDRESS: u8 = 1;
const QUOTE: u8 = 2;
const MIDDLE: u8 = 4;

const MEANING: [u8; 256] = {
    let mut meaning = [0; 256];
    let mut byte = 0x80;
    while byte < 0x100 {
        meaning[byte] = QUOTE | MIDDLE;
        byte += 1;
    }
    let separators = b".-~,:<>=/+*^";
    let mut index = 0;
    while index < separators.len() {
        meaning[separators[index] as usize] = MIDDLE;
        index += 1;
    }
    meaning[b'\'' as usize] = QUOTE;
    meaning[b'@' as usize] |= ADDRESS;
    meaning[b':' as usize] |= ADDRESS;
    // "www." has a dot.
    meaning[b'.' as usize] |= ADDRESS;
    meaning
};

/// Append the words of `text` to `words`, in order. `text` must be shorter than 4 GiB.
pub fn words(text: &str, words: &mut Vec<Word>) {
    let mut masks = Masks::default();
    masks.fill(text.as_bytes());
    words_with(text, &masks, words);
}

/// [`words`], for a text whose masks are known.
pub fn words_with(text: &str, masks: &Masks, words: &mut Vec<Word>) {
    let table = characters();
    let bytes = text.as_bytes();
    let mut suffixes = Vec::new();
    let mut at = 0;
    loop {
        at = masks.skip_spaces(at);
        if at >= bytes.len() {
            return;
        }
        if bytes[at] >= 0x80
            && let Some(character) = text[at..].chars().next()
            && table.is(character, SPACE)
        {
            at += character.len_utf8();
            continue;
        }
        let stem = masks.skip_alphanumeric(at);
        if masks.is_space(stem) {
            words.push(Word::new(at, stem, true));
            at = stem;
        } else if stem > at && masks.is_space(stem + 1) && ends_plainly(bytes[stem - 1], bytes[stem]) {
            // The common case of the general one below: "word," and "word." and nothing more.
            words.push(Word::new(at, stem, true));
            words.push(Word::new(stem, stem + 1, false));
            at = stem + 1;
        } else {
            let end = chunk_end(table, text, masks, stem);
            Chunk { table, text, masks, words, suffixes: &mut suffixes }.cut(at, end);
            at = end;
        }
    }
}

/// Whether `mark` after `last`, at the end of a chunk of letters and digits, is a word of its own.
#[inline]
fn ends_plainly(last: u8, mark: u8) -> bool {
    matches!(mark, b',' | b':' | b';' | b'!' | b'?' | b')' | b'"')
        || (mark == b'.' && (last.is_ascii_lowercase() || last.is_ascii_digit()))
}

/// Where the chunk that goes on at `end` ends.
fn chunk_end(table: &Characters, text: &str, masks: &Masks, mut end: usize) -> usize {
    loop {
        let space = masks.next_space(end).min(text.len());
        let Some(foreign) = masks.next_foreign(end, space) else { return space };
        let Some(character) = text[foreign..].chars().next() else { return space };
        if table.is(character, SPACE) {
            return foreign;
        }
        end = foreign + character.len_utf8();
    }
}

struct Chunk<'a> {
    table: &'a Characters,
    text: &'a str,
    masks: &'a Masks,
    words: &'a mut Vec<Word>,
    /// Words taken off the end, last first.
    suffixes: &'a mut Vec<Word>,
}

impl Chunk<'_> {
    fn cut(&mut self, start: usize, end: usize) {
        let start = self.take_prefixes(start, end);
        let end = self.take_suffixes(start, end);
        if start < end {
            if self.masks.skip_alphanumeric(start) >= end {
                self.words.push(Word::new(start, end, true));
            } else {
                self.cut_core(start, end);
            }
        }
        while let Some(word) = self.suffixes.pop() {
            self.words.push(word);
        }
    }

    /// What is left between the punctuation at both ends, with more in it than letters and digits.
    fn cut_core(&mut self, start: usize, end: usize) {
        // What may have a meaning here, looked for once.
        let found = self.text.as_bytes()[start..end].iter().fold(0, |found, &byte| found | MEANING[usize::from(byte)]);
        if found & ADDRESS != 0 && self.is_address(start, end) {
            self.push(start, end);
            return;
        }
        let stem = if found & QUOTE != 0 { self.contraction(start, end) } else { end };
        if found & MIDDLE != 0 {
            self.cut_middle(start, stem);
        } else if start < stem {
            self.push(start, stem);
        }
        if stem < end {
            self.push(stem, end);
        }
    }

    fn push(&mut self, start: usize, end: usize) {
        let plain = self.text.as_bytes()[start..end].iter().all(u8::is_ascii_alphanumeric);
        self.words.push(Word::new(start, end, plain));
    }

    #[inline]
    fn first(&self, start: usize, end: usize) -> Option<char> {
        let bytes = self.text.as_bytes();
        if start < end && bytes[start] < 0x80 {
            return Some(char::from(bytes[start]));
        }
        self.text[start..end].chars().next()
    }

    #[inline]
    fn last(&self, start: usize, end: usize) -> Option<char> {
        let bytes = self.text.as_bytes();
        if start < end && bytes[end - 1] < 0x80 {
            return Some(char::from(bytes[end - 1]));
        }
        self.text[start..end].chars().next_back()
    }

    fn take_prefixes(&mut self, mut start: usize, end: usize) -> usize {
        while let Some(character) = self.first(start, end) {
            let after = start + character.len_utf8();
            let taken = match character {
                '%' | '=' | '$' => after,
                '+' if !self.first(after, end).is_some_and(|next| next.is_ascii_digit()) => after,
                '.' if self.first(after, end) == Some('.') => self.dots_end(start, end),
                _ if self.table.is(character, PEEL) => after,
                _ => break,
            };
            self.words.push(Word::new(start, taken, false));
            start = taken;
        }
        start
    }

    fn dots_end(&self, start: usize, end: usize) -> usize {
        start + self.text.as_bytes()[start..end].iter().take_while(|&&byte| byte == b'.').count()
    }

    fn take_suffixes(&mut self, start: usize, mut end: usize) -> usize {
        while let Some(character) = self.last(start, end) {
            let before = end - character.len_utf8();
            let previous = self.last(start, before);
            let taken = match character {
                '%' | '$' | '+' if previous.is_some_and(|previous| previous.is_ascii_digit()) => before,
                '.' => match previous {
                    Some('.') => {
                        end - self.text.as_bytes()[start..end].iter().rev().take_while(|&&b| b == b'.').count()
                    }
                    Some(previous) if self.ends_sentence(previous, start, before) => before,
                    _ => break,
                },
                _ if self.table.is(character, PEEL) => before,
                's' | 'S' => match previous {
                    Some(quote @ ('\'' | '’')) if before - quote.len_utf8() > start => before - quote.len_utf8(),
                    _ => break,
                },
                _ => break,
            };
            self.suffixes.push(Word::new(taken, end, false));
            end = taken;
        }
        end
    }

    /// Whether the dot after `previous` is a word of its own: not in `A.`, `U.S.` or `e.g.`.
    fn ends_sentence(&self, previous: char, start: usize, dot: usize) -> bool {
        let flags = self.table.flags(previous);
        let plain = (flags & LETTER != 0 && flags & UPPER == 0)
            || flags & (MARK | DIGIT | PEEL) != 0
            || matches!(previous, '%' | '²' | '-' | '+');
        let shouted = flags & UPPER != 0
            && self.last(start, dot - previous.len_utf8()).is_some_and(|earlier| self.table.is(earlier, UPPER));
        (plain || shouted) && !self.is_abbreviation(start, dot)
    }

    /// Single letters with dots between them, two to eight letters: `e.g`, `U.S`.
    fn is_abbreviation(&self, start: usize, end: usize) -> bool {
        if end - start > 64 {
            return false;
        }
        let mut letters = 0;
        for (index, character) in self.text[start..end].chars().enumerate() {
            let fits = if index % 2 == 0 { self.table.is(character, LETTER) } else { character == '.' };
            if !fits {
                return false;
            }
            letters += (index + 1) % 2;
        }
        (2..=8).contains(&letters) && !self.text[start..end].ends_with('.')
    }

    fn is_address(&self, start: usize, end: usize) -> bool {
        let chunk = &self.text.as_bytes()[start..end];
        chunk.starts_with(b"www.")
            || memchr::memchr(b'@', chunk).is_some()
            || (memchr::memchr(b':', chunk).is_some() && memchr::memmem::find(chunk, b"://").is_some())
    }

    /// Where `n't`, `'re`, `'ve`, `'ll`, `'d` or `'m` begins at the end of a chunk; `end` when there is none.
    fn contraction(&self, start: usize, end: usize) -> usize {
        let chunk = &self.text[start..end];
        let Some((quote_at, quote)) =
            chunk.char_indices().rev().take(3).find(|(_, character)| matches!(character, '\'' | '’'))
        else {
            return end;
        };
        let tail = &chunk.as_bytes()[quote_at + quote.len_utf8()..];
        if tail.eq_ignore_ascii_case(b"t") {
            let stem = quote_at.saturating_sub(1);
            let negated = stem > 0 && chunk.as_bytes()[stem].eq_ignore_ascii_case(&b'n');
            return if negated { start + stem } else { end };
        }
        let known = [&b"re"[..], b"ve", b"ll", b"d", b"m"].iter().any(|ending| tail.eq_ignore_ascii_case(ending));
        if known && quote_at > 0 { start + quote_at } else { end }
    }

    fn cut_middle(&mut self, start: usize, end: usize) {
        let mut word_start = start;
        let mut at = start;
        let mut previous: Option<char> = None;
        while let Some(character) = self.first(at, end) {
            let mut after = at + character.len_utf8();
            let separates = match character {
                'a'..='z' | 'A'..='Z' | '0'..='9' => false,
                '.' if self.first(after, end) == Some('.') => {
                    after = self.dots_end(at, end);
                    true
                }
                '-' if self.first(after, end) == Some('-') => {
                    after = at + self.text.as_bytes()[at..end].iter().take_while(|&&byte| byte == b'-').count();
                    self.between(previous, LETTER | DIGIT, after, end, LETTER)
                }
                '-' => {
                    self.between(previous, LETTER | DIGIT, after, end, LETTER)
                        || self.between(previous, DIGIT, after, end, DIGIT)
                }
                '–' | '—' | '~' => self.between(previous, LETTER | DIGIT, after, end, LETTER),
                ',' => self.between(previous, LETTER, after, end, LETTER),
                ':' | '<' | '>' | '=' | '/' => self.between(previous, LETTER | DIGIT, after, end, LETTER),
                '.' => self.between(previous, LOWER, after, end, UPPER),
                '+' | '*' | '^' => self.between(previous, DIGIT, after, end, DIGIT),
                '…' => true,
                _ => self.table.is(character, ICON | IDEOGRAPH),
            };
            if separates {
                if word_start < at {
                    self.push(word_start, at);
                }
                self.push(at, after);
                word_start = after;
            }
            previous = Some(if after - at > character.len_utf8() { '.' } else { character });
            at = after;
        }
        if word_start < end {
            self.push(word_start, end);
        }
    }

    #[inline]
    fn between(&self, previous: Option<char>, before: u16, at: usize, end: usize, after: u16) -> bool {
        previous.is_some_and(|character| self.table.is(character, before))
            && self.first(at, end).is_some_and(|character| self.table.is(character, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        words(text, &mut found);
        found.iter().map(|word| &text[word.start as usize..word.end as usize]).collect()
    }

    #[test]
    fn words_are_cut_as_spacy_cuts_them() {
        for (text, expected) in [
            ("Hello, world.", vec!["Hello", ",", "world", "."]),
            ("(well-known) \"quotes\"!", vec!["(", "well", "-", "known", ")", "\"", "quotes", "\"", "!"]),
            ("It's the U.S. e.g. here...", vec!["It", "'s", "the", "U.S.", "e.g.", "here", "..."]),
            ("don't we're I'd", vec!["do", "n't", "we", "'re", "I", "'d"]),
            ("50% $5 a/b x=1 3-4", vec!["50", "%", "$", "5", "a", "/", "b", "x=1", "3", "-", "4"]),
            ("see https://a.b/c-d, me@x.org.", vec!["see", "https://a.b/c-d", ",", "me@x.org", "."]),
            ("中文 カナ。", vec!["中", "文", "カ", "ナ", "。"]),
            ("word--word -- .NET", vec!["word", "--", "word", "--", ".NET"]),
            ("end.Next", vec!["end", ".", "Next"]),
            ("", vec![]),
            (" \u{3000}\n", vec![]),
        ] {
            assert_eq!(split(text), expected, "{text:?}");
        }
    }

    #[test]
    fn every_character_that_is_no_space_is_in_one_word() {
        for text in ["a'b''s n't 't 's...", "....s", "+5+5+ +-+", "é’s ’s’s", "–a–1–b-–", "%%5%$ $", "A.B. AB. a.b.c."]
        {
            let joined: String = split(text).concat();
            assert_eq!(joined, text.split_whitespace().collect::<String>(), "{text:?}");
        }
    }
}
