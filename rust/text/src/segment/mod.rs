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
//! chunk with other characters in it; three bits of memory for a byte of text. Not for linguistics: it knows no language.

mod chunk;
mod masks;
mod words;

use tokenfoundry_kernels::byte_classes::{BLOCK, Classifier, Scalar};
use tokenfoundry_kernels::on_tier::{Work, on_tier};

use crate::characters::{Characters, SPACE, characters};
use chunk::{Chunk, chunk_end};
use masks::Block;
pub use masks::{Masks, PEELED};
pub use words::{Word, Words};

impl Words {
    /// Find the words of `text`, which must be shorter than 4 GiB.
    pub fn of(text: &str) -> Self {
        let (mut masks, mut words) = (Masks::default(), Self::default());
        masks.fill(text.as_bytes());
        words.fill(text, &masks);
        words
    }

    /// The same for a text whose masks are known.
    pub fn fill(&mut self, text: &str, masks: &Masks) {
        self.reset(masks.blocks.len());
        let work = Cutting { table: characters(), text, masks, words: self };
        on_tier(work, |work| work.run(Scalar));
    }
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
    words: &'a mut Words,
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
        self.words.erase(start, at);
        let end = chunk_end(self.table, text, self.masks, at);
        let Self { table, masks, .. } = *self;
        Chunk { table, text, masks, words: self.words }.cut(start, end);
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
        let mut count = 0;
        for (index, pair) in masks.blocks.windows(2).enumerate() {
            let (block, after) = (&pair[0], &pair[1]);
            let closes_next = closing(block, after);
            let found = simple(&before, block, after, [closes, closes_next], &mut leading);
            (before, closes) = (*block, closes_next);
            let base = index * BLOCK;
            let mut live = match at.checked_sub(base) {
                None => u64::MAX,
                Some(done @ 0..BLOCK) => u64::MAX << done,
                Some(_) => continue,
            };
            loop {
                let others = found.others & live;
                let other = base + others.trailing_zeros() as usize;
                let (start, simple) = if others == 0 {
                    (other, live)
                } else {
                    let start = masks.behind_last_space(at, other);
                    (start, if start > base { live & !(u64::MAX << (start - base)) } else { 0 })
                };
                let places = &mut self.words.blocks[index];
                places.starts |= found.starts & simple;
                places.ends |= found.ends & simple;
                places.plain |= found.starts & block.alphanumeric & simple;
                if others == 0 {
                    break;
                }
                at = self.cut(start, other);
                if at >= base + BLOCK {
                    break;
                }
                live = u64::MAX << (at - base);
            }
        }
        for places in &self.words.blocks {
            count += places.starts.count_ones() as usize;
        }
        self.words.count = count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        Words::of(text).iter().map(|word| word.of(text)).collect()
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
        let (table, mut masks, mut words) = (characters(), Masks::default(), Words::default());
        masks.fill(text.as_bytes());
        words.reset(masks.blocks.len());
        let mut at = 0;
        while at < text.len() {
            let first = text[at..].chars().next().expect("at is before the end");
            if table.is(first, SPACE) {
                at += first.len_utf8();
                continue;
            }
            let end = chunk_end(table, text, &masks, at);
            Chunk { table, text, masks: &masks, words: &mut words }.cut(at, end);
            at = end;
        }
        words.iter().collect()
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
            let found: Vec<Word> = Words::of(&text).iter().collect();
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
