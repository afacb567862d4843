//! What a code point is, for the split patterns: its general category in the groups that patterns tell apart,
//! White_Space, and whether its script is Han. Unicode 16.0.
//!
//! The references follow 16.0 (tiktoken 0.14, tokenizers 0.23), and a character's class decides where a text is cut,
//! so the version is part of a tokenizer's identity: [`UNICODE_VERSION`]. One lookup is two loads, about 1 ns.

pub mod bert;
pub mod older;
pub mod scripts;
mod table;

use table::{BLOCK_OF, PROPERTIES};

/// The version of every Unicode table of this crate, the regex engine's included.
pub const UNICODE_VERSION: (u8, u8, u8) = (16, 0, 0);

/// A group of general categories. White_Space wins over the category (tab is Cc, no-break space is Zs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Category {
    Other = 0,
    UpperCase = 1,
    LowerCase = 2,
    TitleCase = 3,
    ModifierLetter = 4,
    OtherLetter = 5,
    Mark = 6,
    DecimalNumber = 7,
    OtherNumber = 8,
    Punctuation = 9,
    Symbol = 10,
    WhiteSpace = 11,
}

/// Number of [`Category`] values, padded to what four bits hold, for tables indexed by [`properties`]` & 15`.
pub const CATEGORIES: usize = 16;

/// Set in [`properties`] where the script is Han.
pub const HAN: u8 = 16;

/// The category in the low four bits, and [`HAN`].
#[inline(always)]
pub fn properties(code_point: u32) -> u8 {
    let block = match BLOCK_OF.get((code_point >> 7) as usize) {
        Some(&block) => block as usize,
        None => return 0,
    };
    // Every block number in BLOCK_OF names a block of 128 entries; the `get` is for the compiler.
    PROPERTIES.get(block * 128 + (code_point & 127) as usize).copied().unwrap_or(0)
}

pub fn is_white_space(character: char) -> bool {
    properties(character as u32) & 15 == Category::WhiteSpace as u8
}

/// A number to the `Digits` of `tokenizers`, which asks Rust's standard library.
pub fn is_number(character: char) -> bool {
    character.is_numeric()
}

/// Punctuation to the `Punctuation` of `tokenizers`: category P, by the older tables that it has.
pub fn is_punctuation(character: char) -> bool {
    let now = properties(character as u32) & 15 == Category::Punctuation as u8;
    now != older::contains(&older::PUNCTUATION_CHANGED, character)
}

/// The code point that starts at `at` and its length in bytes; `at` must be a character boundary before the end.
/// Bytes that are no UTF-8 give some code point and a length that stays within the text.
#[inline(always)]
pub fn decode(text: &[u8], at: usize) -> (u32, usize) {
    let byte = |distance: usize| text.get(at + distance).map_or(0, |&byte| (byte & 0x3F) as u32);
    let first = text[at] as u32;
    let (code_point, length) = if first < 0x80 {
        (first, 1)
    } else if first < 0xE0 {
        ((first & 0x1F) << 6 | byte(1), 2)
    } else if first < 0xF0 {
        ((first & 0x0F) << 12 | byte(1) << 6 | byte(2), 3)
    } else {
        ((first & 0x07) << 18 | byte(1) << 12 | byte(2) << 6 | byte(3), 4)
    };
    (code_point, length.min(text.len() - at))
}

/// Where the character that ends at `end` starts.
#[inline(always)]
pub fn previous_boundary(text: &[u8], end: usize) -> usize {
    let mut start = end.saturating_sub(1);
    while start > 0 && text[start] & 0xC0 == 0x80 {
        start -= 1;
    }
    start
}

#[cfg(test)]
mod tests {
    use regex_syntax::hir::{Class, HirKind};

    use super::*;

    fn in_class(pattern: &str) -> Vec<bool> {
        let mut inside = vec![false; 0x11_0000];
        let hir = regex_syntax::parse(pattern).expect("a class");
        let HirKind::Class(Class::Unicode(class)) = hir.kind() else { panic!("{pattern}") };
        for range in class.ranges() {
            inside[range.start() as usize..=range.end() as usize].fill(true);
        }
        inside
    }

    #[test]
    fn table_is_the_regex_engines_unicode() {
        let groups = [
            (r"\p{Lu}", Category::UpperCase),
            (r"\p{Ll}", Category::LowerCase),
            (r"\p{Lt}", Category::TitleCase),
            (r"\p{Lm}", Category::ModifierLetter),
            (r"\p{Lo}", Category::OtherLetter),
            (r"\p{M}", Category::Mark),
            (r"\p{Nd}", Category::DecimalNumber),
            (r"[\p{Nl}\p{No}]", Category::OtherNumber),
            (r"\p{P}", Category::Punctuation),
            (r"\p{S}", Category::Symbol),
            (r"\s", Category::WhiteSpace),
        ];
        for (pattern, category) in groups {
            for (code_point, inside) in in_class(pattern).into_iter().enumerate() {
                assert_eq!(
                    properties(code_point as u32) & 15 == category as u8,
                    inside,
                    "{pattern} U+{code_point:04X}"
                );
            }
        }
        for (code_point, inside) in in_class(r"\p{Han}").into_iter().enumerate() {
            assert_eq!(properties(code_point as u32) & HAN != 0, inside, "Han U+{code_point:04X}");
        }
    }

    /// Letters of Unicode 16 that were unassigned in 15.1, and one of 17 that must not be a letter here.
    #[test]
    fn version_is_16() {
        assert_eq!(properties(0x1C89) & 15, Category::UpperCase as u8);
        assert_eq!(properties(0x105C0) & 15, Category::OtherLetter as u8);
        assert_eq!(properties(0x323B0) & 15, Category::Other as u8);
    }

    #[test]
    fn decodes_what_rust_decodes() {
        for character in ['a', 'é', '中', '🙂', '\u{10FFFF}'] {
            let text = format!("x{character}y");
            assert_eq!(decode(text.as_bytes(), 1), (character as u32, character.len_utf8()));
            assert_eq!(previous_boundary(text.as_bytes(), 1 + character.len_utf8()), 1);
        }
        assert_eq!(decode(&[0xF0], 0).1, 1);
    }
}
