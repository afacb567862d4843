//! Byte-pair encoding: vocabularies in every public format, exact encoding, decoding, and training.
//!
//! [`pretokenize`] cuts a text into pieces, the encoder turns pieces into tokens, and a [`vocabulary`] says which.
//! Equal, token for token, to the tokenizer that a vocabulary comes from; never quadratic.

pub mod pretokenize;
pub mod unicode;
pub mod vocabulary;
