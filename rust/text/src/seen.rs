//! Hashes that were met, and nothing else of them: eight bytes a place, as many places as there are hashes, no more.
//!
//! Hashes stand for what they hash; see [`crate::table`].

/// Places at the start, for texts that have few.
const FEW: usize = 1 << 12;

#[derive(Debug, Default)]
pub struct Seen {
    /// 0 is a free place.
    places: Vec<u64>,
    used: usize,
}

impl Seen {
    /// Forget all; `keys` may come.
    pub fn reset(&mut self, keys: usize) {
        self.places.clear();
        self.places.resize((2 * keys.clamp(4, FEW)).next_power_of_two(), 0);
        self.used = 0;
    }

    /// Meet `key`, and say whether it was met before.
    #[inline]
    pub fn insert(&mut self, key: u64) -> bool {
        let key = key.max(1);
        let mask = self.places.len() - 1;
        let mut at = (key >> 20) as usize & mask;
        loop {
            let place = &mut self.places[at];
            if *place == key {
                return true;
            }
            if *place == 0 {
                *place = key;
                self.used += 1;
                if self.used > mask / 4 * 3 {
                    self.grow();
                }
                return false;
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let mask = self.places.len() * 2 - 1;
        let before = std::mem::replace(&mut self.places, vec![0; mask + 1]);
        for key in before.into_iter().filter(|&key| key != 0) {
            let mut at = (key >> 20) as usize & mask;
            while self.places[at] != 0 {
                at = (at + 1) & mask;
            }
            self.places[at] = key;
        }
    }

    /// Bytes that are held.
    pub fn bytes(&self) -> usize {
        self.places.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::hash;

    #[test]
    fn each_is_new_once() {
        let mut seen = Seen::default();
        for _ in 0..2 {
            seen.reset(3);
            for round in 0..2 {
                for number in 0..20_000u32 {
                    assert_eq!(seen.insert(hash(&number.to_le_bytes())), round == 1);
                }
                assert_eq!(seen.insert(0), round == 1);
            }
        }
        assert!(seen.bytes() <= 8 << 15);
    }
}
