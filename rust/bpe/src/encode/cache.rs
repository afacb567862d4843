//! A direct-mapped table from short pieces to their tokens: one compare on a hit, one overwrite on a miss, never grows.

use tokenfoundry_base::stable_hash::mix64;

const SLOTS: usize = 1 << 15;
const KEY_BYTES: usize = 16;
const TOKENS: usize = 3;

#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Entry {
    key: [u8; KEY_BYTES],
    key_length: u8,
    token_count: u8,
    tokens: [u32; TOKENS],
}

/// About 1 MB, allocated at the first piece.
#[derive(Default)]
pub struct PieceCache(Vec<Entry>);

#[derive(Clone, Copy)]
pub struct Slot {
    index: usize,
    key: [u8; KEY_BYTES],
}

impl PieceCache {
    /// Where `piece` would be; `None` if it is too long to be kept.
    #[inline(always)]
    pub fn slot(&mut self, piece: &[u8]) -> Option<Slot> {
        if piece.len() > KEY_BYTES {
            return None;
        }
        if self.0.is_empty() {
            self.0 = vec![Entry::default(); SLOTS];
        }
        let mut key = [0; KEY_BYTES];
        key[..piece.len()].copy_from_slice(piece);
        let value = u128::from_le_bytes(key);
        let hash = mix64(value as u64 ^ mix64((value >> 64) as u64 ^ piece.len() as u64));
        Some(Slot { index: hash as usize % SLOTS, key })
    }

    #[inline(always)]
    pub fn get(&self, slot: Slot, piece: &[u8]) -> Option<&[u32]> {
        let entry = &self.0[slot.index];
        (entry.key == slot.key && usize::from(entry.key_length) == piece.len())
            .then(|| &entry.tokens[..usize::from(entry.token_count)])
    }

    #[inline(always)]
    pub fn put(&mut self, slot: Slot, piece: &[u8], tokens: &[u32]) {
        if tokens.len() <= TOKENS {
            let entry = &mut self.0[slot.index];
            entry.key = slot.key;
            entry.key_length = piece.len() as u8;
            entry.token_count = tokens.len() as u8;
            entry.tokens[..tokens.len()].copy_from_slice(tokens);
        }
    }
}
