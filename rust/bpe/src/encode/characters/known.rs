//! The tokens of units: those that are known from the tables that byte-level pieces have as well, others by merging.
//!
//! Units are short, nine of ten have eight bytes at most, and few are different: what a text needs of the tables stays in
//! the near caches, and text that was never seen is nearly as quick as text that was.

use tokenfoundry_kernels::byte_classes::Classifier;

use super::super::Encoder;
use super::super::block::{BLOCK, Block, Places, Unseen};
use super::super::memory::budget_bytes;
use super::super::merge::{SHORT, merge_short};
use super::super::seen::Seen;
use super::super::sink::Sink;
use super::super::tables::WIDE_BYTES;
use super::window::Windows;
use super::{Characters, Find};

/// Units that are looked up together.
pub const GROUP: usize = BLOCK;

/// What units are encoded with.
#[derive(Clone, Copy)]
pub struct Vocabulary<'a> {
    pub characters: &'a Characters,
    pub encoder: &'a Encoder,
    /// Tokens that are units.
    pub find: Option<Find<'a>>,
}

/// One thread's tables, in a bounded amount of memory, and room to work in.
#[derive(Debug)]
pub struct Known {
    seen: Seen,
    tokens: Vec<u32>,
    merging: Merging,
    block: Option<Box<Block>>,
}

#[derive(Debug, Default)]
struct Merging {
    symbols: Vec<u32>,
    ends: Vec<u32>,
    shown: Vec<u8>,
    windows: Windows,
}

impl Default for Known {
    fn default() -> Self {
        Self::new(budget_bytes())
    }
}

impl Known {
    /// With tables that grow to about `budget_bytes` together.
    pub fn new(budget_bytes: usize) -> Self {
        Self { seen: Seen::new(budget_bytes), tokens: Vec::new(), merging: Merging::default(), block: None }
    }

    /// Give the tokens of the units between `places`, which are relative to `base`, to `sink`. [`WIDE_BYTES`] of text follow the
    /// start of each.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub fn look_up(
        &mut self,
        classifier: impl Classifier,
        vocabulary: Vocabulary<'_>,
        text: &[u8],
        base: usize,
        places: &[u32],
        sink: &mut impl Sink,
    ) {
        let Self { seen, merging, block, .. } = self;
        let block = block.get_or_insert_with(|| Box::new(Block::new()));
        let each = |unit: &[u8], tokens: &mut Vec<u32>| merging.merge(vocabulary, unit, tokens);
        let places = Places { text, base, places };
        block.encode(classifier, seen, vocabulary.encoder, places, Unseen::Each(each), sink);
    }

    /// Give the tokens of one unit to `sink`; `prefixed`: as if a space were before it.
    #[inline(never)]
    pub fn encode_one(&mut self, vocabulary: Vocabulary<'_>, unit: &[u8], prefixed: bool, sink: &mut impl Sink) {
        let Self { seen, tokens, merging, .. } = self;
        let mut text = Vec::with_capacity(1 + unit.len() + WIDE_BYTES);
        if prefixed {
            text.push(b' ');
        }
        text.extend_from_slice(unit);
        let length = text.len();
        text.extend_from_slice(&[0; WIDE_BYTES]);
        tokens.clear();
        if !seen.find(&text, 0, length, tokens) {
            merging.merge(vocabulary, &text[..length], tokens);
            seen.insert(&text, 0, length, tokens);
        }
        sink.many(tokens);
    }
}

impl Merging {
    /// Append the tokens of a unit.
    fn merge(&mut self, vocabulary: Vocabulary<'_>, unit: &[u8], tokens: &mut Vec<u32>) {
        let Vocabulary { characters, encoder, find } = vocabulary;
        if let Some(find) = find
            && let Some((number, length)) = find.tokens.finder.longest_at(unit, 0)
            && length == unit.len()
            && !find.tokens.tokens[number as usize].special
        {
            tokens.push(find.tokens.tokens[number as usize].id);
            return;
        }
        let shown = characters.spelling.shown(unit, &mut self.shown);
        if let Some(token) = encoder.pieces.get(&encoder.tokens, shown) {
            tokens.push(token);
            return;
        }
        self.symbols.clear();
        if unit.len() <= SHORT * 4 {
            self.ends.clear();
            characters.spelling.spell(unit, &mut self.symbols, &mut self.ends);
        }
        if unit.len() > SHORT * 4 || self.symbols.len() > SHORT {
            self.symbols.clear();
            self.windows.merge(characters, encoder, unit, &mut self.symbols);
        } else {
            let count = merge_short(&encoder.pairs, &mut self.symbols);
            self.symbols.truncate(count);
        }
        tokens.extend(self.symbols.iter().map(|&symbol| encoder.to_token[symbol as usize]));
    }
}
