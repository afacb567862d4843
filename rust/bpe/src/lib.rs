//! Byte-pair encoding: vocabularies in every public format, exact encoding, decoding, and training.
//!
//! [`pretokenize`] cuts a text into pieces, [`encode`] turns pieces into tokens, a [`vocabulary`] says which, and
//! [`tokenizer`] puts them together with normalizers, added tokens and decoders. Equal, token for token, to the tokenizer
//! that a vocabulary comes from; never quadratic.

pub mod byte_alphabet;
pub mod encode;
pub mod formats;
pub mod pretokenize;
pub mod special;
pub mod tokenizer;
pub mod unicode;
pub mod vocabulary;
