//! Token bytes by id, in one block of memory.

use tokenfoundry_kernels::prefetch::prefetch;

/// The bytes of every token. Ids may have holes; a token is never empty, so an empty entry is a hole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
}

impl Tokens {
    /// From tokens in the order of their ids, empty where an id has none.
    pub fn from_ordered<T: AsRef<[u8]>>(tokens: impl IntoIterator<Item = T>) -> Self {
        let mut table = Self { bytes: Vec::new(), offsets: vec![0] };
        for token in tokens {
            table.push(token.as_ref());
        }
        table
    }

    pub fn with_capacity(tokens: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(tokens + 1);
        offsets.push(0);
        Self { bytes: Vec::with_capacity(bytes), offsets }
    }

    pub fn total_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Append the token with the next id; empty for a hole.
    pub fn push(&mut self, token: &[u8]) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        self.bytes.extend_from_slice(token);
        self.offsets.push(self.bytes.len() as u32);
    }

    /// One more than the greatest id.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a token; `None` where there is no such id.
    #[inline]
    pub fn get(&self, id: u32) -> Option<&[u8]> {
        let start = *self.offsets.get(id as usize)? as usize;
        let end = *self.offsets.get(id as usize + 1)? as usize;
        (start < end).then(|| &self.bytes[start..end])
    }

    /// Ask for the memory of a token's bytes.
    #[inline(always)]
    pub fn prefetch(&self, id: u32) {
        if let Some(&start) = self.offsets.get(id as usize) {
            prefetch(&self.bytes, start as usize);
        }
    }

    /// Ids and bytes of all tokens, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> + Clone {
        (0..self.len() as u32).filter_map(|id| self.get(id).map(|bytes| (id, bytes)))
    }
}
