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
use super::{Document, ratio};
use crate::table::Table;

/// Memory reused from document to document.
#[derive(Debug, Default)]
pub struct Repetition {
    joined: joined::Joined,
    top: top::Top,
    duplicates: duplicates::Duplicates,
}

impl Repetition {
    /// Take a document's words, and say what they are.
    pub fn fill(&mut self, document: &Document<'_>) -> Words {
        self.joined.fill(document)
    }

    /// Characters that the most frequent n-gram covers, spaces between words included.
    fn top_characters<const N: usize>(&mut self, table: &mut Table) -> usize {
        let joined = &self.joined;
        if joined.words() < N {
            return 0;
        }
        let (at, times) = self.top.find::<N>(&joined.hashes, table);
        (joined.characters_of(at, N) + N - 1) * times as usize
    }

    pub fn measure(&mut self, document: &Document<'_>, table: &mut Table, values: &mut [f64]) {
        let whole = document.characters;
        let lines = repeated_lines(document.text, &document.lines.lines);
        let paragraphs = repeated_paragraphs(document.text, &document.lines.lines, table);
        let (four, grams) = values.split_at_mut(4);
        four.copy_from_slice(&[
            ratio(paragraphs.duplicates, paragraphs.elements),
            ratio(paragraphs.duplicate_characters, whole),
            ratio(lines.duplicates, lines.elements),
            ratio(lines.duplicate_characters, whole),
        ]);
        let top = [self.top_characters::<2>(table), self.top_characters::<3>(table), self.top_characters::<4>(table)];
        let duplicated = self.duplicates.characters(&self.joined, table);
        for (value, characters) in grams.iter_mut().zip(top.into_iter().chain(duplicated)) {
            *value = ratio(characters, whole);
        }
    }
}
