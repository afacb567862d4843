//! Finding documents that are the same, or nearly.
//!
//! `words` and `shingle` turn a text into a set of hashed word n-grams; `minhash` sketches the set; `bands` finds the
//! pairs whose sketches meet; `near` verifies each pair by its exact Jaccard similarity and decides who stays.
//! `exact` needs none of that. Results depend on the texts and their order only, never on threads.

pub mod bands;
pub mod error;
pub mod exact;
pub mod greedy;
pub mod index;
pub mod lines;
pub mod minhash;
pub mod near;
pub mod on_disk;
pub mod one_permutation;
pub mod result;
pub mod schemes;
pub mod shingle;
pub mod substrings;
pub mod word_hash;
pub mod words;
