//! Words that every room shares: ragged arrays, stable hashes, the process's thread pool, cancellation.
//!
//! A thing belongs here when two rooms need it and neither owns it. Nothing here knows Python, files or text.

pub mod cancel;
pub mod pool;
pub mod ragged;
pub mod stable_hash;

pub use cancel::{Cancel, Cancelled};
pub use ragged::Ragged;
