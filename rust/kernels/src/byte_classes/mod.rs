//! What each of 64 bytes is, as eight masks of one bit a byte: the first step of cutting text into pieces.
//!
//! A table gives every ASCII byte a byte of class bits; mask `k` has bit `i` set where byte `i` has class bit `k`. Bytes of
//! 0x80 and more have no class of their own: whoever asks fills in those of their characters. Not for finding one byte:
//! `memchr` is faster for that.
//!
//! A [`Classifier`] is a type for each tier, so that a caller's own loop can be compiled for the tier it runs on (see
//! [`crate::on_tier`]); a call is 5 ns on AVX-512, 15 on AVX2.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
pub use scalar::Scalar;

/// Bytes that are classified together.
pub const BLOCK: usize = 64;

/// The class bits of the 128 ASCII bytes.
pub type AsciiTable = [u8; 128];

/// The class bits of the characters that start with each byte of 0xC0 and more, by its low six bits.
#[derive(Clone, Debug)]
pub struct LeadTable {
    /// [`MIXED`] where they are not all of one class.
    pub classes: [u8; BLOCK],
    /// The second byte, less its bit 5, whose characters are of other classes all the same; 0 where there is none.
    pub exceptions: [u8; BLOCK],
}

/// No class: the characters of this lead byte must be looked at one by one.
pub const MIXED: u8 = 0xFF;

/// The numbers 0 to 63.
#[cfg(target_arch = "x86_64")]
pub(crate) static PLACES: [u8; BLOCK] = {
    let mut places = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        places[at] = at as u8;
        at += 1;
    }
    places
};

/// What a second byte is compared without.
const BIT_5: u8 = 0x20;

/// A block and the byte behind it.
pub type LongBlock = [u8; BLOCK + 1];

/// Masks of a block that no table is needed for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// 0x80 and more.
    pub high: u64,
    /// 0x80 to 0xBF: the second and later bytes of a character.
    pub continuation: u64,
    pub apostrophe: u64,
}

/// One tier's way to classify, and to do the other steps of the loops around it. A value is a promise that this CPU has what the tier needs.
pub trait Classifier: Copy {
    fn bytes(self, block: &[u8; BLOCK]) -> Bytes;

    /// Give every byte of 0x80 and more the class of the lead byte of its character, and tell the lead bytes whose characters
    /// must be looked at. What the bytes of those get, and ASCII ones, means nothing. `block` is UTF-8 and starts with a
    /// character.
    fn leads(self, block: &LongBlock, table: &LeadTable) -> ([u8; BLOCK], u64);

    /// The eight masks of `block`, where the bytes of 0x80 and more take their class bits from the same place in `beyond`.
    fn planes(self, block: &[u8; BLOCK], table: &AsciiTable, beyond: Option<&[u8; BLOCK]>) -> [u64; 8];

    /// Write `base + i` for each bit `i` of `mask`, lowest first, and give how many. All of `places` may be written to.
    fn places(self, mask: u64, base: u32, places: &mut [u32; BLOCK]) -> usize;

    /// The value of `key` in a cache line of four keys, each with its value behind it; 0 if it is not there. A key stands there
    /// once at most.
    #[inline(always)]
    fn value_of(self, line: &[u64; 8], key: u64) -> u64 {
        let value = |at: usize| u64::from(line[at] == key).wrapping_neg() & line[at + 1];
        value(0) | value(2) | value(4) | value(6)
    }

    /// A copy of `text` with zeros behind it; of no more than [`PADDED`] bytes.
    ///
    /// Written in blocks as wide as those that this tier reads: a load that has to be put together from several stores waits
    /// until they have all reached the cache, which costs a text of ten words a third of its time.
    #[inline(always)]
    fn padded(self, text: &[u8]) -> [u8; PADDED] {
        let mut padded = [0; PADDED];
        let length = text.len().min(PADDED);
        padded[..length].copy_from_slice(&text[..length]);
        padded
    }
}

/// Bytes of a text that is followed by zeros.
pub const PADDED: usize = 4 * BLOCK;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tier::{self, Tier};

    fn check(classifier: impl Classifier, block: &[u8; 64], table: &AsciiTable, beyond: &[u8; 64]) {
        assert_eq!(classifier.bytes(block), Scalar.bytes(block));
        assert_eq!(classifier.planes(block, table, None), Scalar.planes(block, table, None));
        assert_eq!(classifier.planes(block, table, Some(beyond)), Scalar.planes(block, table, Some(beyond)));
        for mask in Scalar.planes(block, table, Some(beyond)) {
            let (mut ours, mut expected) = ([0; 64], [0; 64]);
            let count = Scalar.places(mask, 7, &mut expected);
            assert_eq!(classifier.places(mask, 7, &mut ours), count);
            assert_eq!(ours[..count], expected[..count]);
        }
    }

    fn check_padded(classifier: impl Classifier, text: &[u8]) {
        assert_eq!(classifier.padded(text), Scalar.padded(text), "{} bytes", text.len());
    }

    #[test]
    fn texts_are_padded_with_zeros() {
        for length in (0..=PADDED + 3).rev() {
            // Of its own, so that a sanitizer sees what is read behind it.
            let text: Vec<u8> = (0..length).map(|at| at as u8 | 1).collect();
            assert_eq!(Scalar.padded(&text)[..length.min(PADDED)], text[..length.min(PADDED)]);
            assert!(Scalar.padded(&text)[length.min(PADDED)..].iter().all(|&byte| byte == 0));
            #[cfg(target_arch = "x86_64")]
            {
                if let Some(classifier) = Avx2::new() {
                    check_padded(classifier, &text);
                }
                if let Some(classifier) = Avx512::new() {
                    check_padded(classifier, &text);
                }
            }
        }
    }

    fn check_leads(classifier: impl Classifier, block: &LongBlock, table: &LeadTable) {
        let (expected, expected_mixed) = Scalar.leads(block, table);
        let (classes, mixed) = classifier.leads(block, table);
        assert_eq!(mixed, expected_mixed, "{block:?}");
        for at in (0..BLOCK).filter(|&at| block[at] >= 0x80) {
            assert_eq!(classes[at], expected[at], "{at} of {block:?}");
        }
    }

    #[test]
    fn tiers_give_characters_the_class_of_their_lead() {
        let table = LeadTable {
            classes: std::array::from_fn(|lead| if lead % 5 == 0 { MIXED } else { lead as u8 }),
            exceptions: std::array::from_fn(|lead| if lead % 3 == 0 { 0x97 } else { 0 }),
        };
        for seed in 0..4000u32 {
            let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
            let mut text = String::new();
            while text.len() < BLOCK + 1 {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                let limit = [0x80, 0x800, 0x1_0000, 0x11_0000][(state >> 28) as usize & 3];
                text.extend(char::from_u32((state >> 3) % limit));
            }
            let block: &LongBlock = text.as_bytes().first_chunk().expect("long enough");
            #[cfg(target_arch = "x86_64")]
            for tier in tier::available() {
                match tier {
                    Tier::Scalar => {}
                    Tier::Avx2 => check_leads(Avx2::new().expect("detected"), block, &table),
                    Tier::Avx512 => check_leads(Avx512::new().expect("detected"), block, &table),
                }
            }
        }
    }

    #[test]
    fn tiers_are_equal_on_every_byte_at_every_place() {
        let table: AsciiTable = std::array::from_fn(|byte| (byte as u8).wrapping_mul(37) ^ (byte >> 2) as u8);
        let beyond: [u8; 64] = std::array::from_fn(|at| (at as u8).wrapping_mul(91).wrapping_add(3));
        for start in 0..=255u8 {
            for step in [1u8, 3, 64, 85] {
                let block: [u8; 64] = std::array::from_fn(|at| start.wrapping_add(step.wrapping_mul(at as u8)));
                #[cfg(target_arch = "x86_64")]
                for tier in tier::available() {
                    match tier {
                        Tier::Scalar => check(Scalar, &block, &table, &beyond),
                        Tier::Avx2 => check(Avx2::new().expect("detected"), &block, &table, &beyond),
                        Tier::Avx512 => check(Avx512::new().expect("detected"), &block, &table, &beyond),
                    }
                }
            }
        }
    }

    fn check_values(classifier: impl Classifier) {
        let line = [11, 1 << 40, 12, 2, 0, 11, 13, u64::MAX];
        for key in [0, 1, 11, 12, 13, 14, 1 << 40] {
            let expected = line.chunks(2).find(|entry| entry[0] == key).map_or(0, |entry| entry[1]);
            assert_eq!(classifier.value_of(&line, key), expected, "{key}");
        }
    }

    #[test]
    fn values_behind_keys() {
        check_values(Scalar);
        #[cfg(target_arch = "x86_64")]
        for tier in tier::available() {
            match tier {
                Tier::Scalar => {}
                Tier::Avx2 => check_values(Avx2::new().expect("detected")),
                Tier::Avx512 => check_values(Avx512::new().expect("detected")),
            }
        }
    }

    #[test]
    fn by_hand() {
        let mut block = [b'a'; 64];
        block[3] = b'\'';
        block[62..].copy_from_slice("é".as_bytes());
        let mut table = [0; 128];
        table[b'a' as usize] = 0b101;
        let bytes = Scalar.bytes(&block);
        assert_eq!((bytes.apostrophe, bytes.high, bytes.continuation), (1 << 3, 3 << 62, 1 << 63));
        let planes = Scalar.planes(&block, &table, Some(&[2; 64]));
        assert_eq!(planes[0], !(1 << 3 | 3 << 62));
        assert_eq!(planes[1], 3 << 62);
        assert_eq!(planes[0], planes[2]);
        let mut places = [0; 64];
        assert_eq!(Scalar.places(1 << 63 | 1, 10, &mut places), 2);
        assert_eq!(places[..2], [10, 73]);
    }
}
