//! The words of a text as bits, three for each of its bytes, however many words there are.
//!
//! Words come in any order and are had in order, from any place on. Cost: 24 bytes for 64 of the text.

use tokenfoundry_kernels::byte_classes::BLOCK;

/// A word's place in the text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Word {
    pub start: usize,
    pub end: usize,
    /// ASCII letters and digits only.
    pub plain: bool,
}

impl Word {
    #[inline]
    pub fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }
}

/// Bits of 64 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    /// First bytes of words.
    pub starts: u64,
    /// Last bytes of words.
    pub ends: u64,
    /// First bytes of words of ASCII letters and digits only.
    pub plain: u64,
}

/// The words of one text.
#[derive(Debug, Default)]
pub struct Words {
    pub(super) blocks: Vec<Places>,
    pub(super) count: usize,
}

impl Words {
    /// No words of a text of so many blocks.
    pub(super) fn reset(&mut self, blocks: usize) {
        self.blocks.clear();
        self.blocks.reserve_exact(blocks);
        self.blocks.resize(blocks, Places::default());
        self.count = 0;
    }

    #[inline]
    pub(super) fn add(&mut self, start: usize, end: usize, plain: bool) {
        let last = end - 1;
        let first = &mut self.blocks[start / BLOCK];
        first.starts |= 1 << (start % BLOCK);
        first.plain |= u64::from(plain) << (start % BLOCK);
        self.blocks[last / BLOCK].ends |= 1 << (last % BLOCK);
    }

    /// Take away the words that start from `start` on and before `end`, which no other word spans.
    pub(super) fn erase(&mut self, start: usize, end: usize) {
        let (first, last) = (start / BLOCK, end.div_ceil(BLOCK).min(self.blocks.len()));
        for (index, places) in (first..last).zip(&mut self.blocks[first..last]) {
            let kept = if index == first { !(u64::MAX << (start % BLOCK)) } else { 0 };
            places.starts &= kept;
            places.ends &= kept;
            places.plain &= kept;
        }
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn iter(&self) -> Iter<'_> {
        self.from(0)
    }

    /// The words that start at byte `at` or later; no word may span it.
    #[inline]
    pub fn from(&self, at: usize) -> Iter<'_> {
        let index = at / BLOCK;
        let live = u64::MAX << (at % BLOCK);
        let places = self.blocks.get(index).copied().unwrap_or_default();
        let (starts, ends) = (places.starts & live, places.ends & live);
        Iter { blocks: &self.blocks, start_block: index, starts, end_block: index, ends }
    }
}

/// Words in order.
#[derive(Clone, Debug)]
pub struct Iter<'w> {
    blocks: &'w [Places],
    start_block: usize,
    starts: u64,
    end_block: usize,
    ends: u64,
}

impl Iterator for Iter<'_> {
    type Item = Word;

    #[inline(always)]
    fn next(&mut self) -> Option<Word> {
        while self.starts == 0 {
            self.start_block += 1;
            self.starts = self.blocks.get(self.start_block)?.starts;
        }
        while self.ends == 0 {
            self.end_block += 1;
            self.ends = self.blocks.get(self.end_block)?.ends;
        }
        let (start, end) = (self.starts.trailing_zeros(), self.ends.trailing_zeros());
        self.starts &= self.starts - 1;
        self.ends &= self.ends - 1;
        Some(Word {
            start: self.start_block * BLOCK + start as usize,
            end: self.end_block * BLOCK + end as usize + 1,
            plain: self.blocks[self.start_block].plain >> start & 1 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_in_order_from_any_place() {
        let mut words = Words::default();
        words.reset(4);
        for (start, end) in [(130, 131), (0, 3), (60, 70), (63 + 64, 64 + 64)] {
            words.add(start, end, start == 60);
        }
        let places = |from: usize| words.from(from).map(|word| (word.start, word.end)).collect::<Vec<_>>();
        assert_eq!(places(0), [(0, 3), (60, 70), (127, 128), (130, 131)]);
        assert_eq!(places(70), [(127, 128), (130, 131)]);
        assert_eq!(places(1000), []);
        assert!(words.iter().nth(1).is_some_and(|word| word.plain));
        words.erase(60, 129);
        assert_eq!(words.iter().map(|word| word.start).collect::<Vec<_>>(), [0]);
    }
}
