//! Buffers in and out: text borrowed from Python and Arrow, vectors moved into numpy and Arrow. Nothing is copied
//! that can be borrowed or moved; all of the crate's unsafe code about foreign memory is in this folder.

pub mod arrays;
pub mod collector;
mod direct;
pub mod ids;
pub mod ints;
pub mod matrix;
pub mod texts;
