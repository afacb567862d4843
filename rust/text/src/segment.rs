//! Words, as the published filters mean them: what spaCy's English tokenizer would give, from rules instead of lists.
//!
//! A text is cut at white space into chunks; punctuation is taken off both ends of a chunk as words of their own,
//! `'s` and `n't` come off the end, and the middle is cut at hyphens, slashes and the like between letters. Links and
//! e-mail addresses stay whole. Han, Hiragana and Katakana characters are a word each; other scripts without
//! spaces (Thai, Lao, Khmer) are not cut further. The readable twin is `tokenfoundry/reference/words.py`; where this
//! differs from spaCy (no list of abbreviations, no list of emoticons) is told and counted in `docs/text.md`.
//!
//! Cost: one pass, about 5 ns a word. Not for linguistics: it knows no language.

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

/// Append the words of `text` to `words`, in order. `text` must be shorter than 4 GiB.
pub fn words(text: &str, words: &mut Vec<Word>) {
    let table = characters();
    let bytes = text.as_bytes();
    let mut suffixes = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte < 0x80 {
            if table.ascii(byte) & SPACE != 0 {
                at += 1;
                continue;
            }
        } else if let Some(character) = text[at..].chars().next()
            && table.is(character, SPACE)
        {
            at += character.len_utf8();
            continue;
        }
        let stem = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let breaks = |at: usize| bytes.get(at).is_none_or(|&byte| byte < 0x80 && table.ascii(byte) & SPACE != 0);
        if breaks(stem) {
            words.push(Word::new(at, stem, true));
            at = stem;
        } else if stem > at && breaks(stem + 1) && ends_plainly(bytes[stem - 1], bytes[stem]) {
            // The common case of the general one below: "word," and "word." and nothing more.
            words.push(Word::new(at, stem, true));
            words.push(Word::new(stem, stem + 1, false));
            at = stem + 1;
        } else {
            let end = chunk_end(table, text, stem);
            Chunk { table, text, words, suffixes: &mut suffixes }.cut(at, end);
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
fn chunk_end(table: &Characters, text: &str, mut end: usize) -> usize {
    let bytes = text.as_bytes();
    while end < bytes.len() {
        if bytes[end] < 0x80 {
            if table.ascii(bytes[end]) & SPACE != 0 {
                break;
            }
            end += 1;
        } else {
            let Some(character) = text[end..].chars().next() else { break };
            if table.is(character, SPACE) {
                break;
            }
            end += character.len_utf8();
        }
    }
    end
}

struct Chunk<'a> {
    table: &'a Characters,
    text: &'a str,
    words: &'a mut Vec<Word>,
    /// Words taken off the end, last first.
    suffixes: &'a mut Vec<Word>,
}

impl Chunk<'_> {
    fn cut(&mut self, start: usize, end: usize) {
        let start = self.take_prefixes(start, end);
        let end = self.take_suffixes(start, end);
        if start < end {
            if self.is_address(start, end) {
                self.push(start, end);
            } else {
                let stem = self.contraction(start, end);
                self.cut_middle(start, stem);
                if stem < end {
                    self.push(stem, end);
                }
            }
        }
        while let Some(word) = self.suffixes.pop() {
            self.words.push(word);
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
            self.push(start, taken);
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
