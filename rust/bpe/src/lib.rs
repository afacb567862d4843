//! Byte-pair encoding: vocabularies in every public format, exact encoding, decoding, and training.
//!
//! [`pretokenize`] cuts a text into pieces, [`encode`] turns pieces into tokens, a [`vocabulary`] says which, and
//! [`tokenizer`] puts them together with normalizers, added tokens and decoders. Equal, token for token, to the tokenizer
//! that a vocabulary comes from; never quadratic.

pub mod byte_alphabet;
pub mod encode;
pub mod formats;
pub mod pretokenize;
pub mod rows;
pub mod special;
pub mod tokenizer;
pub mod train;
pub mod unicode;
pub mod vocabulary;

pub use tokenizer::EncodeError;

/// The names that `train` knows these by.
pub(crate) mod bpe {
    pub(crate) use crate::tokenizer::groups;
}

pub mod vocab {
    pub use crate::byte_alphabet as byte_chars;
}
