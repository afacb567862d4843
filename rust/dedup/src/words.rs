//! The words of a text, lower-cased.
//!
//! A word is a run of letters, digits and underscores; in scripts that write no spaces (Han, kana, Thai, Lao, Khmer,
//! Myanmar, Tibetan) each such character is a word of its own, or a whole sentence would be one. Lower-casing is
//! Unicode's, a character at a time, so a final sigma stays σ.
//!
//! Text is folded, some kilobytes at a time, into a buffer of lower-cased words, and where they begin and end is listed;
//! so that what comes next (hashing) runs over lists and not through a state machine.
//!
//! Cost: about 0.1 ns a byte of ASCII with AVX-512, which goes through kernels 64 bytes at a time; other text a table
//! look-up a character. Bytes that are not UTF-8 end a word and are skipped.

use std::sync::OnceLock;

use tokenfoundry_kernels::edges::edges;
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

/// Bytes folded at once: with the list of their words they stay in the first cache.
const WINDOW: usize = 128 * BLOCK;
/// Bytes behind the last word that may be read, so that a word can be loaded whole: see [`Batch`].
pub const SLACK: usize = 16;
/// No character's lower case takes more than twice its bytes; the characters of one block and the slack fit.
const ROOM: usize = 4 * BLOCK;
/// A word longer than this is cut, so that places fit in 32 bits.
const LONGEST_WORD: usize = 1 << 30;
/// A buffer that a very long word has grown is given back.
const KEPT_BYTES: usize = 1 << 20;

/// Some words, lower-cased: word i is `folded[spans[i][0]..spans[i][1]]`. At least [`SLACK`] bytes lie behind each.
pub struct Batch<'a> {
    pub folded: &'a [u8],
    pub spans: &'a [[u32; 2]],
}

impl<'a> Batch<'a> {
    pub fn words(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let folded = self.folded;
        self.spans.iter().map(move |&[start, end]| &folded[start as usize..end as usize])
    }
}

/// Scratch of the scanner: reuse one for many texts.
pub struct Words {
    folded: Vec<u8>,
    /// Bytes of `folded` that are in use.
    filled: usize,
    masks: [u64; WINDOW / BLOCK],
    /// Start and end of each word, in turn; a last start without an end is a word that goes on.
    edges: Vec<u32>,
}

impl Default for Words {
    fn default() -> Self {
        Self { folded: vec![0; 2 * WINDOW + ROOM], filled: 0, masks: [0; WINDOW / BLOCK], edges: Vec::new() }
    }
}

impl Words {
    /// Visit the words of `text` (UTF-8), each lower-cased, in order.
    #[inline]
    pub fn visit(&mut self, text: &[u8], mut visit: impl FnMut(&[u8])) {
        self.visit_batches(text, |batch| batch.words().for_each(&mut visit));
    }

    /// The same, some hundreds of words at a time.
    pub fn visit_batches(&mut self, text: &[u8], mut visit: impl FnMut(Batch<'_>)) {
        self.filled = 0;
        self.edges.clear();
        let mut at = 0;
        while at < text.len() {
            if self.folded.len() < self.filled + WINDOW + ROOM {
                self.folded.resize(2 * self.filled + WINDOW + ROOM, 0);
            }
            let window = &text[at..text.len().min(at + WINDOW)];
            let done = fold_ascii(window, &mut self.folded[self.filled..], &mut self.masks);
            self.add_folded(done);
            at += done;
            if done < window.len() {
                at = self.add_rest(text, at);
            }
            if self.filled >= WINDOW {
                self.flush(&mut visit);
            }
        }
        if self.inside() {
            self.edges.push(self.filled as u32);
        }
        self.flush(&mut visit);
        if self.folded.len() > KEPT_BYTES {
            self.folded = vec![0; 2 * WINDOW + ROOM];
        }
    }

    fn inside(&self) -> bool {
        self.edges.len() % 2 == 1
    }

    /// Take over `done` bytes that were folded behind the filled ones.
    fn add_folded(&mut self, done: usize) {
        edges(&self.masks[..done / BLOCK], self.inside(), self.filled as u32, &mut self.edges);
        self.filled += done;
    }

    /// Hand on the whole words; one that goes on moves to the front.
    #[inline(always)]
    fn flush(&mut self, visit: &mut impl FnMut(Batch<'_>)) {
        if self.inside() && self.filled >= LONGEST_WORD {
            self.edges.push(self.filled as u32);
        }
        let (spans, open) = self.edges.as_chunks::<2>();
        if !spans.is_empty() {
            visit(Batch { folded: &self.folded, spans });
        }
        match *open {
            // Moving only what follows other words keeps a word of many windows linear.
            [start] if spans.is_empty() && start == 0 => {}
            [start] => {
                self.folded.copy_within(start as usize..self.filled, 0);
                self.filled -= start as usize;
                self.edges.clear();
                self.edges.push(0);
            }
            _ => {
                self.filled = 0;
                self.edges.clear();
            }
        }
    }

    /// The block at `at`, which is not whole or not ASCII; returns where it ends.
    #[inline(always)]
    fn add_rest(&mut self, text: &[u8], at: usize) -> usize {
        let rest = &text[at..text.len().min(at + BLOCK)];
        if rest.len() < BLOCK && rest.is_ascii() {
            let mut block = [0; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            fold_ascii(&block, &mut self.folded[self.filled..], &mut self.masks);
            let filled = self.filled + rest.len();
            self.add_folded(BLOCK);
            // The padding is no word, so an edge beyond the text is the end of one that ends with it.
            self.filled = filled;
            return text.len();
        }
        self.add_characters(text, at)
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        self.folded[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    /// Fold at least a block's characters one by one; returns where it stopped.
    fn add_characters(&mut self, text: &[u8], mut at: usize) -> usize {
        let stop = text.len().min(at + BLOCK);
        while at < stop {
            let byte = text[at];
            if byte < 0x80 {
                let word = byte.is_ascii_alphanumeric() || byte == b'_';
                if word != self.inside() {
                    self.edges.push(self.filled as u32);
                }
                self.folded[self.filled] = byte.to_ascii_lowercase();
                self.filled += 1;
                at += 1;
                continue;
            }
            let (code, length) = decode(text, at);
            at += length;
            let Properties(bits) = Properties::of(code);
            let alone = bits & Properties::ALONE != 0;
            if (bits == 0 || alone) && self.inside() {
                self.edges.push(self.filled as u32);
            }
            if bits == 0 {
                continue;
            }
            if !self.inside() {
                self.edges.push(self.filled as u32);
            }
            let mut utf8 = [0; 4];
            if bits & Properties::SEVERAL != 0 {
                for lower in char::from_u32(code).into_iter().flat_map(char::to_lowercase) {
                    self.push_bytes(lower.encode_utf8(&mut utf8).as_bytes());
                }
            } else if let Some(lower) = char::from_u32(bits & 0x1F_FFFF) {
                self.push_bytes(lower.encode_utf8(&mut utf8).as_bytes());
            }
            if alone {
                self.edges.push(self.filled as u32);
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
