//! Whether a text is in a normalization form already: a scan of nearly all texts that are, and no copy.
//!
//! A character that is fine by itself, whatever is beside it, has a bit in a table; ASCII is skipped eight bytes at a time.
//! From the first other character on the crate's own quick check decides.

use std::sync::OnceLock;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc_quick, is_nfkc_quick};

use crate::unicode::decode;

/// A bit for each code point below U+10000.
struct Fine(Box<[u64; 1 << 10]>);

impl Fine {
    fn new(is_fine: impl Fn(char) -> bool) -> Self {
        let mut bits = Box::new([0; 1 << 10]);
        for character in (0..1 << 16).filter_map(char::from_u32) {
            bits[character as usize / 64] |=
                u64::from(canonical_combining_class(character) == 0 && is_fine(character)) << (character as u32 % 64);
        }
        Self(bits)
    }

    #[inline(always)]
    fn has(&self, code_point: u32) -> bool {
        self.0.get(code_point as usize / 64).is_some_and(|word| word >> (code_point % 64) & 1 != 0)
    }
}

/// The place of the first character that is not fine.
fn first_other(fine: &Fine, text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if let Some(eight) = bytes[at..].first_chunk::<8>()
            && u64::from_le_bytes(*eight) & 0x8080_8080_8080_8080 == 0
        {
            at += 8;
        } else if bytes[at] < 0x80 {
            at += 1;
        } else {
            let (code_point, length) = decode(bytes, at);
            if !fine.has(code_point) {
                return Some(at);
            }
            at += length;
        }
    }
    None
}

/// Whether `text` is surely in NFC.
pub fn is_nfc(text: &str) -> bool {
    static FINE: OnceLock<Fine> = OnceLock::new();
    if text.is_ascii() {
        return true;
    }
    let fine = FINE.get_or_init(|| Fine::new(|character| is_nfc_quick([character].into_iter()) == IsNormalized::Yes));
    first_other(fine, text).is_none_or(|at| is_nfc_quick(text[at..].chars()) == IsNormalized::Yes)
}

/// Whether `text` is surely in NFKC.
pub fn is_nfkc(text: &str) -> bool {
    static FINE: OnceLock<Fine> = OnceLock::new();
    if text.is_ascii() {
        return true;
    }
    let fine = FINE.get_or_init(|| Fine::new(|character| is_nfkc_quick([character].into_iter()) == IsNormalized::Yes));
    first_other(fine, text).is_none_or(|at| is_nfkc_quick(text[at..].chars()) == IsNormalized::Yes)
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    #[test]
    fn what_is_called_normalized_is() {
        let mut seed = 7u64;
        let all: Vec<char> = ('\0'..=char::MAX).collect();
        // Characters that do things to their neighbours, among any others.
        let near =
            ['e', '\u{301}', '\u{323}', '\u{1161}', '\u{1100}', '\u{11A8}', '가', 'é', '中', '\u{93C}', 'ﬁ', 'Å'];
        for round in 0..200_000usize {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = (seed >> 20) as usize;
            let other = if round < all.len() { all[round] } else { all[number % all.len()] };
            let text: String =
                [near[number % 12], other, near[number / 12 % 12], near[number / 144 % 12]].iter().collect();
            if is_nfc(&text) {
                assert!(text.nfc().eq(text.chars()), "{text:?}");
            }
            if is_nfkc(&text) {
                assert!(text.nfkc().eq(text.chars()), "{text:?}");
            }
        }
        assert!(is_nfc("Zażółć gęślą jaźń, 敏捷的棕色狐狸, 다람쥐, Ёлка ﬁ") && !is_nfc("e\u{301}"));
        assert!(is_nfkc("Zażółć gęślą jaźń, 敏捷的棕色狐狸, 다람쥐") && !is_nfkc("ﬁ"));
    }
}
