//! The words of a text, lower-cased.
//!
//! A word is a run of letters, digits and underscores; in scripts that write no spaces (Han, kana, Thai, Lao, Khmer,
//! Myanmar, Tibetan) each such character is a word of its own, or a whole sentence would be one. Lower-casing is
//! Unicode's, a character at a time, so a final sigma stays σ.
//!
//! Cost: about 1 ns a byte of ASCII, which goes through a kernel 64 bytes at a time; other text a table look-up a
//! character. Bytes that are not UTF-8 end a word and are skipped.

use std::sync::OnceLock;

use tokenfoundry_kernels::fold_ascii::{BLOCK, fold_ascii};

/// Scripts that put no spaces between words.
fn is_unspaced(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0EFF      // Thai, Lao
        | 0x0F00..=0x109F    // Tibetan, Myanmar
        | 0x1780..=0x17FF    // Khmer
        | 0x3040..=0x30FF | 0x31F0..=0x31FF // kana
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x323AF // Han
    )
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// What the scanner needs to know of a character, in one word: its kind, and its lower case if that is one character.
#[derive(Clone, Copy)]
struct Properties(u32);

impl Properties {
    const WORD: u32 = 1 << 31;
    const ALONE: u32 = 1 << 30;
    const SEVERAL: u32 = 1 << 29;

    fn compute(character: char) -> Self {
        if !is_word(character) {
            return Self(0);
        }
        let mut lower = character.to_lowercase();
        let (first, second) = (lower.next().unwrap_or(character), lower.next());
        let mut bits = Self::WORD | u32::from(first);
        if is_unspaced(character) {
            bits |= Self::ALONE;
        }
        if second.is_some() {
            bits |= Self::SEVERAL;
        }
        Self(bits)
    }

    /// Of any code point; those of the basic plane come from a table of 256 KiB, made on first use.
    fn of(code: u32) -> Self {
        static TABLE: OnceLock<Box<[Properties]>> = OnceLock::new();
        let table = TABLE
            .get_or_init(|| (0..0x10000).map(|code| char::from_u32(code).map_or(Self(0), Self::compute)).collect());
        match table.get(code as usize) {
            Some(&properties) => properties,
            None => char::from_u32(code).map_or(Self(0), Self::compute),
        }
    }
}

/// The code point at `at` and its length; a byte that starts no whole character is U+FFFD, one byte long.
#[inline]
pub fn decode(bytes: &[u8], at: usize) -> (u32, usize) {
    let continuation = |offset: usize| match bytes.get(at + offset) {
        Some(&byte) if byte & 0xC0 == 0x80 => Some(u32::from(byte & 0x3F)),
        _ => None,
    };
    let lead = u32::from(bytes[at]);
    let decoded = match lead {
        0x00..0x80 => return (lead, 1),
        0xC2..0xE0 => continuation(1).map(|one| ((lead & 0x1F) << 6 | one, 2)),
        0xE0..0xF0 => match (continuation(1), continuation(2)) {
            (Some(one), Some(two)) => Some(((lead & 0x0F) << 12 | one << 6 | two, 3)),
            _ => None,
        },
        0xF0..0xF5 => match (continuation(1), continuation(2), continuation(3)) {
            (Some(one), Some(two), Some(three)) => Some(((lead & 0x07) << 18 | one << 12 | two << 6 | three, 4)),
            _ => None,
        },
        _ => None,
    };
    decoded.unwrap_or((0xFFFD, 1))
}

const WINDOW: usize = 64 * BLOCK;

/// Scratch of the scanner: reuse one for many texts.
pub struct Words {
    lowered: Box<[u8; WINDOW]>,
    masks: [u64; WINDOW / BLOCK],
    /// The start of a word that goes on.
    word: Vec<u8>,
}

impl Default for Words {
    fn default() -> Self {
        Self { lowered: Box::new([0; WINDOW]), masks: [0; WINDOW / BLOCK], word: Vec::with_capacity(64) }
    }
}

impl Words {
    /// Visit the words of `text` (UTF-8), each lower-cased, in order.
    #[inline]
    pub fn visit(&mut self, text: &[u8], mut visit: impl FnMut(&[u8])) {
        let mut at = 0;
        self.word.clear();
        while at < text.len() {
            let window = &text[at..text.len().min(at + WINDOW)];
            let done = fold_ascii(window, &mut self.lowered[..], &mut self.masks);
            at += done;
            self.visit_folded(done, &mut visit);
            if done < WINDOW {
                at = self.visit_characters(text, at, &mut visit);
            }
        }
        if !self.word.is_empty() {
            visit(&self.word);
        }
    }

    /// Visit the words of the first `done` bytes of the window; one that reaches its end stays in `self.word`.
    #[inline(always)]
    fn visit_folded(&mut self, done: usize, visit: &mut impl FnMut(&[u8])) {
        let mut inside = !self.word.is_empty();
        let mut start = 0;
        for (block, &mask) in self.masks[..done / BLOCK].iter().enumerate() {
            let mut edges = mask ^ (mask << 1 | u64::from(inside));
            while edges != 0 {
                let edge = block * BLOCK + edges.trailing_zeros() as usize;
                edges &= edges - 1;
                if !inside {
                    start = edge;
                } else if self.word.is_empty() {
                    visit(&self.lowered[start..edge]);
                } else {
                    self.word.extend_from_slice(&self.lowered[start..edge]);
                    visit(&self.word);
                    self.word.clear();
                }
                inside = !inside;
            }
        }
        if inside {
            self.word.extend_from_slice(&self.lowered[start..done]);
        }
    }

    /// Visit at least a block's characters one by one; returns where it stopped.
    #[inline(always)]
    fn visit_characters(&mut self, text: &[u8], mut at: usize, visit: &mut impl FnMut(&[u8])) -> usize {
        let stop = text.len().min(at + BLOCK);
        while at < stop {
            let byte = text[at];
            if byte < 0x80 {
                if byte.is_ascii_alphanumeric() || byte == b'_' {
                    self.word.push(byte.to_ascii_lowercase());
                } else if !self.word.is_empty() {
                    visit(&self.word);
                    self.word.clear();
                }
                at += 1;
                continue;
            }
            let (code, length) = decode(text, at);
            at += length;
            let Properties(bits) = Properties::of(code);
            let alone = bits & Properties::ALONE != 0;
            if (bits == 0 || alone) && !self.word.is_empty() {
                visit(&self.word);
                self.word.clear();
            }
            if bits == 0 {
                continue;
            }
            let mut utf8 = [0; 4];
            if bits & Properties::SEVERAL != 0 {
                for lower in char::from_u32(code).into_iter().flat_map(char::to_lowercase) {
                    self.word.extend_from_slice(lower.encode_utf8(&mut utf8).as_bytes());
                }
            } else if let Some(lower) = char::from_u32(bits & 0x1F_FFFF) {
                self.word.extend_from_slice(lower.encode_utf8(&mut utf8).as_bytes());
            }
            if alone {
                visit(&self.word);
                self.word.clear();
            }
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        Words::default().visit(text, |word| found.push(String::from_utf8_lossy(word).into_owned()));
        found
    }

    #[test]
    fn by_hand() {
        assert_eq!(
            words("Hello, WORLD_1! Ça va? 敏捷 İ".as_bytes()),
            ["hello", "world_1", "ça", "va", "敏", "捷", "i\u{307}"]
        );
    }

    /// A word may begin in one block, window or way of scanning and end in another.
    #[test]
    fn long_words_at_every_offset() {
        for length in [1, 63, 64, 65, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW] {
            for before in [0, 1, 31, 63, 64] {
                let text = format!("{}{} Ä{} z", " ".repeat(before), "Ab".repeat(length), "C".repeat(length));
                let expected = ["ab".repeat(length), format!("ä{}", "c".repeat(length)), "z".into()];
                assert_eq!(words(text.as_bytes()), expected);
            }
        }
    }

    #[test]
    fn damaged_utf8_ends_a_word() {
        assert_eq!(words(b"ab\xFFcd\xE4\xBD ef\xF0"), ["ab", "cd", "ef"]);
    }

    #[test]
    fn decoding_equals_the_standard_library() {
        for character in (0..=0x10FFFF).filter_map(char::from_u32) {
            let mut utf8 = [0; 4];
            let text = character.encode_utf8(&mut utf8).as_bytes();
            assert_eq!(decode(text, 0), (u32::from(character), text.len()));
        }
    }
}
