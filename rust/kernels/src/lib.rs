//! SIMD kernels and nothing else: one folder a kernel, with `mod.rs` (the safe door), `scalar.rs` (the definition) and a
//! file for each CPU tier that pays. Every tier equals the scalar one at every length; [`tier`] picks at run time.

pub mod by_length;
pub mod byte_classes;
pub mod byte_pairs;
pub mod character_pairs;
pub mod clean_ascii;
pub mod double_keys;
pub mod edges;
pub mod feistel;
pub mod fold_ascii;
pub mod huge_pages;
pub mod line_writer;
pub mod met_twice;
pub mod ngram_hashes;
pub mod on_tier;
pub mod packed_tokens;
pub mod pair_merges;
pub mod permute_min;
pub mod permute_min_halves;
pub mod permute_min_p61;
pub mod prefetch;
pub mod tier;
pub mod token_copy;
pub mod word_keys;
