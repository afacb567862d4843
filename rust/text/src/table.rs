//! A counting hash table that is emptied in no time between documents.
//!
//! Keys are 64-bit hashes and stand for what they hash: two of a document's n-grams that collide would be taken for
//! one, which a document of a million words meets with a chance of 1 in 30 million. Linear probing at half load.
//!
//! A slot is in use when its first index is at or above the table's base; emptying raises the base over all
//! indices given out, so nothing is written. Every four thousand million indices the table is wiped.

/// What is known of one key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry {
    key: u64,
    /// The base plus the index at which the key was first counted.
    first: u32,
    pub count: u32,
}

#[derive(Debug)]
pub struct Table {
    entries: Vec<Entry>,
    mask: usize,
    base: u32,
    /// Indices below this were given out since the table was wiped.
    end: u32,
}

impl Default for Table {
    fn default() -> Self {
        Self { entries: Vec::new(), mask: 0, base: 1, end: 1 }
    }
}

impl Table {
    /// Empty the table and make room for `keys` distinct keys, counted at indices below `indices`.
    pub fn reset(&mut self, keys: usize, indices: usize) {
        let size = (keys.max(8) * 2).next_power_of_two();
        self.mask = size - 1;
        if self.entries.len() < size {
            self.entries.resize(size, Entry::default());
        }
        self.base = self.end;
        match u32::try_from(indices).ok().and_then(|indices| self.base.checked_add(indices)) {
            Some(end) => self.end = end,
            None => {
                self.entries.fill(Entry::default());
                self.base = 1;
                self.end = u32::try_from(indices).map_or(u32::MAX, |indices| indices.saturating_add(1));
            }
        }
    }

    /// Count `key`, met at `index`, and return its slot.
    #[inline]
    pub fn count(&mut self, key: u64, index: u32) -> usize {
        let mut slot = (key >> 20) as usize & self.mask;
        loop {
            let entry = &mut self.entries[slot];
            if entry.first < self.base {
                *entry = Entry { key, first: self.base + index, count: 1 };
                return slot;
            }
            if entry.key == key {
                entry.count += 1;
                return slot;
            }
            slot = (slot + 1) & self.mask;
        }
    }

    /// Count `key` and say whether it was there before.
    #[inline]
    pub fn seen(&mut self, key: u64) -> bool {
        let slot = self.count(key, 0);
        self.entries[slot].count > 1
    }

    #[inline]
    pub fn times(&self, slot: usize) -> u32 {
        self.entries[slot].count
    }

    /// The index at which a slot's key was first counted.
    #[inline]
    pub fn first(&self, slot: usize) -> u32 {
        self.entries[slot].first - self.base
    }
}

/// A well-mixed hash of a short byte string; in memory only, never on disk.
#[inline]
pub fn hash(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    if length > 16 {
        return tokenfoundry_base::stable_hash::hash64(bytes);
    }
    let (low, high) = if length >= 8 {
        (read8(bytes), read8(&bytes[length - 8..]))
    } else if length >= 4 {
        (read4(bytes), read4(&bytes[length - 4..]))
    } else if length > 0 {
        let middle = u64::from(bytes[length / 2]);
        (u64::from(bytes[0]) | middle << 8 | u64::from(bytes[length - 1]) << 16, 0)
    } else {
        (0, 0)
    };
    mix(low ^ 0x9E37_79B9_7F4A_7C15, high ^ (length as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93))
}

#[inline]
fn read8(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(word)
}

#[inline]
fn read4(bytes: &[u8]) -> u64 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[..4]);
    u64::from(u32::from_le_bytes(word))
}

/// The bytes of `text[start..end]` in two words, zeros behind them, and their number; `None` for more than 16.
#[inline]
pub fn short_words(text: &[u8], start: usize, end: usize) -> Option<(u64, u64, usize)> {
    let length = end - start;
    if length > 16 {
        return None;
    }
    let block: [u8; 16] = match text.get(start..start + 16).and_then(|block| block.try_into().ok()) {
        Some(block) => block,
        None => {
            let mut block = [0; 16];
            block[..length].copy_from_slice(&text[start..end]);
            block
        }
    };
    let both = u128::from_le_bytes(block);
    let (low, high) = kept(length);
    Some((both as u64 & low, (both >> 64) as u64 & high, length))
}

/// Masks of the first `length` of 16 bytes, without a branch.
#[inline]
pub fn kept(length: usize) -> (u64, u64) {
    const ONES: [u64; 9] =
        [0, 0xFF, 0xFFFF, 0xFF_FFFF, 0xFFFF_FFFF, 0xFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF, 0xFF_FFFF_FFFF_FFFF, u64::MAX];
    (ONES[length.min(8)], ONES[length.clamp(8, 16) - 8])
}

/// The hash of at most 16 bytes that [`short_words`] gave.
#[inline]
pub fn short_hash(low: u64, high: u64, length: usize) -> u64 {
    mix(low ^ 0x9E37_79B9_7F4A_7C15, high ^ (length as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93))
}

/// The same hash for bytes of any number.
#[inline]
pub fn hash_any(bytes: &[u8]) -> u64 {
    match short_words(bytes, 0, bytes.len()) {
        Some((low, high, length)) => short_hash(low, high, length),
        None => tokenfoundry_base::stable_hash::hash64(bytes),
    }
}

/// Two words to one: a 128-bit product folded, whose bits all depend on all of both.
#[inline]
pub fn mix(left: u64, right: u64) -> u64 {
    let product = u128::from(left ^ 0xA076_1D64_78BD_642F) * u128::from(right ^ 0xE703_7ED1_A0B4_28DB);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_first_places() {
        let mut table = Table::default();
        for _ in 0..2 {
            table.reset(3, 5);
            let slots: Vec<usize> = [b"a", b"b", b"a", b"c", b"a"]
                .iter()
                .enumerate()
                .map(|(index, word)| table.count(hash(&word[..]), index as u32))
                .collect();
            assert_eq!(table.times(slots[0]), 3);
            assert_eq!(table.first(slots[4]), 0);
            assert_eq!(table.first(slots[3]), 3);
        }
    }

    #[test]
    fn a_table_that_ran_out_of_indices_is_wiped() {
        let mut table = Table { end: u32::MAX - 3, ..Table::default() };
        for indices in [2, 5, 2] {
            table.reset(4, indices);
            assert!(!table.seen(7) && table.seen(7));
        }
    }

    #[test]
    fn short_strings_hash_apart() {
        let text = "abcdefghijklmnopqrstuvwxyzabcdefgh\0\0\0\0";
        let mut seen = std::collections::HashSet::new();
        for start in 0..26 {
            for length in 1..12 {
                seen.insert((text[start..start + length].len(), hash(&text.as_bytes()[start..start + length])));
            }
        }
        let distinct: std::collections::HashSet<_> =
            (0..26).flat_map(|start| (1..12).map(move |length| &text[start..start + length])).collect();
        assert_eq!(seen.len(), distinct.len());
        assert_ne!(hash(b"\0"), hash(b"\0\0"));
    }
}
