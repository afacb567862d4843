//! Vocabularies from files and back.

pub mod byte_chars;
pub mod hf_json;
pub mod tiktoken;
