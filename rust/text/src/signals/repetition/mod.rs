//! Gopher's repetition: how many characters stand in repeated lines, paragraphs and word n-grams.
//!
//! The definitions are datatrove 0.10's, odd corners included: the characters of the most frequent 2-, 3- and 4-gram
//! count its spaces; duplicate 5- to 10-grams are compared with their words joined without spaces, and after a
//! duplicate the search goes on behind it.

mod duplicates;
mod joined;
mod top;
mod twice;

use super::gopher::Words;
use super::lines::{repeated_lines, repeated_paragraphs};
use super::{Asked, Document, ratio};
use crate::table::Table;

/// Memory reused from document to document.
#[derive(Debug, Default)]
pub struct Repetition {
    joined: joined::Joined,
    /// What the words in `joined` are; `None` before they are taken.
    words: Option<Words>,
    top: top::Top,
    duplicates: duplicates::Duplicates,
}

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
        *self.words.get_or_insert_with(|| self.joined.fill(document))
    }

    pub fn measure(&mut self, document: &Document<'_>, asked: Asked, table: &mut Table, values: &mut [f64]) {
        let whole = document.characters;
        if asked & REPEATED != 0 {
            let lines = repeated_lines(document.text, &document.lines.lines);
            let paragraphs = repeated_paragraphs(document.text, &document.lines.lines, table);
            values[..TOP].copy_from_slice(&[
                ratio(paragraphs.duplicates, paragraphs.elements),
                ratio(paragraphs.duplicate_characters, whole),
                ratio(lines.duplicates, lines.elements),
                ratio(lines.duplicate_characters, whole),
            ]);
        }
        let tops = asked >> TOP & ((1 << top::SIZES) - 1);
        if tops != 0 {
            let best = self.top.find(&self.joined.hashes, tops, table);
            for ((value, n), (at, times)) in values[TOP..].iter_mut().zip(2..).zip(best) {
                if tops & 1 << (n - 2) != 0 {
                    // Spaces between words count.
                    let one = if self.joined.words() < n { 0 } else { self.joined.characters_of(at, n) + n - 1 };
                    *value = ratio(one * times as usize, whole);
                }
            }
        }
        let sizes = asked >> DUPLICATES;
        if sizes != 0 {
            let duplicated = self.duplicates.characters(&self.joined, sizes, table);
            for (value, characters) in values[DUPLICATES..].iter_mut().zip(duplicated) {
                *value = ratio(characters, whole);
            }
        }
    }
}
