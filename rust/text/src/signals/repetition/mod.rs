//! Gopher's repetition: how many characters stand in repeated lines, paragraphs and word n-grams.
//!
//! The definitions are datatrove 0.10's, odd corners included: the characters of the most frequent 2-, 3- and 4-gram
//! count its spaces; duplicate 5- to 10-grams are compared with their words joined without spaces, and after a
//! duplicate the search goes on behind it.

mod duplicates;
mod joined;
mod large;
mod top;
mod twice;

use super::gopher::Words;
use super::lines::repeated_paragraphs;
use super::{Asked, Document, ratio};
use crate::seen::Seen;
use crate::table::Table;

/// Memory reused from document to document.
#[derive(Debug, Default)]
pub struct Repetition {
    joined: joined::Joined,
    /// What the words in `joined` are; `None` before they are taken.
    words: Option<Words>,
    top: top::Top,
    duplicates: duplicates::Duplicates,
    large: large::Large,
}

/// Documents of more words are [`large`]: what is kept of each word would be too much.
const MOST_WORDS: usize = 1 << 16;

/// In `asked`: repeated paragraphs and lines, then the most frequent 2-, 3- and 4-grams, then duplicate ones.
const REPEATED: Asked = 0b1111;
const TOP: usize = 4;
const DUPLICATES: usize = 7;

impl Repetition {
    /// A new document comes.
    pub fn forget(&mut self) {
        self.words = None;
    }

    /// Take a document's words, if that is not done, and say what they are.
    pub fn fill(&mut self, document: &Document<'_>) -> Words {
        *self.words.get_or_insert_with(|| {
            if document.words.len() > MOST_WORDS { joined::look(document) } else { self.joined.fill(document) }
        })
    }

    pub fn measure(
        &mut self,
        document: &Document<'_>,
        asked: Asked,
        table: &mut Table,
        seen: &mut Seen,
        values: &mut [f64],
    ) {
        let whole = document.characters;
        if asked & REPEATED != 0 {
            let lines = document.lines.repeats;
            let paragraphs = repeated_paragraphs(document.text, document.masks, seen);
            values[..TOP].copy_from_slice(&[
                ratio(paragraphs.duplicates, paragraphs.elements),
                ratio(paragraphs.duplicate_characters, whole),
                ratio(lines.duplicates, lines.elements),
                ratio(lines.duplicate_characters, whole),
            ]);
        }
        let tops = asked >> TOP & ((1 << top::SIZES) - 1);
        let sizes = asked >> DUPLICATES;
        if document.words.len() > MOST_WORDS {
            self.large.measure(document, tops, sizes, &mut values[TOP..]);
            return;
        }
        if tops != 0 {
            let best = self.top.find(&self.joined.hashes, tops, table);
            for ((value, n), (at, times)) in values[TOP..].iter_mut().zip(top::SHORTEST..).zip(best) {
                if tops & 1 << (n - top::SHORTEST) != 0 {
                    // Spaces between words count.
                    let one = if self.joined.words() < n { 0 } else { self.joined.characters_of(at, n) + n - 1 };
                    *value = ratio(one * times as usize, whole);
                }
            }
        }
        if sizes != 0 {
            let duplicated = self.duplicates.characters(&self.joined, sizes, seen);
            for (value, characters) in values[DUPLICATES..].iter_mut().zip(duplicated) {
                *value = ratio(characters, whole);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::{Masks, Words as Places};

    /// All of `GRAMS`' values, by what keeps much of each word and by what keeps little.
    fn both(text: &str) -> [[f64; top::SIZES + duplicates::SIZES]; 2] {
        let (mut masks, mut words, mut seen) = (Masks::default(), Places::default(), Seen::default());
        masks.fill(text.as_bytes());
        words.fill(text, &masks);
        let lines = super::super::lines::Lines::of(text, &masks, &mut seen);
        let document = Document {
            text,
            masks: &masks,
            words: &words,
            lines: &lines,
            has_dots: masks.has_dots(),
            characters: masks.characters(),
            newlines: masks.newlines(),
        };
        let (mut kept, mut large) = (Repetition::default(), large::Large::default());
        let (mut values, mut of_large) = ([0.0; TOP + 9], [0.0; 9]);
        let words = kept.fill(&document);
        let looked = joined::look(&document);
        assert_eq!(
            (words.worded, words.lengths, words.alphabetic, words.stop_words),
            (looked.worded, looked.lengths, looked.alphabetic, looked.stop_words)
        );
        let asked = Asked::MAX >> (Asked::BITS - 9);
        kept.measure(&document, asked << TOP, &mut Table::default(), &mut seen, &mut values);
        large.measure(&document, asked & 0b111, asked >> 3, &mut of_large);
        let mut of_kept = [0.0; 9];
        of_kept.copy_from_slice(&values[TOP..]);
        [of_kept, of_large]
    }

    #[test]
    fn many_words_are_counted_as_few_are() {
        let mut state = 3u64;
        let mut dice = |sides: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % sides
        };
        let pieces = [
            "a",
            "b",
            "ab",
            "ba",
            "é",
            "中",
            "the",
            "of",
            "{",
            "...",
            "well-known",
            "it's",
            "supercalifragilisticexpialidocious",
        ];
        for round in 0..300 {
            let (kinds, length) = (1 + dice(pieces.len()), dice(if round % 50 == 0 { 60_000 } else { 400 }));
            let mut text = String::new();
            for _ in 0..length {
                text.push_str(pieces[dice(kinds)]);
                text.push_str([" ", " ", "\n", "", ". "][dice(5)]);
                if dice(50) == 0 {
                    let start = dice(text.len() + 1);
                    if let Some(again) = text.get(start..(start + 200).min(text.len())) {
                        text.push_str(&String::from(again));
                    }
                }
            }
            let [kept, large] = both(&text);
            assert_eq!(kept, large, "{round}");
        }
        for text in [String::new(), String::from("one"), "{".repeat(70_000), "ab c".repeat(30_000)] {
            let [kept, large] = both(&text);
            assert_eq!(kept, large);
        }
    }
}
