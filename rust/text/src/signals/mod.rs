//! All signals of a document in one pass: cut it into words once, then let every asked family count.
//!
//! A family is a list of names and a function that fills as many numbers. Ratios of nothing are 0. A document costs
//! time linear in its bytes and about six times its bytes of scratch memory, kept for the next document.

pub mod c4;
mod characters;
mod compression;
mod fineweb;
mod gopher;
pub mod lines;
pub mod refinedweb;
mod repetition;

use crate::segment::{self, Masks, Word};
use crate::table::Table;
use lines::Lines;

/// A published rule family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Rae et al. 2021, appendix A1.1: quality and repetition.
    Gopher,
    /// Raffel et al. 2020, section 2.2.
    C4,
    /// Penedo et al. 2024, section 3.6.
    Fineweb,
    /// Li et al. 2024, with the line rules of Penedo et al. 2023, appendix G.2.
    Dclm,
    /// Shares of characters by kind.
    Characters,
    /// DEFLATE.
    Compression,
}

impl Family {
    pub const ALL: [Family; 6] =
        [Family::Gopher, Family::C4, Family::Fineweb, Family::Dclm, Family::Characters, Family::Compression];

    pub fn name(self) -> &'static str {
        match self {
            Family::Gopher => "gopher",
            Family::C4 => "c4",
            Family::Fineweb => "fineweb",
            Family::Dclm => "dclm",
            Family::Characters => "characters",
            Family::Compression => "compression",
        }
    }

    pub fn from_name(name: &str) -> Option<Family> {
        Family::ALL.into_iter().find(|family| family.name() == name)
    }

    /// Names of the family's signals, in the order in which they are filled, without the family's name.
    pub fn signals(self) -> &'static [&'static str] {
        match self {
            Family::Gopher => gopher::SIGNALS,
            Family::C4 => c4::SIGNALS,
            Family::Fineweb => fineweb::SIGNALS,
            Family::Dclm => refinedweb::SIGNALS,
            Family::Characters => characters::SIGNALS,
            Family::Compression => compression::SIGNALS,
        }
    }
}

/// What all families share about one document.
struct Document<'t> {
    text: &'t str,
    words: &'t [Word],
    lines: &'t Lines,
    /// Whether there are two dots side by side.
    has_dots: bool,
    /// Code points, Python's `len`.
    characters: usize,
    newlines: usize,
}

impl Document<'_> {
    fn is_ascii(&self) -> bool {
        self.characters == self.text.len()
    }
}

/// Memory that one thread reuses from document to document.
#[derive(Debug, Default)]
pub struct Scratch {
    words: Vec<Word>,
    masks: Masks,
    lines: Lines,
    table: Table,
    repetition: repetition::Repetition,
}

/// Fill `values` with the signals of `families`, one after another; its length is the sum of their numbers.
///
/// `text` must not be longer than [`crate::MAX_DOCUMENT_BYTES`].
pub fn measure(text: &str, families: &[Family], scratch: &mut Scratch, values: &mut [f64]) {
    scratch.words.clear();
    scratch.masks.fill(text.as_bytes());
    segment::words_with(text, &scratch.masks, &mut scratch.words);
    if families.iter().any(|family| matches!(family, Family::Gopher | Family::C4 | Family::Fineweb)) {
        scratch.lines.fill(text, &scratch.masks, &mut scratch.table);
    }
    let document = Document {
        text,
        words: &scratch.words,
        lines: &scratch.lines,
        has_dots: scratch.masks.has_dots(),
        characters: scratch.masks.characters(),
        newlines: scratch.masks.newlines().len(),
    };
    let mut rest = values;
    for family in families {
        let (values, after) = rest.split_at_mut(family.signals().len());
        match family {
            Family::Gopher => gopher::measure(&document, &mut scratch.table, &mut scratch.repetition, values),
            Family::C4 => c4::measure(&document, values),
            Family::Fineweb => fineweb::measure(&document, values),
            Family::Dclm => refinedweb::measure(&document, values),
            Family::Characters => characters::measure(&document, values),
            Family::Compression => compression::measure(&document, values),
        }
        rest = after;
    }
}

/// `part / whole`, and 0 of nothing.
#[inline]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
