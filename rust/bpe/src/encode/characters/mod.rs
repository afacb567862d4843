//! Encoding with vocabularies whose texts start as characters (SentencePiece style: Llama 2, Mistral, Gemma), which cut
//! a text nowhere: the whole of it is one piece.
//!
//! No merge reaches across two characters that no merge ever brings together, so a text may be cut there all the same
//! ([`Joins`]); nearly every space is such a place. The parts ([`units`](memory)) are what English words or Chinese phrases are,
//! and [`Memory`] remembers their tokens. What it has not seen is merged, and a unit that is too long for that is
//! encoded in overlapping windows ([`window`]), in linear time.
//!
//! These vocabularies see a space as another character (U+2581) and may put one before a text. Both is done while units
//! are looked at; the text is not rewritten.

mod joins;
mod known;
mod memory;
mod scan;
mod spell;
mod window;

pub use memory::Memory;
pub use scan::Found;

use super::Encoder;
use super::symbols::Start;
use crate::special::{Allowed, Findable};
use joins::Joins;
use spell::Spelling;
use tokenfoundry_base::{Cancel, Cancelled};

use super::sink::Sink;

/// What becomes of the spaces of a text, and of its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spaces {
    /// The character that stands for a space; `None` if a space is one like others.
    pub shown_as: Option<char>,
    /// A text is cut before each of them.
    pub cut: bool,
}

/// The tables of one vocabulary, beside its [`Encoder`].
#[derive(Clone, Debug)]
pub struct Characters {
    joins: Joins,
    spelling: Spelling,
    /// How many first symbols are in a symbol.
    widths: Vec<u32>,
}

impl Characters {
    /// `None` for a vocabulary that texts do not start as characters of, or where one may be unknown: then characters
    /// that are apart may meet.
    pub fn new(encoder: &Encoder, spaces: &Spaces) -> Option<Self> {
        let Start::Characters(start) = &encoder.start else { return None };
        if encoder.whole_pieces {
            return None;
        }
        let spelling = Spelling::new(start, spaces.shown_as)?;
        let mut widths = vec![1; encoder.to_token.len()];
        for symbol in start_of_merges(encoder)..encoder.to_token.len() as u32 {
            if encoder.splits.get(symbol).is_some() {
                let token = encoder.tokens.get(encoder.to_token[symbol as usize]).unwrap_or(b"");
                widths[symbol as usize] = token.iter().filter(|&&byte| byte & 0xC0 != 0x80).count() as u32;
            }
        }
        Some(Self { joins: Joins::new(encoder, spaces), spelling, widths })
    }

    /// Give the tokens of `text` to `sink`, up to the first place where `find` finds a token that does not belong to the
    /// units, or to the end. `prefixed`: as if a space were before it.
    #[allow(clippy::too_many_arguments)]
    pub fn encode(
        &self,
        encoder: &Encoder,
        text: &str,
        prefixed: bool,
        find: Option<Find<'_>>,
        cancel: &Cancel,
        memory: &mut Memory,
        sink: &mut impl Sink,
    ) -> Result<Option<Found>, Cancelled> {
        memory.encode(self, encoder, text.as_bytes(), prefixed, find, cancel, sink)
    }
}

/// Added tokens that are looked for while a text is cut. Only for tokens that take nothing beside them along.
#[derive(Clone, Copy, Debug)]
pub struct Find<'a> {
    pub tokens: &'a Findable,
    pub allowed: &'a Allowed,
    /// Tokens that are always found are units; otherwise all end the part of the text that is encoded.
    pub within: bool,
}

fn start_of_merges(encoder: &Encoder) -> u32 {
    encoder.start.count()
}
