//! Counting more hashes than there is room for: where the table is full, half of the hashes are left for another walk.
//!
//! A walk counts the keys that begin with certain bits; at first all. When the places are used up, the keys of the upper half go, and
//! the walk goes on with the lower; [`Keys::next_part`] says whether there is more to walk for. Every part's counts are exact.
//! Sixteen bytes a place, three quarters of which are used.

/// What is known of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The index at which the key was first counted.
    pub first: u32,
    pub count: u32,
}

#[derive(Debug, Default)]
pub struct Keys {
    /// Key, first index and count; 0 is a free place.
    places: Vec<u128>,
    used: usize,
    most: usize,
    /// Keys are counted whose upper `bits` bits are these.
    bits: u32,
    begin: u64,
}

/// Places at first.
const FEW: usize = 1 << 10;

impl Keys {
    /// With no more than so many places, and no fewer than a thousand.
    pub fn new(most: usize) -> Self {
        let mut keys = Self::default();
        keys.restart(most);
        keys
    }

    /// The same in the memory of these.
    pub fn restart(&mut self, most: usize) {
        let most = if most.is_power_of_two() { most } else { most.next_power_of_two() / 2 };
        self.most = most.max(FEW);
        self.places.clear();
        self.places.resize(FEW, 0);
        (self.used, self.bits, self.begin) = (0, 0, 0);
    }

    /// Count `key`, met at `index`, if it is of this part.
    #[inline]
    pub fn count(&mut self, key: u64, index: u32) -> Option<Entry> {
        loop {
            if !self.holds(key) {
                return None;
            }
            let mask = self.places.len() - 1;
            let mut at = (key >> 12) as usize & mask;
            loop {
                let place = self.places[at];
                if place == 0 {
                    break;
                }
                if (place >> 64) as u64 == key {
                    self.places[at] = place + 1;
                    return Some(Entry { first: (place >> 32) as u32, count: place as u32 + 1 });
                }
                at = (at + 1) & mask;
            }
            if self.used < self.places.len() / 4 * 3 {
                self.used += 1;
                self.places[at] = u128::from(key) << 64 | u128::from(index) << 32 | 1;
                return Some(Entry { first: index, count: 1 });
            }
            self.make_room();
        }
    }

    #[inline]
    fn holds(&self, key: u64) -> bool {
        self.bits == 0 || key >> (64 - self.bits) == self.begin
    }

    /// More places, or fewer keys.
    #[cold]
    fn make_room(&mut self) {
        let size = if self.places.len() < self.most {
            self.places.len() * 2
        } else {
            self.bits += 1;
            self.begin <<= 1;
            self.places.len()
        };
        let before = std::mem::replace(&mut self.places, vec![0; size]);
        self.used = 0;
        for place in before {
            if place != 0 && self.holds((place >> 64) as u64) {
                let mut at = (place >> 76) as usize & (size - 1);
                while self.places[at] != 0 {
                    at = (at + 1) & (size - 1);
                }
                self.places[at] = place;
                self.used += 1;
            }
        }
    }

    /// What was counted of this part.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let entry = |&place: &u128| Entry { first: (place >> 32) as u32, count: place as u32 };
        self.places.iter().filter(|&&place| place != 0).map(entry)
    }

    /// How often a key of this part was counted.
    pub fn times(&self, key: u64) -> u32 {
        let mask = self.places.len() - 1;
        let mut at = (key >> 12) as usize & mask;
        while self.places[at] != 0 {
            if (self.places[at] >> 64) as u64 == key {
                return self.places[at] as u32;
            }
            at = (at + 1) & mask;
        }
        0
    }

    /// Go to the next part, for which the walk is to be done again; false when there is none.
    pub fn next_part(&mut self) -> bool {
        self.begin += 1;
        while self.bits > 0 && self.begin & 1 == 0 {
            self.begin >>= 1;
            self.bits -= 1;
        }
        self.clear();
        self.bits > 0
    }

    fn clear(&mut self) {
        self.places.fill(0);
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::hash;

    #[test]
    fn parts_count_as_one_table_does() {
        // Fifty thousand keys, some of them several times, in a table that holds 768 of them.
        let keys: Vec<u64> = (0..60_000u32).map(|number| hash(&(number * number % 50_000).to_le_bytes())).collect();
        let mut expected = std::collections::HashMap::new();
        for (index, &key) in (0..).zip(&keys) {
            expected.entry(key).or_insert((index, 0)).1 += 1;
        }
        let mut table = Keys::new(1);
        for _ in 0..2 {
            let mut found = std::collections::HashMap::new();
            loop {
                for (index, &key) in (0..).zip(&keys) {
                    table.count(key, index);
                }
                for entry in table.entries() {
                    let key = keys[entry.first as usize];
                    assert_eq!(table.times(key), entry.count);
                    assert_eq!(found.insert(key, (entry.first, entry.count)), None);
                }
                if !table.next_part() {
                    break;
                }
            }
            assert_eq!(found, expected);
            table.restart(1);
        }
    }
}
