//! Pieces parted by their lengths: up to 8 bytes, 16, 32, and longer.
//!
//! Called for a tier through [`crate::byte_classes::Classifier`].

pub(crate) mod scalar;

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;

/// Ranges of lengths.
pub const RANGES: usize = 4;
/// The longest of each range but the last.
pub const LONGEST: [usize; RANGES - 1] = [8, 16, 32];

/// Of the pieces between `places`, those that `numbers` tell, into a list for each range, which has room for as many as there are
/// `numbers` and sixteen more; what is behind those in a list is room.
#[derive(Debug)]
pub struct Parted<'a> {
    pub places: &'a [u32],
    pub numbers: &'a [u16],
    pub lists: [&'a mut [u16]; RANGES],
}

impl Parted<'_> {
    /// The last piece.
    #[inline(always)]
    fn bounds(&self) -> usize {
        assert!(self.places.len() >= 2);
        assert!(self.lists.iter().all(|list| list.len() >= self.numbers.len() + 16));
        self.places.len() - 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byte_classes::{Classifier, Scalar};

    fn parted(classifier: impl Classifier, places: &[u32], numbers: &[u16]) -> Vec<Vec<u16>> {
        let mut room = vec![vec![0; numbers.len() + 16]; RANGES];
        let [a, b, c, d] = &mut room[..] else { panic!("{RANGES}") };
        let counts = classifier.by_length(Parted { places, numbers, lists: [a, b, c, d] });
        room.iter().zip(counts).map(|(list, count)| list[..count].to_vec()).collect()
    }

    #[test]
    fn pieces_are_in_the_list_of_their_length_in_order_on_every_tier() {
        let mut places = vec![3];
        for number in 0..500u32 {
            places
                .push(places[number as usize] + [1, 8, 9, 16, 17, 32, 33, 70_000][(number * number / 3 % 8) as usize]);
        }
        for count in (0..70).chain([499, 500]) {
            let numbers: Vec<u16> = (0..count).map(|number| number * 7 % 500).collect();
            let expected = parted(Scalar, &places, &numbers);
            let range = |&number: &u16| {
                let length = (places[number as usize + 1] - places[number as usize]) as usize;
                LONGEST.iter().filter(|&&longest| length > longest).count()
            };
            for (list, found) in expected.iter().enumerate() {
                assert_eq!(*found, numbers.iter().copied().filter(|number| range(number) == list).collect::<Vec<_>>());
            }
            #[cfg(target_arch = "x86_64")]
            {
                use crate::byte_classes::{Avx2, Avx512};
                if let Some(tier) = Avx2::new() {
                    assert_eq!(parted(tier, &places, &numbers), expected);
                }
                if let Some(tier) = Avx512::new() {
                    assert_eq!(parted(tier, &places, &numbers), expected);
                }
            }
        }
    }
}
