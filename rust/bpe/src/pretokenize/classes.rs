//! Classes of characters as bits, one byte a character, in the groups that one family of patterns tells apart.

use std::sync::OnceLock;

use tokenfoundry_kernels::byte_classes::CharacterTable;

use super::ascii;
use crate::unicode::{self, Category};

/// A family's classes: by byte for ASCII, by general category for the rest.
pub struct Classes {
    ascii: [u8; 128],
    by_category: [u8; unicode::CATEGORIES],
    characters: OnceLock<CharacterTable>,
}

/// The classes of every family that are not letters.
pub const NEWLINE: u8 = 1;
pub const SPACE: u8 = 2;
pub const WHITE: u8 = 4;
pub const NUMBER: u8 = 8;
/// All of White_Space: line ends, U+0020, and the rest.
pub const ANY_WHITE: u8 = NEWLINE | SPACE | WHITE;

impl Classes {
    /// `by_category` says which bits each letter, mark, punctuation, symbol and other category has; numbers and White_Space
    /// are the same in all families.
    pub const fn new(letters: &[(Category, u8)], rest: u8) -> Self {
        let mut by_category = [rest; unicode::CATEGORIES];
        let mut index = 0;
        while index < letters.len() {
            by_category[letters[index].0 as usize] = letters[index].1;
            index += 1;
        }
        by_category[Category::DecimalNumber as usize] = NUMBER;
        by_category[Category::OtherNumber as usize] = NUMBER;
        by_category[Category::WhiteSpace as usize] = WHITE;
        let mut ascii = [0; 128];
        let mut byte = 0;
        while byte < 128 {
            ascii[byte] = match byte as u8 {
                b'\r' | b'\n' => NEWLINE,
                b' ' => SPACE,
                b'\t' | 0x0B | 0x0C => WHITE,
                b'0'..=b'9' => NUMBER,
                b'A'..=b'Z' => by_category[Category::UpperCase as usize],
                b'a'..=b'z' => by_category[Category::LowerCase as usize],
                b'$' | b'+' | b'<' | b'=' | b'>' | b'^' | b'`' | b'|' | b'~' => by_category[Category::Symbol as usize],
                b'!'..=b'/' | b':'..=b'@' | b'['..=b'`' | b'{'..=b'~' => by_category[Category::Punctuation as usize],
                _ => rest,
            };
            byte += 1;
        }
        Self { ascii, by_category, characters: OnceLock::new() }
    }

    pub fn ascii(&self) -> &[u8; 128] {
        &self.ascii
    }

    /// Those beyond ASCII; made when first asked for, in 0.3 ms.
    #[inline(always)]
    pub fn characters(&self) -> &CharacterTable {
        self.characters.get_or_init(|| CharacterTable::new(|code_point| self.of(code_point)))
    }

    /// The bits of the character at `at` and its length in bytes; `(0, 0)` at the end.
    #[inline(always)]
    pub fn at(&self, text: &[u8], at: usize) -> (u8, usize) {
        match text.get(at) {
            None => (0, 0),
            Some(&byte) if byte < 128 => (self.ascii[byte as usize], 1),
            Some(_) => self.beyond_ascii(text, at),
        }
    }

    #[inline]
    fn beyond_ascii(&self, text: &[u8], at: usize) -> (u8, usize) {
        let (code_point, length) = unicode::decode(text, at);
        (self.of(code_point), length)
    }

    #[inline(always)]
    pub fn of(&self, code_point: u32) -> u8 {
        self.by_category[(unicode::properties(code_point) & 15) as usize]
    }

    /// Where the run of characters with any of `bits` that starts at `at` ends.
    #[inline(always)]
    pub fn run(&self, text: &[u8], mut at: usize, bits: u8) -> usize {
        loop {
            let (found, length) = self.at(text, at);
            if found & bits == 0 {
                return at;
            }
            at += length;
        }
    }
}

impl Classes {
    /// [`Self::run`] for bits that all ASCII letters have.
    #[inline(always)]
    pub fn run_of_letters(&self, text: &[u8], at: usize, bits: u8) -> usize {
        let end = ascii::letters(text, at);
        if text.get(end).is_some_and(|&byte| byte >= 128) { self.run_beyond_ascii(text, end, bits) } else { end }
    }

    /// A run of letters that goes on, or not, beyond ASCII: words of other alphabets are long and of one kind.
    #[inline(never)]
    fn run_beyond_ascii(&self, text: &[u8], at: usize, bits: u8) -> usize {
        self.run(text, at, bits)
    }
}

/// Length of `'s 't 're 've 'm 'll 'd` at `at`, where an apostrophe must stand; 0 if it is none of them.
#[inline]
pub fn contraction(text: &[u8], at: usize) -> usize {
    match (text.get(at + 1), text.get(at + 2)) {
        (Some(b's' | b't' | b'm' | b'd'), _) => 2,
        (Some(b'r' | b'v'), Some(b'e')) | (Some(b'l'), Some(b'l')) => 3,
        _ => 0,
    }
}

/// [`contraction`] whatever the case; `ſ` (U+017F) folds to `s`.
#[inline]
pub fn contraction_any_case(text: &[u8], at: usize) -> usize {
    let lower = |distance: usize| text.get(at + distance).map_or(0, u8::to_ascii_lowercase);
    match (lower(1), lower(2)) {
        (b's' | b't' | b'm' | b'd', _) => 2,
        (b'r' | b'v', b'e') | (b'l', b'l') | (0xC5, 0xBF) => 3,
        _ => 0,
    }
}

/// The three last alternatives of every family, `\s*[\r\n]+|\s+(?!\S)|\s+`, for a run of White_Space that starts at `start`.
///
/// `TAIL`: a run at the end of the text is one piece even if it holds a line end (`\s++$` before the others).
/// `NEWLINES`: the first alternative is there.
#[inline]
pub fn white_space<const NEWLINES: bool, const TAIL: bool>(classes: &Classes, text: &[u8], start: usize) -> usize {
    let mut end = start;
    let mut last_start = start;
    let mut after_newline = start;
    loop {
        let (bits, length) = classes.at(text, end);
        if bits & ANY_WHITE == 0 {
            break;
        }
        last_start = end;
        end += length;
        if NEWLINES && bits & NEWLINE != 0 {
            after_newline = end;
        }
    }
    if TAIL && end == text.len() {
        end
    } else if NEWLINES && after_newline > start {
        after_newline
    } else if end == text.len() || last_start == start {
        end
    } else {
        last_start
    }
}
