//! Learning a vocabulary: count the pieces of a corpus, then merge the most frequent pair again and again.
//!
//! The result equals that of Hugging Face's `tokenizers` on the same pieces, merge for merge: among equally frequent
//! pairs the one with the smaller ids wins. Counting is parallel; merging visits each occurrence of a pair once, so a
//! corpus of n distinct piece bytes costs O(n log n) whatever it looks like, one 10 MB piece included.

mod count;
mod merge;

pub use count::PieceCounts;
pub use merge::{Options, Trained, train};
