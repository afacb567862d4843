//! Kinds of a text's bytes, a bit a byte, and what else one look at every byte tells: characters and line ends.

use tokenfoundry_kernels::byte_classes::{AsciiTable, BLOCK, Classifier, Scalar};
use tokenfoundry_kernels::on_tier::{Work, on_tier};

/// The masks of 64 bytes; bit i is byte i. White space is Python's; behind the end of the text all is white space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block {
    pub alphanumeric: u64,
    pub space: u64,
    /// Bytes of 0x80 and more.
    pub foreign: u64,
    /// ASCII marks that are words of their own at either end of a chunk.
    pub peel: u64,
    /// Marks that are so at its start only: `%`, `=`, `$`.
    pub opening: u64,
    pub dot: u64,
    pub upper: u64,
    pub newline: u64,
}

const END: Block =
    Block { alphanumeric: 0, space: u64::MAX, foreign: 0, peel: 0, opening: 0, dot: 0, upper: 0, newline: 0 };

/// ASCII marks that are taken off both ends of a chunk.
pub const PEELED: &[u8] = b",:;!?()[]{}<>_#*&'\"`";

/// Bit by bit: letters and digits, white space, peeled marks, opening marks, dots, capitals, newlines, other line breaks.
const KINDS: AsciiTable = {
    let mut kinds = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        let one = byte as u8;
        kinds[byte] = one.is_ascii_alphanumeric() as u8
            | (matches!(one, 0x09..=0x0D | 0x1C..=0x20) as u8) << 1
            | (matches!(one, b'%' | b'=' | b'$') as u8) << 3
            | ((one == b'.') as u8) << 4
            | (one.is_ascii_uppercase() as u8) << 5
            | ((one == b'\n') as u8) << 6
            | (matches!(one, 0x0B..=0x0D | 0x1C..=0x1E) as u8) << 7;
        byte += 1;
    }
    let mut index = 0;
    while index < PEELED.len() {
        kinds[PEELED[index] as usize] |= 1 << 2;
        index += 1;
    }
    kinds
};

/// Kinds of a text's bytes.
#[derive(Clone, Debug, Default)]
pub struct Masks {
    pub(super) blocks: Vec<Block>,
    newlines: usize,
    characters: usize,
    other_breaks: bool,
    has_dots: bool,
}

struct Fill<'a> {
    masks: &'a mut Masks,
    text: &'a [u8],
}

impl Work for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, classifier: impl Classifier) {
        let Self { masks, text } = self;
        let (whole, rest) = text.as_chunks::<BLOCK>();
        let (mut continuations, mut breaks, mut newlines) = (0, 0, 0);
        let (mut dots, mut dot_before) = (0, 0);
        let mut add = |bytes: &[u8; BLOCK]| {
            let [alphanumeric, space, peel, opening, dot, upper, newline, others] =
                classifier.planes(bytes, &KINDS, None);
            let high = classifier.bytes(bytes);
            continuations += high.continuation.count_ones() as usize;
            breaks |= others;
            dots |= dot & (dot << 1 | dot_before);
            dot_before = dot >> 63;
            masks.blocks.push(Block { alphanumeric, space, foreign: high.high, peel, opening, dot, upper, newline });
            newlines += newline.count_ones() as usize;
        };
        whole.iter().for_each(&mut add);
        let mut last = [b' '; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        add(&last);
        masks.blocks.push(END);
        masks.characters = text.len() - continuations;
        masks.newlines = newlines;
        masks.other_breaks = breaks != 0;
        masks.has_dots = dots != 0;
    }
}

impl Masks {
    /// Look at `text`, which is shorter than 4 GiB.
    pub fn fill(&mut self, text: &[u8]) {
        self.blocks.clear();
        self.blocks.reserve_exact(text.len() / BLOCK + 2);
        on_tier(Fill { masks: self, text }, |work| work.run(Scalar));
    }

    /// Code points, if the text is UTF-8.
    pub fn characters(&self) -> usize {
        self.characters
    }

    /// How many newlines there are.
    pub fn newlines(&self) -> usize {
        self.newlines
    }

    /// Whether there are ASCII characters other than newlines that end lines for Python's `str.splitlines`.
    pub fn other_breaks(&self) -> bool {
        self.other_breaks
    }

    /// Whether two dots stand side by side.
    pub fn has_dots(&self) -> bool {
        self.has_dots
    }

    /// The first place from `at` on whose bit in what `kind` gives is set; there is one behind the end of every text.
    #[inline]
    fn next(&self, at: usize, kind: impl Fn(&Block) -> u64) -> usize {
        let mut index = at / BLOCK;
        let mut bits = kind(&self.blocks[index]) & (u64::MAX << (at % BLOCK));
        while bits == 0 {
            index += 1;
            match self.blocks.get(index) {
                Some(block) => bits = kind(block),
                None => return index * BLOCK,
            }
        }
        index * BLOCK + bits.trailing_zeros() as usize
    }

    #[inline]
    pub fn is_space(&self, at: usize) -> bool {
        self.blocks[at / BLOCK].space & 1 << (at % BLOCK) != 0
    }

    /// Where the ASCII letters and digits that begin at `at`, if any, end.
    #[inline]
    pub fn skip_alphanumeric(&self, at: usize) -> usize {
        self.next(at, |block| !block.alphanumeric)
    }

    /// The first ASCII letter or digit, or byte that is not ASCII, from `at` on.
    #[inline]
    pub fn next_word_byte(&self, at: usize) -> usize {
        self.next(at, |block| block.alphanumeric | block.foreign)
    }

    /// The first ASCII white space from `at` on, or behind the end.
    #[inline]
    pub fn next_space(&self, at: usize) -> usize {
        self.next(at, |block| block.space)
    }

    /// The first newline from `at` on, or behind the end.
    #[inline]
    pub fn next_newline(&self, at: usize) -> usize {
        self.next(at, |block| block.newline)
    }

    /// The first of several newlines in a row from `at` on, or behind the end.
    #[inline]
    pub fn next_newlines(&self, at: usize) -> usize {
        let mut index = at / BLOCK;
        let mut live = u64::MAX << (at % BLOCK);
        while let Some(block) = self.blocks.get(index) {
            let after = self.blocks.get(index + 1).map_or(0, |block| block.newline);
            let several = block.newline & (block.newline >> 1 | after << 63) & live;
            if several != 0 {
                return index * BLOCK + several.trailing_zeros() as usize;
            }
            (index, live) = (index + 1, u64::MAX);
        }
        index * BLOCK
    }

    /// The first byte that is no newline from `at` on.
    #[inline]
    pub fn skip_newlines(&self, at: usize) -> usize {
        self.next(at, |block| !block.newline)
    }

    /// The first byte of `start..end` that is no ASCII white space, or `end`.
    #[inline]
    pub fn first_written(&self, start: usize, end: usize) -> usize {
        self.next_before(start, end, |block| !block.space).unwrap_or(end)
    }

    /// The place behind the last byte of `start..end` that is no ASCII white space, or `start`.
    #[inline]
    pub fn behind_last_written(&self, start: usize, end: usize) -> usize {
        self.behind_last(start, end, |block| !block.space)
    }

    /// The place behind the last ASCII white space of `start..end`, or `start`.
    #[inline]
    pub fn behind_last_space(&self, start: usize, end: usize) -> usize {
        self.behind_last(start, end, |block| block.space)
    }

    #[inline]
    fn behind_last(&self, start: usize, end: usize, kind: impl Fn(&Block) -> u64) -> usize {
        let mut index = end / BLOCK;
        let mut bits = kind(&self.blocks[index]) & !(u64::MAX << (end % BLOCK));
        while bits == 0 {
            if index * BLOCK <= start {
                return start;
            }
            index -= 1;
            bits = kind(&self.blocks[index]);
        }
        (index * BLOCK + BLOCK - bits.leading_zeros() as usize).max(start)
    }

    /// The first byte of `start..end` that is not ASCII.
    #[inline]
    pub fn next_foreign(&self, start: usize, end: usize) -> Option<usize> {
        self.next_before(start, end, |block| block.foreign)
    }

    /// The first place of `start..end` whose bit in what `kind` gives is set.
    #[inline]
    fn next_before(&self, start: usize, end: usize, kind: impl Fn(&Block) -> u64) -> Option<usize> {
        let mut index = start / BLOCK;
        let mut bits = kind(&self.blocks[index]) & (u64::MAX << (start % BLOCK));
        while bits == 0 {
            index += 1;
            if index * BLOCK >= end {
                return None;
            }
            bits = kind(&self.blocks[index]);
        }
        let found = index * BLOCK + bits.trailing_zeros() as usize;
        (found < end).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_look_tells() {
        let mut masks = Masks::default();
        let text = "a1 _é\nX.\r".repeat(20);
        masks.fill(text.as_bytes());
        assert_eq!(masks.characters(), text.chars().count());
        assert_eq!(masks.newlines(), 20);
        assert_eq!((masks.next_newline(0), masks.next_newline(7), masks.next_newline(197)), (6, 16, 320));
        assert_eq!((masks.next_newlines(0), masks.skip_newlines(6), masks.first_written(2, 9)), (320, 7, 3));
        assert_eq!((masks.first_written(2, 3), masks.first_written(3, 3)), (3, 3));
        assert_eq!((masks.behind_last_written(0, 3), masks.behind_last_written(2, 3)), (2, 2));
        assert!(masks.other_breaks());
        assert_eq!(masks.behind_last_space(0, 5), 3);
        assert_eq!(masks.behind_last_space(4, 5), 4);
        assert_eq!(masks.next_foreign(0, 90), Some(4));
        assert_eq!(masks.skip_alphanumeric(0), 2);
        masks.fill(b"");
        assert_eq!((masks.characters(), masks.next_space(0), masks.other_breaks()), (0, 0, false));
    }
}
