//! What a character is: one table of flags for all of Unicode, built once from Unicode 16.0.
//!
//! The general categories come from `regex-syntax`, which the redaction patterns need anyway; [`is_space`] and the
//! line breaks are Python's `str.isspace` and `str.splitlines`, because the published rules were written in Python.
//! The table takes 80 kB and about two milliseconds at first use; a look-up is two loads.

use std::sync::OnceLock;

use regex_syntax::hir::{Class, HirKind};

use crate::segment;

/// General category L: what Python's `str.isalpha` says of one character.
pub const LETTER: u16 = 1 << 0;
/// General category M.
pub const MARK: u16 = 1 << 1;
/// Python's `str.isspace`.
pub const SPACE: u16 = 1 << 2;
/// ASCII `0` to `9`.
pub const DIGIT: u16 = 1 << 3;
/// The property Uppercase.
pub const UPPER: u16 = 1 << 4;
/// The property Lowercase.
pub const LOWER: u16 = 1 << 5;
/// Taken off either end of a chunk as a word of its own (see [`crate::segment`]).
pub const PEEL: u16 = 1 << 6;
/// General category So: pictographs and the like, which also split a chunk in its middle.
pub const ICON: u16 = 1 << 7;
/// Scripts written without spaces between words, one word a character: Han, Hiragana, Katakana.
pub const IDEOGRAPH: u16 = 1 << 9;
/// Ends a sentence in some script (FineWeb's list of 159).
pub const TERMINAL: u16 = 1 << 10;
/// A word made of these only is a symbol, not a word (datatrove's list for Gopher's word count).
pub const SYMBOL: u16 = 1 << 11;
/// Ends a line for Python's `str.splitlines`.
pub const LINE_BREAK: u16 = 1 << 12;

/// General category P.
pub const PUNCTUATION: u16 = 1 << 8;
/// Ends a sentence for spaCy's sentencizer: its list of 128.
pub const SENTENCE_END: u16 = 1 << 13;
/// General category Nd: what Python's `\d` matches.
pub const DECIMAL: u16 = 1 << 14;

/// General category N.
pub const NUMBER: u16 = 1 << 15;

/// Code points that end a sentence: FineWeb's list, inclusive ranges.
pub const TERMINAL_RANGES: &[(u32, u32)] = &[
    (0x21, 0x21),
    (0x2E, 0x2E),
    (0x3F, 0x3F),
    (0x589, 0x589),
    (0x61D, 0x61F),
    (0x6D4, 0x6D4),
    (0x700, 0x702),
    (0x7F9, 0x7F9),
    (0x837, 0x837),
    (0x839, 0x839),
    (0x83D, 0x83E),
    (0x964, 0x965),
    (0x104A, 0x104B),
    (0x1362, 0x1362),
    (0x1367, 0x1368),
    (0x166E, 0x166E),
    (0x1735, 0x1736),
    (0x17D4, 0x17D6),
    (0x17D9, 0x17DA),
    (0x1803, 0x1803),
    (0x1809, 0x1809),
    (0x1944, 0x1945),
    (0x1AA8, 0x1AAB),
    (0x1B5A, 0x1B5B),
    (0x1B5E, 0x1B5F),
    (0x1B7D, 0x1B7E),
    (0x1C3B, 0x1C3C),
    (0x1C7E, 0x1C7F),
    (0x203C, 0x203D),
    (0x2047, 0x2049),
    (0x2E2E, 0x2E2E),
    (0x2E3C, 0x2E3C),
    (0x2E53, 0x2E54),
    (0x3002, 0x3002),
    (0xA4FF, 0xA4FF),
    (0xA60E, 0xA60F),
    (0xA6F3, 0xA6F3),
    (0xA6F7, 0xA6F7),
    (0xA876, 0xA877),
    (0xA8CE, 0xA8CF),
    (0xA92F, 0xA92F),
    (0xA9C8, 0xA9C9),
    (0xAA5D, 0xAA5F),
    (0xAAF0, 0xAAF1),
    (0xABEB, 0xABEB),
    (0xFE52, 0xFE52),
    (0xFE56, 0xFE57),
    (0xFF01, 0xFF01),
    (0xFF0E, 0xFF0E),
    (0xFF1F, 0xFF1F),
    (0xFF61, 0xFF61),
    (0x10A56, 0x10A57),
    (0x10F55, 0x10F59),
    (0x10F86, 0x10F89),
    (0x11047, 0x11048),
    (0x110BE, 0x110C1),
    (0x11141, 0x11143),
    (0x111C5, 0x111C6),
    (0x111CD, 0x111CD),
    (0x111DE, 0x111DF),
    (0x11238, 0x11239),
    (0x1123B, 0x1123C),
    (0x112A9, 0x112A9),
    (0x1144B, 0x1144C),
    (0x115C2, 0x115C3),
    (0x115C9, 0x115D7),
    (0x11641, 0x11642),
    (0x1173C, 0x1173E),
    (0x11944, 0x11944),
    (0x11946, 0x11946),
    (0x11A42, 0x11A43),
    (0x11A9B, 0x11A9C),
    (0x11C41, 0x11C42),
    (0x11EF7, 0x11EF8),
    (0x11F43, 0x11F44),
    (0x16A6E, 0x16A6F),
    (0x16AF5, 0x16AF5),
    (0x16B37, 0x16B38),
    (0x16B44, 0x16B44),
    (0x16E98, 0x16E98),
    (0x1BC9F, 0x1BC9F),
    (0x1DA88, 0x1DA88),
];

/// The other symbols of datatrove's Gopher filter: control characters and punctuation, inclusive ranges.
pub const SYMBOL_RANGES: &[(u32, u32)] = &[
    (0x0, 0x8),
    (0xB, 0x1F),
    (0x21, 0x2F),
    (0x3A, 0x40),
    (0x5B, 0x60),
    (0x7B, 0x9F),
    (0xAB, 0xAB),
    (0xB4, 0xB4),
    (0xBB, 0xBB),
    (0x2013, 0x2014),
    (0x2019, 0x2019),
    (0x201C, 0x201E),
    (0x2026, 0x2026),
    (0x2236, 0x2236),
    (0x2501, 0x2501),
    (0x25BA, 0x25BA),
    (0x3001, 0x3002),
    (0x3008, 0x300D),
    (0x3010, 0x3011),
    (0xFF01, 0xFF01),
    (0xFF05, 0xFF05),
    (0xFF08, 0xFF09),
    (0xFF0C, 0xFF0C),
    (0xFF0E, 0xFF0E),
    (0xFF11, 0xFF11),
    (0xFF1A, 0xFF1B),
    (0xFF1F, 0xFF1F),
    (0xFF5E, 0xFF5E),
];

/// Of those, the ones that spaCy's sentencizer does not know.
const NO_SENTENCE_END_RANGES: &[(u32, u32)] = &[
    (0x61D, 0x61E),
    (0x837, 0x837),
    (0x839, 0x839),
    (0x83D, 0x83E),
    (0x17D4, 0x17D6),
    (0x17D9, 0x17DA),
    (0x1B7D, 0x1B7E),
    (0x2E53, 0x2E54),
    (0x10F55, 0x10F59),
    (0x10F86, 0x10F89),
    (0x11944, 0x11944),
    (0x11946, 0x11946),
    (0x11EF7, 0x11EF8),
    (0x11F43, 0x11F44),
    (0x16E98, 0x16E98),
];

const SPACE_RANGES: &[(u32, u32)] = &[
    (0x09, 0x0D),
    (0x1C, 0x20),
    (0x85, 0x85),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
];
const LINE_BREAK_RANGES: &[(u32, u32)] = &[(0x0A, 0x0D), (0x1C, 0x1E), (0x85, 0x85), (0x2028, 0x2029)];

/// Flags of every code point: a row of 256 for each high part, equal rows shared.
pub struct Characters {
    row_of: Vec<u16>,
    flags: Vec<u16>,
}

impl Characters {
    #[inline]
    pub fn flags(&self, character: char) -> u16 {
        let code = character as usize;
        self.flags[usize::from(self.row_of[code >> 8]) << 8 | (code & 0xFF)]
    }

    /// Flags of an ASCII byte.
    #[inline]
    pub fn ascii(&self, byte: u8) -> u16 {
        self.flags[usize::from(byte)]
    }

    #[inline]
    pub fn is(&self, character: char, flags: u16) -> bool {
        self.flags(character) & flags != 0
    }
}

/// The inclusive ranges of a Unicode class such as `\p{L}`; empty for a class that does not exist.
pub(crate) fn class_ranges(pattern: &str) -> Vec<(u32, u32)> {
    let Ok(parsed) = regex_syntax::parse(pattern) else {
        return Vec::new();
    };
    match parsed.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            class.ranges().iter().map(|range| (range.start() as u32, range.end() as u32)).collect()
        }
        _ => Vec::new(),
    }
}

/// The table of this process.
pub fn characters() -> &'static Characters {
    static CHARACTERS: OnceLock<Characters> = OnceLock::new();
    CHARACTERS.get_or_init(build)
}

fn build() -> Characters {
    let mut flat = vec![0u16; 0x11_0000];
    let mut mark = |ranges: &[(u32, u32)], flag: u16| {
        for &(first, last) in ranges {
            flat[first as usize..=last as usize].iter_mut().for_each(|flags| *flags |= flag);
        }
    };
    mark(&class_ranges(r"\p{L}"), LETTER);
    mark(&class_ranges(r"\p{M}"), MARK);
    mark(&class_ranges(r"\p{Uppercase}"), UPPER);
    mark(&class_ranges(r"\p{Lowercase}"), LOWER);
    mark(&class_ranges(r"[\p{P}\p{So}\p{Sc}--\p{ascii}]"), PEEL);
    mark(&class_ranges(r"\p{So}"), ICON);
    mark(&class_ranges(r"[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}&&\p{L}]"), IDEOGRAPH);
    mark(SPACE_RANGES, SPACE);
    mark(LINE_BREAK_RANGES, LINE_BREAK);
    mark(&class_ranges(r"\p{P}"), PUNCTUATION);
    mark(&class_ranges(r"\p{Nd}"), DECIMAL);
    mark(&class_ranges(r"\p{N}"), NUMBER);
    mark(TERMINAL_RANGES, TERMINAL | SYMBOL | SENTENCE_END);
    mark(SYMBOL_RANGES, SYMBOL);
    for byte in segment::PEELED {
        mark(&[(u32::from(*byte), u32::from(*byte))], PEEL);
    }
    mark(&[(0x30, 0x39)], DIGIT);
    for &(first, last) in NO_SENTENCE_END_RANGES {
        flat[first as usize..=last as usize].iter_mut().for_each(|flags| *flags &= !SENTENCE_END);
    }

    let mut rows = std::collections::HashMap::new();
    let mut characters = Characters { row_of: Vec::with_capacity(flat.len() >> 8), flags: Vec::new() };
    for row in flat.chunks_exact(256) {
        let number = *rows.entry(row).or_insert_with(|| {
            characters.flags.extend_from_slice(row);
            (characters.flags.len() / 256 - 1) as u16
        });
        characters.row_of.push(number);
    }
    characters
}

/// Characters (code points) in UTF-8 text: its bytes that do not continue one.
#[inline]
pub fn count(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| (byte as i8) >= -0x40).count()
}

/// Python's `str.strip()` for text.
pub fn trim(text: &str) -> &str {
    // Most texts begin and end with a letter or a mark.
    if let (Some(first), Some(last)) = (text.as_bytes().first(), text.as_bytes().last())
        && first.is_ascii_graphic()
        && last.is_ascii_graphic()
    {
        return text;
    }
    let characters = characters();
    text.trim_matches(|character| characters.is(character, SPACE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_what_python_knows() {
        let table = characters();
        assert!(table.is('é', LETTER) && table.is('é', LOWER) && !table.is('é', PEEL));
        assert!(table.is('\u{1C}', SPACE) && table.is('\u{3000}', SPACE) && !table.is('\u{200B}', SPACE));
        assert!(table.is('中', IDEOGRAPH) && table.is('カ', IDEOGRAPH) && !table.is('。', IDEOGRAPH));
        assert!(
            table.is('。', TERMINAL) && table.is('。', SYMBOL) && table.is('…', SYMBOL) && !table.is('…', TERMINAL)
        );
        assert!(!table.is('-', PEEL) && table.is('—', PEEL) && table.is('€', PEEL) && table.is('☃', ICON));
        assert!(table.flags.len() < 80_000, "{} flags", table.flags.len());
        assert_eq!(count("aé中😀".as_bytes()), 4);
    }
}
