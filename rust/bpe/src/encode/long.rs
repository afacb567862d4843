//! The tokens of long pieces: a direct-mapped table by hash onto an arena, which is emptied when it is full. A hit compares
//! the bytes.

/// Hash; where the bytes start, and how many; where the tokens start, and how many.
type Entry = [u64; 3];

/// See the module.
#[derive(Debug)]
pub struct Long {
    entries: Vec<Entry>,
    slots: usize,
    bytes: Vec<u8>,
    tokens: Vec<u32>,
    most_bytes: usize,
}

/// What one entry takes of the arena at most, as a part of it: a longer piece would drive out the rest.
const LARGEST_PART: usize = 64;

fn two_numbers(word: u64) -> std::ops::Range<usize> {
    let (start, length) = ((word >> 32) as usize, word as u32 as usize);
    start..start + length
}

impl Long {
    /// `slots`, a power of two; `most_bytes` of pieces, and as many of tokens.
    pub fn new(slots: usize, most_bytes: usize) -> Self {
        Self { entries: Vec::new(), slots, bytes: Vec::new(), tokens: Vec::new(), most_bytes }
    }

    fn slot(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.slots - 1)
    }

    #[inline]
    pub fn find(&self, piece: &[u8], hash: u64) -> Option<&[u32]> {
        let &[known, bytes, tokens] = self.entries.get(self.slot(hash))?;
        (known == hash && self.bytes.get(two_numbers(bytes)) == Some(piece)).then(|| &self.tokens[two_numbers(tokens)])
    }

    pub fn insert(&mut self, piece: &[u8], hash: u64, tokens: &[u32]) {
        if piece.len() > self.most_bytes / LARGEST_PART {
            return;
        }
        let full = self.bytes.len() + piece.len() > self.most_bytes
            || (self.tokens.len() + tokens.len()) * size_of::<u32>() > self.most_bytes;
        if full || self.entries.is_empty() {
            self.entries.clear();
            // Zeroed by the system and not touched.
            self.entries = vec![[0; 3]; self.slots];
            self.bytes.clear();
            self.tokens.clear();
        }
        let numbers = |start: usize, length: usize| (start as u64) << 32 | length as u64;
        let slot = self.slot(hash);
        self.entries[slot] =
            [hash, numbers(self.bytes.len(), piece.len()), numbers(self.tokens.len(), tokens.len())];
        self.bytes.extend_from_slice(piece);
        self.tokens.extend_from_slice(tokens);
    }
}
