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

use crate::by_length::{self, Parted, RANGES};
use crate::double_keys;
use crate::packed_tokens::{self, Line, Six, Twelve};
use crate::word_keys::{self, Wanted};

/// Bytes that are classified together.
pub const BLOCK: usize = 64;

/// The class bits of the 128 ASCII bytes.
pub type AsciiTable = [u8; 128];

/// The class bits of the characters that are not ASCII.
#[derive(Clone, Debug)]
pub struct CharacterTable {
    /// Of those that start with each byte of 0xC0 and more, by its low six bits; [`MIXED`] where they are not all of one class.
    pub of_lead: [u8; BLOCK],
    /// The second byte, less its bit 5, whose characters are of other classes all the same; 0 where there is none.
    pub exceptions: [u8; BLOCK],
    /// Of each code point up to U+FFFF.
    of_code_point: Vec<u8>,
}

/// No class: the characters of this lead byte must be looked at one by one.
pub const MIXED: u8 = 0xFF;

/// Code points of no more than three bytes.
const PLANE: u32 = 0x1_0000;
/// What a look-up of four bytes reads behind the last.
const BEHIND: usize = 3;

impl CharacterTable {
    /// By the class of each code point.
    pub fn new(class_of: impl Fn(u32) -> u8) -> Self {
        let mut of_code_point: Vec<u8> = (0..PLANE).map(class_of).collect();
        of_code_point.extend([0; BEHIND]);
        let mut table = Self { of_lead: [MIXED; BLOCK], exceptions: [0; BLOCK], of_code_point };
        for lead in 0xC2..0xF0u32 {
            // Classes by second byte, each with what its code points are if they are alike.
            let (first, in_second) = if lead < 0xE0 { ((lead & 0x1F) << 6, 1) } else { ((lead & 0x0F) << 12, 64) };
            let seconds = (0x80..0xC0u32).filter_map(|second| {
                let start = first + (second & 0x3F) * in_second;
                let is_character = |&code_point: &u32| code_point >= 0x80 && char::from_u32(code_point).is_some();
                let mut classes = (start..start + in_second).filter(is_character).map(|point| table.class(point));
                let class = classes.next()?;
                Some((second as u8 & !BIT_5, if classes.all(|other| other == class) { class } else { MIXED }))
            });
            let seconds: Vec<(u8, u8)> = seconds.collect();
            let count = |class: u8| seconds.iter().filter(|(_, of_second)| *of_second == class).count();
            let Some(&(_, usual)) = seconds.iter().max_by_key(|(_, class)| count(*class)) else { continue };
            let mut others = seconds.iter().filter(|(_, class)| *class != usual).map(|(second, _)| *second);
            let exception = others.next();
            if usual != MIXED && others.all(|other| Some(other) == exception) {
                table.of_lead[lead as usize & 63] = usual;
                table.exceptions[lead as usize & 63] = exception.unwrap_or(0);
            }
        }
        table
    }

    #[inline(always)]
    fn class(&self, code_point: u32) -> u8 {
        self.of_code_point.get(code_point as usize).copied().unwrap_or(0)
    }
}

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

/// A block and what the last character in it may have behind it.
pub type LongBlock = [u8; BLOCK + 3];

/// Masks of a block that no table is needed for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// 0x80 and more.
    pub high: u64,
    /// 0x80 to 0xBF: the second and later bytes of a character.
    pub continuation: u64,
    pub apostrophe: u64,
}

/// The length in bytes and the class of the character that starts at a place in a block, of two bytes at least.
#[inline(always)]
fn character_class(
    block: &LongBlock,
    place: usize,
    table: &CharacterTable,
    beyond: impl Fn(usize) -> u8,
) -> (usize, u8) {
    let bits = |distance: usize| u32::from(block.get(place + distance).map_or(0, |byte| byte & 0x3F));
    match block.get(place).map_or(0, |&lead| lead) {
        0xF0.. => (4, beyond(place)),
        0xE0.. => (3, table.class((bits(0) & 0x0F) << 12 | bits(1) << 6 | bits(2))),
        _ => (2, table.class((bits(0) & 0x1F) << 6 | bits(1))),
    }
}

/// One tier's way to classify, and to do the other steps of the loops around it. A value is a promise that this CPU has what the tier needs.
pub trait Classifier: Copy {
    fn bytes(self, block: &[u8; BLOCK]) -> Bytes;

    /// Give every byte of 0x80 and more the class of the lead byte of its character, and tell the lead bytes whose characters
    /// must be looked at. What the bytes of those get, and ASCII ones, means nothing. `block` is UTF-8 and starts with a
    /// character. A step of [`Self::character_planes`], for tiers that have no other way.
    #[inline(always)]
    fn leads(self, block: &LongBlock, table: &CharacterTable) -> ([u8; BLOCK], u64) {
        scalar::leads(block, table)
    }

    /// [`Self::planes`] where a byte of 0x80 and more has the class of its character: by `table`, and beyond U+FFFF by `beyond`,
    /// from where in `block` it starts. `block` is UTF-8 and starts with a character.
    #[inline(always)]
    fn character_planes(
        self,
        block: &LongBlock,
        ascii: &AsciiTable,
        table: &CharacterTable,
        beyond: impl Fn(usize) -> u8,
    ) -> [u64; 8] {
        let (mut classes, mut left) = self.leads(block, table);
        while left != 0 {
            let place = left.trailing_zeros() as usize;
            left &= left - 1;
            let (length, class) = character_class(block, place, table, &beyond);
            for of_byte in classes.iter_mut().skip(place).take(length) {
                *of_byte = class;
            }
        }
        let Some(block) = block.first_chunk() else { return [0; 8] };
        self.planes(block, ascii, Some(&classes))
    }

    /// The eight masks of `block`, where the bytes of 0x80 and more take their class bits from the same place in `beyond`.
    fn planes(self, block: &[u8; BLOCK], table: &AsciiTable, beyond: Option<&[u8; BLOCK]>) -> [u64; 8];

    /// Write `base + i` for each bit `i` of `mask`, lowest first, and give how many. All of `places` may be written to.
    fn places(self, mask: u64, base: u32, places: &mut [u32; BLOCK]) -> usize;

    /// See [`Wanted`].
    #[inline(always)]
    fn word_keys(self, wanted: Wanted<'_>) {
        word_keys::scalar::word_keys(wanted);
    }

    /// See [`double_keys::Wanted`].
    #[inline(always)]
    fn double_keys(self, wanted: double_keys::Wanted<'_>) {
        double_keys::scalar::double_keys(wanted);
    }

    /// How many each of the lists has. See [`Parted`].
    #[inline(always)]
    fn by_length(self, parted: Parted<'_>) -> [usize; RANGES] {
        by_length::scalar::by_length(parted)
    }

    /// The value of `key` in a cache line of four keys and behind them their values; 0 if it is not there. A key stands there once
    /// at most.
    #[inline(always)]
    fn value_of(self, line: &Line, key: u64) -> u64 {
        let value = |at: usize| u64::from(line[at] == key).wrapping_neg() & line[4 + at];
        value(0) | value(1) | value(2) | value(3)
    }

    /// The tokens of a key of two words in a line of such entries; none if it is not there. See [`crate::packed_tokens`].
    #[inline(always)]
    fn six_of(self, line: &Line, key: &[u64; 2]) -> Six {
        packed_tokens::scalar::six_of(line, key)
    }

    /// The same for a key of four words.
    #[inline(always)]
    fn twelve_of(self, line: &Line, key: &[u64; 4]) -> Twelve {
        packed_tokens::scalar::twelve_of(line, key)
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

    fn check_characters(classifier: impl Classifier, block: &LongBlock, ascii: &AsciiTable, table: &CharacterTable) {
        let beyond = |place: usize| block[place + 2] | 1;
        assert_eq!(
            classifier.character_planes(block, ascii, table, beyond),
            Scalar.character_planes(block, ascii, table, beyond),
            "{block:?}"
        );
    }

    /// Classes such that some lead bytes are of one class, some of one but for an exception, and some mixed.
    fn some_table() -> CharacterTable {
        CharacterTable::new(|point| match point >> 6 {
            page if page % 5 == 0 => (point % 7) as u8,
            page if page % 64 == 33 => 3,
            page => (page / 64 + 9) as u8,
        })
    }

    #[test]
    fn tiers_give_characters_the_class_of_their_code_point() {
        let ascii: AsciiTable = std::array::from_fn(|byte| byte as u8 ^ 0x35);
        let table = some_table();
        for seed in 0..4000u32 {
            let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
            let mut text = String::new();
            while text.len() < BLOCK + 3 {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                let limit = [0x80, 0x800, 0x1_0000, 0x11_0000][(state >> 28) as usize & 3];
                // Of one page for a while, as text is.
                let point = if seed % 3 == 0 { 0xE00 + (state >> 3) % 64 } else { (state >> 3) % limit };
                text.extend(char::from_u32(point));
            }
            let block: &LongBlock = text.as_bytes().first_chunk().expect("long enough");
            let planes = Scalar.character_planes(block, &ascii, &table, |place| block[place + 2] | 1);
            for (place, character) in text.char_indices().filter(|(place, _)| *place < BLOCK) {
                let class = match character as u32 {
                    point @ 0..0x80 => ascii[point as usize],
                    point @ 0x80..PLANE => table.class(point),
                    _ => block[place + 2] | 1,
                };
                for of_byte in place..(place + character.len_utf8()).min(BLOCK) {
                    let own = (0..8).fold(0, |own, bit| own | (planes[bit] >> of_byte & 1) << bit);
                    assert_eq!(own, u64::from(class), "{character:?} at {place}");
                }
            }
            #[cfg(target_arch = "x86_64")]
            for tier in tier::available() {
                match tier {
                    Tier::Scalar => {}
                    Tier::Avx2 => check_characters(Avx2::new().expect("detected"), block, &ascii, &table),
                    Tier::Avx512 => check_characters(Avx512::new().expect("detected"), block, &ascii, &table),
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
        let line = [11, 12, 0, 13, 1 << 40, 2, 11, u64::MAX];
        for key in [0, 1, 11, 12, 13, 14, 1 << 40] {
            let expected = (0..4).find(|&at| line[at] == key).map_or(0, |at| line[4 + at]);
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
