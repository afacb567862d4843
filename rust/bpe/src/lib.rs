//! Byte-pair encoding: vocabularies, cutting text into pieces, merging, specials, decoding and training.
//!
//! [`Bpe`] is a tokenizer that is ready to use; `vocab` makes one from files and writes it back, `train` from text.

pub mod decode;
pub mod encode;
pub mod pretokenize;
pub mod specials;
pub mod train;
pub mod vocab;
pub mod vocabulary;

mod bpe;

pub use bpe::{Bpe, EncodeError};
pub use vocabulary::{Vocabulary, VocabularyError};
