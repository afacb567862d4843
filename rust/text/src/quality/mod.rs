//! How well a language model expects a text: our own over bytes ([`bytes`]), or a user's over words ([`arpa`]).

pub mod arpa;
pub mod bytes;
