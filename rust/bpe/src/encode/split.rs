//! The two symbols that each merged symbol was made of.

use tokenfoundry_kernels::pair_merges::NONE;

#[derive(Clone, Debug)]
pub struct Splits(Vec<[u32; 2]>);

impl Splits {
    pub fn with_capacity(symbols: usize) -> Self {
        Self(vec![[NONE; 2]; symbols])
    }

    /// How many symbols there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn set(&mut self, symbol: u32, left: u32, right: u32) {
        self.0[symbol as usize] = [left, right];
    }

    /// `None` for a symbol that a text starts as.
    #[inline(always)]
    pub fn get(&self, symbol: u32) -> Option<[u32; 2]> {
        let split = self.0[symbol as usize];
        (split[0] != NONE).then_some(split)
    }
}
