//! What can be said about a document without a model, and what can be mended in it: cleaning, signals, verdicts,
//! redaction, script, overlap with evaluation sets.
//!
//! Every function takes bytes and never panics on any; bytes that are not UTF-8 are read as Python's
//! `decode("utf-8", "replace")` reads them. Time is linear in the bytes and memory is bounded by a small multiple of
//! them. A document is at most 4 GiB. Nothing here knows Python, Arrow or files.

use std::borrow::Cow;

pub mod characters;
pub mod fasttext;
pub mod keys;
pub mod language;
pub mod lines;
pub mod ngrams;
pub mod normalize;
pub mod quality;
pub mod redact;
pub mod script;
pub mod seen;
pub mod segment;
pub mod signals;
pub mod table;
pub mod verdict;
pub mod word_lists;

/// The longest document, in bytes: offsets inside one are `u32`.
pub const MAX_DOCUMENT_BYTES: usize = u32::MAX as usize;

/// Bytes as Python's `decode("utf-8", "replace")` reads them. [`String::from_utf8_lossy`] that does not stop at each character of
/// what is UTF-8, which nearly all is.
pub fn read(text: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(text).map_or_else(|_| String::from_utf8_lossy(text), Cow::Borrowed)
}
