//! Learning a vocabulary: count the pieces of a corpus, then merge the most frequent pair again and again.
//!
//! The result equals that of Hugging Face's `tokenizers` (0.23) on the same pieces, merge for merge: among equally
//! frequent pairs the one with the smaller ids wins, and its bookkeeping of tokens that are reached in two ways is
//! followed to the letter (see [`merge`]). Counting is parallel; merging visits each occurrence of a pair once, so n
//! bytes of distinct pieces cost O(n log n) time and at most 32 n bytes of memory, one 10 MB piece included.

mod count;
pub mod merge;
mod pair_counts;
mod pieces;

pub use count::{FeedError, PieceCounts};
pub use merge::{Options, TrainError, Trained, train};
