//! Pieces to tokens: exact, never quadratic, and without a merge for pieces that were seen before.
//!
//! An [`Encoder`] is read-only and shared by all threads. What a thread remembers is in its [`Memory`]: a cache of pieces
//! with a fixed size. A piece is looked for in the cache, then among the vocabulary's tokens, and is merged only if it
//! is in neither; where no token joins two of its characters it falls apart first, and its parts are looked for.

mod backtrack;
mod block;
mod build;
pub mod characters;
mod cuts;
mod fresh;
mod interned;
mod lanes;
mod long;
mod memory;
mod merge;
mod parts;
mod pieces;
mod seen;
mod sets;
mod sink;
mod split;
mod symbols;
mod tables;
mod tree;
mod whole;

pub use build::{build, shown};
pub use memory::{Memory, limit_bytes};
pub use sink::{Count, Sink, Space};
pub use tables::Few;

use std::sync::{Arc, OnceLock};

use backtrack::{Seams, Tables};
use cuts::Cuts;
use merge::{SHORT, merge_bytes, merge_long, merge_short};
use pieces::Pieces;
use split::Splits;
use symbols::{CharacterStart, Start};
use tables::Key;
use tokenfoundry_kernels::pair_merges::{NONE, Pairs};
use tree::{Spelled, Trees};
use whole::Whole;

use crate::vocabulary::{Symbols, Tokens, Vocabulary, VocabularyError};

/// The tables of one vocabulary. Made by [`Encoder::new`]; immutable.
#[derive(Clone, Debug)]
pub struct Encoder {
    tokens: Tokens,
    pairs: Pairs,
    splits: Splits,
    pieces: Pieces,
    /// Of those, the short ones, if pieces are [merged from bytes](Self::merges_bytes).
    whole: Whole,
    start: Start,
    /// The token of each symbol.
    to_token: Vec<u32>,
    /// The symbol of each token that merges reach.
    symbol_of: Vec<u32>,
    unknown: Option<u32>,
    fuse_unknown: bool,
    whole_pieces: bool,
    /// Whether every merge comes after those that make its parts, as in nearly every vocabulary.
    is_ordered: bool,
    /// Made for the first long piece.
    trees: OnceLock<Arc<Trees>>,
    /// Made for the first pieces that are not ASCII.
    cuts: OnceLock<Cuts>,
    /// Whether some pieces are tokens that no merges lead to.
    has_only_whole: bool,
}

impl Encoder {
    /// Checks the vocabulary and builds the tables: about 40 ms for 150,000 tokens.
    pub fn new(vocabulary: Vocabulary) -> Result<Self, VocabularyError> {
        build(vocabulary)
    }

    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Tokens that are built from merges, as (left, right, result) in the order of the merges.
    pub fn merges(&self) -> Vec<[u32; 3]> {
        (self.start.count()..self.to_token.len() as u32)
            .filter_map(|symbol| {
                let [left, right] = self.splits.get(symbol)?;
                let token = |symbol: u32| self.to_token[symbol as usize];
                Some([token(left), token(right), token(symbol)])
            })
            .collect()
    }

    pub fn symbols(&self) -> Symbols {
        match &self.start {
            Start::Bytes(_) => Symbols::Bytes,
            Start::Characters(start) if start.byte_symbols().is_some() => Symbols::CharactersOrBytes,
            Start::Characters(_) => Symbols::Characters,
        }
    }

    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    pub fn fuses_unknown(&self) -> bool {
        self.fuse_unknown
    }

    /// Whether a piece that is a token as a whole is that token even if no merges lead there.
    pub fn takes_whole_pieces(&self) -> bool {
        self.whole_pieces
    }

    /// Whether encoding a token's own bytes gives the token.
    pub fn is_reached(&self, id: u32) -> bool {
        self.symbol_of.get(id as usize).is_some_and(|&symbol| symbol != NONE)
    }

    /// The id of the token with these bytes, whether or not merges reach it; a search through all if they do not.
    pub fn token_id(&self, bytes: &[u8]) -> Option<u32> {
        let reached = self.pieces.get(&self.tokens, bytes);
        reached.or_else(|| self.tokens.iter().find(|(_, token)| *token == bytes).map(|(id, _)| id))
    }

    /// The token whose bytes are `piece`, if a whole piece may be that token.
    pub fn whole_piece(&self, piece: &[u8]) -> Option<u32> {
        self.pieces.get(&self.tokens, piece)
    }

    /// [`Self::whole_piece`] for a piece of up to [`tables::MIDDLE_BYTES`] with its key.
    #[inline(always)]
    fn whole_short(&self, key: &Key<2>, piece: &[u8]) -> Option<u32> {
        let token = self.whole.get(key, piece.len());
        // Hardly ever some found no place in that table.
        if token.is_none() && !self.whole.has_all() { self.whole_piece(piece) } else { token }
    }

    /// What names the encoder's rules in a tokenizer's digest.
    pub fn rules(&self, is_added: impl Fn(u32) -> bool) -> String {
        let symbols = self.symbols();
        let unreached = self.tokens.iter().filter(|&(id, bytes)| {
            !is_added(id) && !self.is_reached(id) && self.pieces.get(&self.tokens, bytes) == Some(id)
        });
        format!("{symbols:?}; {} whole pieces; unknown {:?} {}", unreached.count(), self.unknown, self.fuse_unknown)
    }

    /// Where pieces are merged from bytes of which each is a token.
    fn merges_bytes(&self) -> bool {
        matches!(&self.start, Start::Bytes(start) if start.complete)
    }

    /// How many bytes of `piece` each of its tokens stands for.
    pub fn lengths(&self, piece: &str, ids: &[u32]) -> Vec<usize> {
        let Start::Characters(start) = &self.start else {
            return ids.iter().map(|&id| self.tokens.get(id).map_or(0, <[u8]>::len)).collect();
        };
        if let [only] = ids
            && self.tokens.get(*only) == Some(piece.as_bytes())
        {
            return vec![piece.len()];
        }
        // A character is part of a token, or some byte tokens, or unknown, or dropped. As in `tokenizers`, what follows a
        // dropped one moves up into its place.
        let mut lengths = vec![0; ids.len()];
        let mut token = 0;
        let mut left_of_token = 0;
        let mut after_unknown = false;
        for character in piece.chars() {
            let length = character.len_utf8();
            if start.symbol(character) != NONE {
                after_unknown = false;
                if left_of_token == 0 {
                    left_of_token = ids.get(token).and_then(|&id| self.tokens.get(id)).map_or(0, <[u8]>::len);
                }
                if let Some(of_token) = lengths.get_mut(token) {
                    *of_token += length;
                }
                left_of_token = left_of_token.saturating_sub(length);
                token += usize::from(left_of_token == 0);
            } else if start.spells_by_bytes(character) {
                for of_byte in lengths.iter_mut().skip(token).take(length) {
                    *of_byte = 1;
                }
                token += length;
            } else if self.unknown.is_some() {
                token -= usize::from(self.fuse_unknown && after_unknown);
                if let Some(of_token) = lengths.get_mut(token) {
                    *of_token += length;
                }
                token += 1;
                after_unknown = true;
            }
        }
        lengths
    }

    /// Append the tokens of one piece, without any cache.
    pub fn encode_piece(&self, piece: &[u8], memory: &mut Scratch, out: &mut Vec<u32>) {
        if piece.is_empty() {
            return;
        }
        match self.pieces.get(&self.tokens, piece) {
            Some(token) => out.push(token),
            None => self.merge_piece(piece, memory, out),
        }
    }

    /// Append the tokens of what is no piece that is a token.
    fn merge_piece(&self, piece: &[u8], memory: &mut Scratch, out: &mut Vec<u32>) {
        match &self.start {
            Start::Bytes(start) if start.complete => {
                if piece.len() <= SHORT {
                    let mut symbols = [0; SHORT];
                    let count = merge_bytes(&self.pairs, piece, &mut symbols[..piece.len()]);
                    out.extend(symbols[..count].iter().map(|&symbol| self.to_token[symbol as usize]));
                } else {
                    let Scratch { symbols, seams, met, .. } = memory;
                    // A run needs no tree.
                    let length_of = |symbol| self.length_of(symbol);
                    let done = self.is_ordered
                        && (backtrack::run(&self.pairs, &self.splits, seams, length_of, piece, symbols)
                            || self
                                .tables(piece.len(), met)
                                .is_some_and(|tables| backtrack::encode(tables, seams, piece, symbols).is_some()));
                    if !done {
                        symbols.clear();
                        symbols.extend(piece.iter().map(|&byte| byte as u32));
                        let count = merge_long(&self.pairs, symbols);
                        symbols.truncate(count);
                    }
                    out.extend(symbols.iter().map(|&symbol| self.to_token[symbol as usize]));
                }
            }
            Start::Bytes(start) => {
                memory.symbols.clear();
                memory.symbols.extend(
                    piece.iter().map(|&byte| if start.to_token[byte as usize] == NONE { NONE } else { byte as u32 }),
                );
                self.merge_known(&mut memory.symbols, out);
            }
            Start::Characters(start) => {
                memory.symbols.clear();
                spell_lossy(start, piece, &mut memory.symbols);
                self.merge_known(&mut memory.symbols, out);
            }
        }
    }

    /// Where pieces that are not ASCII fall apart, after some `met` of them: it is made for texts that are worth it.
    #[inline]
    fn cuts(&self, met: &mut usize) -> Option<&Cuts> {
        const WORTH: usize = 100;
        *met += 1;
        if *met < WORTH && self.cuts.get().is_none() {
            return None;
        }
        Some(self.cuts.get_or_init(|| Cuts::new(&self.tokens)))
    }

    /// The bytes of a symbol.
    fn length_of(&self, symbol: u32) -> usize {
        self.to_token.get(symbol as usize).and_then(|&id| self.tokens.get(id)).map_or(0, <[u8]>::len)
    }

    /// What backtracking needs, for a piece of `length` bytes after `met` bytes of others too long for [`merge_short`]: it is made
    /// for what is worth it.
    fn tables(&self, length: usize, met: &mut usize) -> Option<Tables<'_>> {
        const WORTH_BYTES: usize = 256;
        const WORTH_MET: usize = 4 << 10;
        *met += length;
        if !self.is_ordered || self.trees.get().is_none() && length < WORTH_BYTES && *met < WORTH_MET {
            return None;
        }
        let spelled = Spelled { tokens: &self.tokens, symbol_of: &self.symbol_of };
        let trees = self.trees.get_or_init(|| Arc::new(Trees::new(spelled, self.splits.count())));
        Some(Tables { trees, spelled, pairs: &self.pairs, splits: &self.splits })
    }

    /// Merge each run of known symbols, with unknown tokens between.
    fn merge_known(&self, symbols: &mut Vec<u32>, out: &mut Vec<u32>) {
        if self.unknown.is_none() {
            // As `tokenizers` has it: what is unknown where nothing stands for it is as if it were not there.
            symbols.retain(|&symbol| symbol != NONE);
        }
        let mut at = 0;
        let mut after_unknown = false;
        while at < symbols.len() {
            let unknown = symbols[at..].iter().take_while(|&&symbol| symbol == NONE).count();
            if let Some(token) = self.unknown {
                for index in 0..unknown {
                    if !(self.fuse_unknown && (after_unknown || index > 0)) {
                        out.push(token);
                    }
                }
            }
            after_unknown |= unknown > 0;
            at += unknown;
            let known = symbols[at..].iter().take_while(|&&symbol| symbol != NONE).count();
            if known > 0 {
                after_unknown = false;
            }
            let run = &mut symbols[at..at + known];
            let count = if known <= SHORT { merge_short(&self.pairs, run) } else { merge_long(&self.pairs, run) };
            out.extend(run[..count].iter().map(|&symbol| self.to_token[symbol as usize]));
            at += known;
        }
    }
}

/// Bytes that are no UTF-8 become the tokens of bytes, or are unknown.
fn spell_lossy(start: &CharacterStart, piece: &[u8], symbols: &mut Vec<u32>) {
    for chunk in piece.utf8_chunks() {
        start.spell(chunk.valid(), symbols);
        for &byte in chunk.invalid() {
            symbols.push(start.byte_symbols().map_or(NONE, |bytes| bytes[byte as usize]));
        }
    }
}

/// Room for the symbols of a piece, reused.
#[derive(Debug, Default)]
pub struct Scratch {
    symbols: Vec<u32>,
    seams: Seams,
    /// Bytes of pieces too long to be merged in one go.
    met: usize,
    /// Pieces that are not ASCII.
    cuttable: usize,
}
