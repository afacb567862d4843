//! Which two symbols merge into which; see [`pair_merges`](tokenfoundry_kernels::pair_merges).

pub use tokenfoundry_kernels::pair_merges::{NONE, Pairs, SYMBOL_BITS};

pub const MAX_SYMBOLS: usize = 1 << SYMBOL_BITS;
