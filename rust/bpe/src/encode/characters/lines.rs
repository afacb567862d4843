//! A table of whole cache lines, of a size that grows from little to a limit. An entry is in its home line, or where that
//! is full in one of those beside it.
//!
//! Numbers and no structs, so that the system gives the memory zeroed and untouched. A key is never zero in its last
//! word, which holds its length.

use tokenfoundry_kernels::huge_pages;
use tokenfoundry_kernels::prefetch::prefetch;

const WORDS: usize = 8;
/// Lines that are looked through for an entry, a power of two.
const NEAR: usize = 8;

/// Entries of `ENTRY` words, of which the first `KEY` are the key.
#[derive(Debug)]
pub struct Lines<const ENTRY: usize, const KEY: usize> {
    words: Vec<u64>,
    /// Words before the first whole cache line.
    skip: usize,
    lines: usize,
    most: usize,
    used: usize,
    turn: usize,
}

impl<const ENTRY: usize, const KEY: usize> Lines<ENTRY, KEY> {
    /// `lines` and `most` are powers of two, and a line holds a whole number of entries.
    pub fn new(lines: usize, most: usize) -> Self {
        let words = vec![0u64; lines * WORDS + WORDS - 1];
        huge_pages::advise(&words);
        let skip = words.as_ptr().align_offset(64).min(WORDS - 1);
        Self { words, skip, lines, most, used: 0, turn: 0 }
    }

    /// Where the home line of a key starts.
    #[inline(always)]
    pub fn home(&self, key: &[u64; KEY]) -> usize {
        const ODD: [u64; 4] =
            [0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0xD6E8_FEB8_6659_FD93];
        let mut sum = 0u64;
        for (word, odd) in key.iter().zip(ODD) {
            sum = (sum.rotate_left(23) ^ word).wrapping_mul(odd);
        }
        self.skip + ((sum >> 32) as usize & (self.lines - 1)) * WORDS
    }

    #[inline(always)]
    pub fn prefetch(&self, home: usize) {
        prefetch(&self.words, home);
    }

    /// The line that is `distance` beside one: all within the same [`NEAR`].
    #[inline(always)]
    fn beside(&self, line: usize, distance: usize) -> usize {
        self.skip + ((line - self.skip) ^ (distance * WORDS))
    }

    #[inline(always)]
    fn find_in(&self, line: usize, key: &[u64; KEY]) -> Option<&[u64; ENTRY]> {
        let line: &[u64; WORDS] = self.words.get(line..)?.first_chunk()?;
        let mut found = None;
        for entry in line.as_chunks::<ENTRY>().0 {
            let mut differs = 0;
            for (own, word) in entry.iter().zip(key) {
                differs |= own ^ word;
            }
            if differs == 0 {
                found = Some(entry);
            }
        }
        found
    }

    /// The entry of `key`, whose home is `home`.
    #[inline(always)]
    pub fn find(&self, home: usize, key: &[u64; KEY]) -> Option<&[u64; ENTRY]> {
        match self.find_in(home, key) {
            Some(entry) => Some(entry),
            None => self.find_beside(home, key),
        }
    }

    #[inline(never)]
    fn find_beside(&self, home: usize, key: &[u64; KEY]) -> Option<&[u64; ENTRY]> {
        // Nothing is ever taken out, so what was put beside a line found it full.
        let is_full = |line: usize| self.words.get(line + WORDS - ENTRY + KEY - 1).is_some_and(|&word| word != 0);
        let mut line = home;
        for distance in 1..NEAR {
            if !is_full(line) {
                return None;
            }
            line = self.beside(home, distance);
            if let Some(entry) = self.find_in(line, key) {
                return Some(entry);
            }
        }
        None
    }

    /// Put an entry into the place that its key has, a free one, or over another.
    pub fn insert(&mut self, entry: &[u64; ENTRY]) {
        if self.used * ENTRY * 2 > self.lines * WORDS && self.lines < self.most {
            self.grow();
        }
        self.place(entry);
    }

    fn place(&mut self, entry: &[u64; ENTRY]) {
        let Some(key) = entry.first_chunk::<KEY>() else { return };
        let home = self.home(key);
        let lines = (0..NEAR).map(|distance| self.beside(home, distance));
        let mut places = lines.flat_map(|line| (line..line + WORDS).step_by(ENTRY));
        let place = places.find(|&at| {
            let own = &self.words[at..at + KEY];
            own[KEY - 1] == 0 || own == key
        });
        let at = place.unwrap_or_else(|| {
            self.turn += 1;
            self.beside(home, self.turn % NEAR) + self.turn / NEAR * ENTRY % WORDS
        });
        self.used += usize::from(self.words[at + KEY - 1] == 0);
        self.words[at..at + ENTRY].copy_from_slice(entry);
    }

    /// Four times the lines, with all entries.
    #[cold]
    fn grow(&mut self) {
        let mut larger = Self::new((self.lines * 4).min(self.most), self.most);
        for entry in self.words[self.skip..self.skip + self.lines * WORDS].as_chunks::<ENTRY>().0 {
            if entry[KEY - 1] != 0 {
                larger.place(entry);
            }
        }
        *self = larger;
    }
}
