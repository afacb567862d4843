//! What a vocabulary is, whatever file it came from: the bytes of each token, which two become which, and how a text
//! becomes the first symbols.
//!
//! [`Vocabulary`] is plain data: formats write it, the trainer writes it, and the encoder is built from it. It holds what
//! its source says, with nothing checked; `Encoder::new` checks.

mod tokens;

use std::fmt;

pub use tokens::Tokens;

/// Why a vocabulary cannot be used: names the entry, its place, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VocabularyError(pub String);

impl fmt::Display for VocabularyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for VocabularyError {}

/// Which adjacent tokens merge, and which first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merges {
    /// Any two whose bytes together are a token; the one with the smaller id first (tiktoken's rank files).
    ByRank,
    /// These pairs, the earlier first; the result is the token of their bytes together.
    Listed(Vec<[u32; 2]>),
}

/// What a text is before the first merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbols {
    /// Its bytes.
    Bytes,
    /// Its characters, and where a character is no token, the tokens `<0x00>` … `<0xFF>` of its bytes.
    CharactersOrBytes,
    /// Its characters, and where one is no token, the unknown token.
    Characters,
}

/// Two ids in one number.
#[inline(always)]
pub fn pair_key(left: u32, right: u32) -> u64 {
    (left as u64) << 32 | right as u64
}

/// A byte-pair vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    pub tokens: Tokens,
    pub merges: Merges,
    pub symbols: Symbols,
    /// A piece that is a token as a whole is that token, even if no merges lead there.
    pub whole_pieces: bool,
    /// The token of what has none.
    pub unknown: Option<u32>,
    /// Several unknown symbols in a row are one unknown token.
    pub fuse_unknown: bool,
}

impl Vocabulary {
    /// A byte-level vocabulary with ranks for ids, as tiktoken's files are.
    pub fn from_ranks(tokens: Tokens) -> Self {
        Self {
            tokens,
            merges: Merges::ByRank,
            symbols: Symbols::Bytes,
            whole_pieces: true,
            unknown: None,
            fuse_unknown: false,
        }
    }

    /// A byte-level vocabulary from a trainer: the tokens in the order of their ids and the merges in the order learned.
    pub fn from_merges(tokens: Tokens, merges: Vec<[u32; 2]>) -> Self {
        Self { whole_pieces: false, merges: Merges::Listed(merges), ..Self::from_ranks(tokens) }
    }
}
