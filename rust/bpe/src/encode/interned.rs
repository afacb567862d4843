//! Finding again what stands in the same block: numbers by hash, forgotten all at once.

/// Places; half of them are used at most.
const BITS: u32 = 11;
const MOST: u32 = 1 << (BITS - 1);

/// A set of numbers, found by hash. When it is full, more are not remembered.
#[derive(Debug)]
pub struct Interned {
    /// The round in which a number was inserted, and the number.
    places: Box<[(u32, u32); 1 << BITS]>,
    round: u32,
    used: u32,
}

impl Interned {
    pub fn new() -> Self {
        Self { places: Box::new([(0, 0); 1 << BITS]), round: 1, used: 0 }
    }

    pub fn clear(&mut self) {
        self.used = 0;
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.places.fill((0, 0));
            self.round = 1;
        }
    }

    /// The number that was inserted with `hash` and `is` the one, or else insert `number`.
    #[inline(always)]
    pub fn get_or_insert(&mut self, hash: u64, number: u32, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mut place = (hash >> (u64::BITS - BITS)) as usize;
        loop {
            let (round, other) = self.places[place];
            if round != self.round {
                break;
            }
            if is(other) {
                return Some(other);
            }
            place = (place + 1) % self.places.len();
        }
        if self.used < MOST {
            self.used += 1;
            self.places[place] = (self.round, number);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_since_the_last_clearing_is_found() {
        let mut interned = Interned::new();
        for _ in 0..3 {
            for number in 0..MOST + 10 {
                // Few hashes, so that numbers share places.
                let hash = u64::from(number % 7) << 61;
                assert_eq!(interned.get_or_insert(hash, number, |other| other == number), None);
                let again = interned.get_or_insert(hash, number, |other| other == number);
                assert_eq!(again, (number < MOST).then_some(number));
            }
            interned.clear();
        }
    }
}
