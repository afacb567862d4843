//! A chunk of a text between white space, cut into words by looking at its characters.

use super::{Masks, Words};
use crate::characters::{Characters, DIGIT, ICON, IDEOGRAPH, LETTER, LOWER, MARK, PEEL, SPACE, UPPER};

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

/// Where the chunk that holds the byte at `at` ends.
pub fn chunk_end(table: &Characters, text: &str, masks: &Masks, mut at: usize) -> usize {
    // ASCII white space is looked for once: a chunk of a million other characters would be walked a million times.
    let space = masks.next_space(at).min(text.len());
    while let Some(foreign) = masks.next_foreign(at, space) {
        let Some(character) = text[foreign..].chars().next() else { break };
        if table.is(character, SPACE) {
            return foreign;
        }
        at = foreign + character.len_utf8();
    }
    space
}

pub struct Chunk<'a> {
    pub table: &'a Characters,
    pub text: &'a str,
    pub masks: &'a Masks,
    pub words: &'a mut Words,
}

impl Chunk<'_> {
    pub fn cut(&mut self, start: usize, end: usize) {
        let start = self.take_prefixes(start, end);
        let end = self.take_suffixes(start, end);
        if start < end {
            if self.masks.skip_alphanumeric(start) >= end {
                self.words.add(start, end, true);
            } else {
                self.cut_core(start, end);
            }
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
        self.words.add(start, end, plain);
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
            self.words.add(start, taken, false);
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
            self.words.add(taken, end, false);
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
