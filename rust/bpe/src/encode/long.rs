//! The tokens of long pieces: a table by hash onto an arena that holds the bytes and the tokens of each side by side. A hit
//! compares the bytes. All of it is emptied when the arena is full.

use super::tables::Sets;

/// See the module. An entry is the hash, where in the arena the piece starts and how many bytes it has, and how many tokens.
#[derive(Debug)]
pub struct Long {
    entries: Sets<4>,
    most_entries: usize,
    /// The bytes of a piece, filled up to a whole number, and its tokens.
    arena: Vec<u32>,
    most_arena: usize,
}

const FIRST_ENTRIES: usize = 1 << 9;
/// No piece takes more of the arena than this part of it: it would drive out the rest.
const LARGEST_PART: usize = 64;

fn is_empty(entry: &[u64; 4]) -> bool {
    entry[1] == 0
}

fn bytes_of(words: &[u32], length: usize) -> impl Iterator<Item = u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).take(length)
}

impl Long {
    /// At most so many entries, a power of two, and bytes of arena.
    pub fn new(most_entries: usize, most_bytes: usize) -> Self {
        let first = FIRST_ENTRIES.min(most_entries);
        Self { entries: Sets::new(first, most_entries), most_entries, arena: Vec::new(), most_arena: most_bytes / 4 }
    }

    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        self.entries.prefetch(hash);
    }

    #[inline]
    pub fn find(&mut self, piece: &[u8], hash: u64) -> Option<&[u32]> {
        let entry = self.entries.find(hash, |entry| entry[0] == hash && (entry[1] >> 32) as usize == piece.len())?;
        let start = entry[1] as u32 as usize;
        let bytes = start + piece.len().div_ceil(4);
        let tokens = entry[2] as usize;
        let kept = self.arena.get(start..bytes)?;
        let mut chunks = piece.chunks_exact(4);
        let mut same = true;
        for (chunk, &word) in chunks.by_ref().zip(kept) {
            same &= chunk.first_chunk().is_some_and(|chunk| u32::from_le_bytes(*chunk) == word);
        }
        let rest = chunks.remainder();
        same &= rest.is_empty() || bytes_of(&kept[piece.len() / 4..], rest.len()).eq(rest.iter().copied());
        if same { self.arena.get(bytes..bytes + tokens) } else { None }
    }

    pub fn insert(&mut self, piece: &[u8], hash: u64, tokens: &[u32]) {
        let needed = piece.len().div_ceil(4) + tokens.len();
        if needed > self.most_arena / LARGEST_PART {
            return;
        }
        if self.arena.len() + needed > self.most_arena {
            self.entries = Sets::new(FIRST_ENTRIES.min(self.most_entries), self.most_entries);
            self.arena.clear();
        }
        let start = self.arena.len() as u64;
        self.arena.extend(piece.chunks(4).map(|chunk| {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            u32::from_le_bytes(word)
        }));
        self.arena.extend_from_slice(tokens);
        self.entries.insert(
            [hash, start | (piece.len() as u64) << 32, tokens.len() as u64, 0],
            |entry| entry[0],
            is_empty,
        );
    }
}
