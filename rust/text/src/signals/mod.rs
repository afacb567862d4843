//! All signals of a document in one pass: cut it into words once, then let every asked family count.
//!
//! A family is a list of names and a function that fills as many numbers. Ratios of nothing are 0. A document costs
//! time linear in its bytes, and scratch memory of no more than eight times its bytes and 16 MiB, whatever it holds. What a short one took is kept
//! for the next.

pub mod c4;
mod characters;
mod compression;
mod copies;
mod dclm;
mod dolma;
mod fineweb;
pub mod furniture;
mod gopher;
pub mod lines;
mod repetition;
mod spaced;

use crate::keys::Keys;
use crate::seen::Seen;
use crate::segment::{Masks, Words};
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
    /// Soldaini et al. 2024.
    Dolma,
    /// Shares of characters by kind.
    Characters,
    /// DEFLATE.
    Compression,
}

impl Family {
    pub const ALL: [Family; 7] = [
        Family::Gopher,
        Family::C4,
        Family::Fineweb,
        Family::Dclm,
        Family::Dolma,
        Family::Characters,
        Family::Compression,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Family::Gopher => "gopher",
            Family::C4 => "c4",
            Family::Fineweb => "fineweb",
            Family::Dclm => "dclm",
            Family::Dolma => "dolma",
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
            Family::Dclm => dclm::SIGNALS,
            Family::Dolma => dolma::SIGNALS,
            Family::Characters => characters::SIGNALS,
            Family::Compression => compression::SIGNALS,
        }
    }
}

/// What all families share about one document.
struct Document<'t> {
    text: &'t str,
    masks: &'t Masks,
    words: &'t Words,
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
    words: Words,
    masks: Masks,
    lines: Lines,
    table: Table,
    seen: Seen,
    repetition: repetition::Repetition,
    keys: Keys,
    dolma: dolma::Scratch,
    /// Bytes of the document before.
    bytes: usize,
}

/// What a longer document took is given back.
const KEPT_BYTES: usize = 1 << 20;

/// Signals of one family: bit `i` stands for the `i`-th of [`Family::signals`].
pub type Asked = u64;

impl Family {
    /// All signals of the family.
    pub fn all(self) -> Asked {
        (1 << self.signals().len()) - 1
    }

    /// The signals that are had for the price of this one: they are measured together.
    pub fn together(self, signal: usize) -> Asked {
        match self {
            Family::Gopher => gopher::together(signal),
            Family::Dclm => dclm::together(signal),
            _ => self.all(),
        }
    }
}

/// One text that is being measured: what several families need is found once, when the first asks for it.
#[derive(Debug)]
pub struct Reader<'t, 's> {
    text: &'t str,
    scratch: &'s mut Scratch,
    has_words: bool,
    has_lines: bool,
}

impl<'t, 's> Reader<'t, 's> {
    /// `text` must not be longer than [`crate::MAX_DOCUMENT_BYTES`].
    pub fn new(text: &'t str, scratch: &'s mut Scratch) -> Self {
        if std::mem::replace(&mut scratch.bytes, text.len()) > KEPT_BYTES {
            *scratch = Scratch { bytes: text.len(), ..Scratch::default() };
        }
        scratch.masks.fill(text.as_bytes());
        scratch.repetition.forget();
        Self { text, scratch, has_words: false, has_lines: false }
    }

    /// Fill `values`, one a signal of the family, where they are asked; what the others hold then says nothing.
    pub fn measure(&mut self, family: Family, asked: Asked, values: &mut [f64]) {
        let Self { text, scratch, has_words, has_lines } = self;
        let Scratch { words, masks, lines, table, seen, repetition, keys, dolma, .. } = &mut **scratch;
        let (needs_words, needs_lines) = match family {
            Family::Gopher => (gopher::needs_words(asked), gopher::needs_lines(asked)),
            Family::C4 => (c4::needs_words(asked), true),
            Family::Fineweb => (fineweb::needs_words(asked), true),
            Family::Dclm | Family::Dolma | Family::Characters | Family::Compression => (false, false),
        };
        if needs_words && !std::mem::replace(has_words, true) {
            words.fill(text, masks);
        }
        if needs_lines && !std::mem::replace(has_lines, true) {
            *lines = Lines::of(text, masks, seen);
        }
        let document = Document {
            text,
            masks,
            words,
            lines,
            has_dots: masks.has_dots(),
            characters: masks.characters(),
            newlines: masks.newlines(),
        };
        match family {
            Family::Gopher => gopher::measure(&document, asked, table, seen, repetition, values),
            Family::C4 => c4::measure(&document, values),
            Family::Fineweb => fineweb::measure(&document, values),
            Family::Dclm => dclm::measure(&document, asked, keys, &mut dolma.copies, values),
            Family::Dolma => dolma::measure(&document, keys, dolma, values),
            Family::Characters => characters::measure(&document, values),
            Family::Compression => compression::measure(&document, values),
        }
    }
}

/// Fill `values` with the asked signals of `families`, one family after another with a place for each of its signals.
///
/// `text` must not be longer than [`crate::MAX_DOCUMENT_BYTES`].
pub fn measure(text: &str, families: &[(Family, Asked)], scratch: &mut Scratch, values: &mut [f64]) {
    let mut reader = Reader::new(text, scratch);
    let mut rest = values;
    for &(family, asked) in families {
        let (values, after) = rest.split_at_mut(family.signals().len());
        reader.measure(family, asked, values);
        rest = after;
    }
}

/// `part / whole`, and 0 of nothing.
#[inline]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
