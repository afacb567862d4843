//! Words, as the published filters mean them: what spaCy's English tokenizer would give, from rules instead of lists.
//!
//! A text is cut at white space into chunks; punctuation is taken off both ends of a chunk as words of their own,
//! `'s` and `n't` come off the end, and the middle is cut at hyphens, slashes and the like between letters. Links and
//! e-mail addresses stay whole. Han, Hiragana and Katakana characters are a word each; other scripts without
//! spaces (Thai, Lao, Khmer) are not cut further. The readable twin is `tokenfoundry/reference/words.py`; where this
//! differs from spaCy (no list of abbreviations, no list of emoticons) is told and counted in `docs/text.md`.
//!
//! Most chunks are letters and digits with at most three marks at either end. Their words are found 64 bytes at a time by masks;
//! the others are cut by looking at their characters ([`chunk`]). Cost: one pass, 1 to 2 ns a word of English, about 8 for a
//! chunk with other characters in it. Not for linguistics: it knows no language.

mod chunk;
mod masks;

use tokenfoundry_kernels::byte_classes::{BLOCK, Classifier, Scalar};
use tokenfoundry_kernels::on_tier::{Work, on_tier};

use crate::characters::{Characters, SPACE, characters};
use chunk::{Chunk, chunk_end};
use masks::Block;
pub use masks::{Masks, PEELED};

/// A word's place in the text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    let mut masks = Masks::default();
    masks.fill(text.as_bytes());
    words_with(text, &masks, words);
}

/// [`words`], for a text whose masks are known.
pub fn words_with(text: &str, masks: &Masks, words: &mut Vec<Word>) {
    let work =
        Cutting { table: characters(), text, masks, words, suffixes: &mut Vec::new(), found: [Word::default(); BLOCK] };
    on_tier(work, |work| work.run(Scalar));
}

/// What is known of the bytes of one block from the words' point of view.
#[derive(Clone, Copy)]
struct Simple {
    /// First bytes of words.
    starts: u64,
    /// Last bytes of words.
    ends: u64,
    /// Bytes whose chunk must be looked at by itself.
    others: u64,
}

/// Marks that may stand at the end of a chunk as words of their own: all peeled ones, and dots that end a sentence.
#[inline(always)]
fn closing(before: &Block, block: &Block) -> u64 {
    // A dot is so after a small letter, a digit, a mark, or two capitals; not in `A.`, `U.S.` or `e.g.`
    let capitals = block.upper & (block.upper << 1 | before.upper >> 63);
    let capitals_before = before.upper & before.upper << 1;
    let plain = block.alphanumeric & !block.upper | block.peel | capitals;
    let plain_before = before.alphanumeric & !before.upper | before.peel | capitals_before;
    block.peel | block.dot & (plain << 1 | plain_before >> 63)
}

/// Marks at the starts of chunks, up to the third, as carried from block to block.
#[derive(Clone, Copy, Default)]
struct Leading {
    first: u64,
    second: u64,
}

struct Cutting<'a> {
    table: &'a Characters,
    text: &'a str,
    masks: &'a Masks,
    words: &'a mut Vec<Word>,
    suffixes: &'a mut Vec<Word>,
    /// Words of one block on their way to `words`.
    found: [Word; BLOCK],
}

#[inline(always)]
fn simple(before: &Block, block: &Block, after: &Block, closing: [u64; 2], leading: &mut Leading) -> Simple {
    let space_before = block.space << 1 | before.space >> 63;
    let space_after = block.space >> 1 | after.space << 63;
    let opening = block.peel | block.opening;
    let first = opening & space_before;
    let second = opening & (first << 1 | leading.first >> 63);
    let third = opening & (second << 1 | leading.second >> 63);
    *leading = Leading { first, second };
    let last = closing[0] & space_after;
    let last_of_next = closing[1] & after.space >> 1;
    let last_but_one = closing[0] & (last >> 1 | last_of_next << 63);
    let last_but_one_of_next = closing[1] & last_of_next >> 1;
    let last_but_two = closing[0] & (last_but_one >> 1 | last_but_one_of_next << 63);
    let alone = space_before & space_after & !block.space & !block.foreign;
    let marks = (first | second | third | last | last_but_one | last_but_two | alone) & !block.alphanumeric;
    Simple {
        starts: block.alphanumeric & !(block.alphanumeric << 1 | before.alphanumeric >> 63) | marks,
        ends: block.alphanumeric & !(block.alphanumeric >> 1 | after.alphanumeric << 63) | marks,
        others: !(block.alphanumeric | block.space | marks),
    }
}

impl Cutting<'_> {
    /// Append the words that start and end at these bits of the block at `base`.
    #[inline(always)]
    fn append(&mut self, block: &Block, base: usize, mut starts: u64, mut ends: u64, continued: bool) {
        if continued {
            // The first end is that of a word of the block before.
            ends &= ends.wrapping_sub(1);
        }
        let count = starts.count_ones() as usize;
        let open = count > ends.count_ones() as usize;
        // Eight at a time, whether or not there are so many: the branch that is left is nearly always taken the same way.
        for eight in self.found.chunks_exact_mut(8) {
            for word in eight {
                let (start, end) = (starts.trailing_zeros(), ends.trailing_zeros());
                *word = Word {
                    start: (base as u32).wrapping_add(start),
                    end: (base as u32).wrapping_add(end + 1),
                    plain: block.alphanumeric >> (start & 63) & 1 != 0,
                };
                starts &= starts.wrapping_sub(1);
                ends &= ends.wrapping_sub(1);
            }
            if starts == 0 {
                break;
            }
        }
        self.words.extend_from_slice(&self.found[..count]);
        if open && let Some(last) = self.words.last_mut() {
            last.end = self.masks.skip_alphanumeric(base + BLOCK) as u32;
        }
    }

    /// Cut the chunk that holds the byte at `at`, whose words before were taken for simple ones; returns where it ends.
    #[inline(never)]
    fn cut(&mut self, start: usize, at: usize) -> usize {
        let text = self.text;
        if start == at
            && text.as_bytes()[at] >= 0x80
            && let Some(character) = text[at..].chars().next()
            && self.table.is(character, SPACE)
        {
            return at + character.len_utf8();
        }
        while self.words.last().is_some_and(|word| word.start as usize >= start) {
            self.words.pop();
        }
        let end = chunk_end(self.table, text, self.masks, at);
        let Self { table, masks, .. } = *self;
        Chunk { table, text, masks, words: self.words, suffixes: self.suffixes }.cut(start, end);
        end
    }
}

impl Work for Cutting<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self, _: impl Classifier) {
        let masks = self.masks;
        let mut before = Block { space: u64::MAX, ..Block::default() };
        let mut leading = Leading::default();
        // What was cut up to here.
        let mut at = 0usize;
        let Some(first) = masks.blocks.first() else { return };
        let mut closes = closing(&before, first);
        for (index, pair) in masks.blocks.windows(2).enumerate() {
            let (block, after) = (&pair[0], &pair[1]);
            let closes_next = closing(block, after);
            let found = simple(&before, block, after, [closes, closes_next], &mut leading);
            let continues = before.alphanumeric >> 63 & block.alphanumeric & 1;
            (before, closes) = (*block, closes_next);
            let base = index * BLOCK;
            let mut live = match at.checked_sub(base) {
                None => u64::MAX,
                Some(done @ 0..BLOCK) => u64::MAX << done,
                Some(_) => continue,
            };
            loop {
                let others = found.others & live;
                if others == 0 {
                    self.append(block, base, found.starts & live, found.ends & live, continues & live != 0);
                    break;
                }
                let other = base + others.trailing_zeros() as usize;
                let start = masks.behind_last_space(at, other);
                if start > base {
                    let live = live & !(u64::MAX << (start - base));
                    self.append(block, base, found.starts & live, found.ends & live, continues & live != 0);
                }
                at = self.cut(start, other);
                if at >= base + BLOCK {
                    break;
                }
                live = u64::MAX << (at - base);
            }
        }
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

    /// Every chunk cut by its characters.
    fn by_chunks(text: &str) -> Vec<Word> {
        let (table, mut masks, mut words) = (characters(), Masks::default(), Vec::new());
        masks.fill(text.as_bytes());
        let mut at = 0;
        while at < text.len() {
            let first = text[at..].chars().next().expect("at is before the end");
            if table.is(first, SPACE) {
                at += first.len_utf8();
                continue;
            }
            let end = chunk_end(table, text, &masks, at);
            Chunk { table, text, masks: &masks, words: &mut words, suffixes: &mut Vec::new() }.cut(at, end);
            at = end;
        }
        words
    }

    #[test]
    fn masks_cut_as_characters_do() {
        let alphabet: Vec<char> = "  \n\tabcXYZ190..,,''\"()s:;!?-/@_#*&=%$+<>é中’—\u{a0}\u{3000}\0~".chars().collect();
        let mut state = 88172645463325252u64;
        let mut dice = |limit: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 20) as usize % limit
        };
        for round in 0..30_000 {
            // Some with a few kinds of characters only, which makes long runs of each.
            let (few, length) = (1 + dice(alphabet.len()), dice(260));
            let first = dice(alphabet.len());
            let mut text = String::new();
            while text.len() < length {
                let one = alphabet[(first + dice(few)) % alphabet.len()];
                let times = if dice(3) == 0 { 1 + dice(9) } else { 1 };
                text.extend(std::iter::repeat_n(one, times));
                if dice(4) == 0 {
                    text.push(' ');
                }
            }
            let mut found = Vec::new();
            words(&text, &mut found);
            assert_eq!(found, by_chunks(&text), "{round}: {text:?}");
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
