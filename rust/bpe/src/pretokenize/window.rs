//! Many pieces at once: where pieces start in a window of 64 bytes, by arithmetic on masks of one bit a byte.
//!
//! A window always begins where a piece begins, and what a pattern matches depends on nothing before that place, so
//! windows need no memory of each other. A family of patterns says in [`Scan::starts`] where pieces start as far as the
//! window shows it; the next window begins at the last such place. Where the masks do not decide (rare characters, a piece
//! longer than the window) the family's [`Scan::end`] does, piece by piece.
//!
//! All bytes of a character carry its class, so "the character before" is the byte before.

use std::ops::Range;

use tokenfoundry_kernels::byte_classes::{AsciiTable, BLOCK, Bytes, CharacterTable, Classifier};

use tokenfoundry_kernels::prefetch::prefetch;

use super::Scan;
use super::classes::{NEWLINE, NUMBER, SPACE, WHITE};

/// Bytes that must follow where a window begins, other than at the end of a text: the window, and what decoding its last
/// character, or looking for a contraction, may read beyond.
pub const NEEDED: usize = BLOCK + 8;

/// Text that comes so many bytes later is asked for now.
const READ_AHEAD: usize = 1024;

/// A window's masks.
pub struct Window {
    /// The places that are text.
    pub valid: u64,
    /// The text ends in the window.
    pub last: bool,
    pub bytes: Bytes,
    planes: [u64; 8],
}

impl Window {
    /// `text` from `at` on has [`NEEDED`] bytes, of which the first `length` (64 at most) count.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        classifier: impl Classifier,
        ascii: &AsciiTable,
        characters: &CharacterTable,
        class_of: impl Fn(&[u8], usize) -> (u8, usize),
        text: &[u8],
        at: usize,
        length: usize,
        last: bool,
    ) -> Option<Self> {
        let block: &[u8; BLOCK] = text.get(at..)?.first_chunk()?;
        let bytes = classifier.bytes(block);
        let valid = u64::MAX >> (BLOCK - length.clamp(1, BLOCK));
        let mut planes = if bytes.high == 0 {
            classifier.planes(block, ascii, None)
        } else {
            let long = text.get(at..)?.first_chunk()?;
            classifier.character_planes(long, ascii, characters, |place| class_of(text, at + place).0)
        };
        for plane in &mut planes {
            *plane &= valid;
        }
        Some(Self { valid, last, bytes, planes })
    }

    /// The characters whose class has the one bit `class`.
    #[inline(always)]
    pub fn of(&self, class: u8) -> u64 {
        self.planes[class.trailing_zeros() as usize & 7]
    }

    /// Where the characters that start at `starts` end.
    #[inline(always)]
    pub fn after(&self, starts: u64) -> u64 {
        if self.bytes.high == 0 {
            starts << 1
        } else {
            // A bit added to a run of continuation bytes comes out behind it.
            (starts << 1).wrapping_add(self.bytes.continuation) & !self.bytes.continuation
        }
    }

    /// The first bytes of the characters that end where `ends` says.
    #[inline(always)]
    fn before(&self, ends: u64) -> u64 {
        let one = ends >> 1;
        if self.bytes.high == 0 {
            return one;
        }
        let continuation = self.bytes.continuation;
        let two = (one & continuation) >> 1;
        let three = (two & continuation) >> 1;
        let four = (three & continuation) >> 1;
        (one & !continuation) | (two & !continuation) | (three & !continuation) | four
    }

    /// Starts of runs of `what`.
    #[inline(always)]
    pub fn runs(what: u64) -> u64 {
        what & !(what << 1)
    }

    /// Those of `of` that are reached from `seeds` going up through nothing but `of`.
    #[inline(always)]
    pub fn flood(seeds: u64, of: u64) -> u64 {
        of & !of.wrapping_add(seeds & of)
    }

    #[inline(always)]
    pub fn white(&self) -> u64 {
        self.of(SPACE) | self.of(WHITE) | self.of(NEWLINE)
    }

    /// Where numbers start, `digits` (1 or 3) in a piece. `None` where the masks do not decide.
    #[inline(always)]
    pub fn number_starts(&self, digits: usize) -> Option<u64> {
        let numbers = self.of(NUMBER);
        if digits == 1 {
            return Some(numbers & !self.bytes.continuation);
        }
        if numbers & self.bytes.high != 0 {
            return None;
        }
        let mut starts = Self::runs(numbers);
        let four = numbers & numbers << 1 & numbers << 2 & numbers << 3;
        let mut next = starts << 3 & four;
        while next != 0 {
            starts |= next;
            next = next << 3 & four;
        }
        Some(starts)
    }

    /// Where pieces start within White_Space, by `\s*[\r\n]+|\s+(?!\S)|\s+` (without the first if not `NEWLINES`).
    ///
    /// `absorbed`: line ends that are part of the piece before. `segment_ends`: characters before which the last character of
    /// a run is not left for the piece to come. `TAIL`: a run at the end of the text is one piece.
    #[inline(always)]
    pub fn white_starts<const NEWLINES: bool, const TAIL: bool>(&self, absorbed: u64, segment_ends: u64) -> u64 {
        let all_white = self.white();
        let white = all_white & !absorbed;
        if white == 0 {
            return 0;
        }
        let first = Self::runs(white);
        let mut starts = first;
        let newline = if NEWLINES { self.of(NEWLINE) & !absorbed } else { 0 };
        let plain = white & !newline;
        if newline != 0 {
            // After a line end, if no other follows in the run.
            let mut after = newline << 1 & plain;
            let landed = plain.wrapping_add(after) & !plain;
            if landed & newline != 0 {
                let mut left = after;
                while left != 0 {
                    let one = left & left.wrapping_neg();
                    left &= left - 1;
                    if Self::lowest_above(one, !plain) & newline != 0 {
                        after &= !one;
                    }
                }
            }
            starts |= after;
        }
        // The last character of a run, if it is no line end and something follows.
        let ends = white << 1 & !all_white & self.valid & !segment_ends;
        starts |= self.before(ends) & plain;
        if TAIL && self.last {
            let tail = self.trailing(white);
            starts &= !tail | first;
        }
        starts
    }

    /// The lowest bit of `of` that is not below `from`.
    #[inline(always)]
    fn lowest_above(from: u64, of: u64) -> u64 {
        let above = of & !(from - 1);
        above & above.wrapping_neg()
    }

    /// The run of `what` that touches the end of the valid places.
    #[inline(always)]
    fn trailing(&self, what: u64) -> u64 {
        let gaps = self.valid & !what;
        if gaps == 0 { self.valid } else { self.valid & !(u64::MAX >> gaps.leading_zeros()) }
    }

    /// `starts` without those that what follows the window may undo, and without the window's own start.
    #[inline(always)]
    pub fn certain(&self, starts: u64) -> u64 {
        let starts = starts & self.valid & !1;
        if self.last {
            return starts;
        }
        // In a run of White_Space that goes on only the first place is certain.
        let trailing = self.trailing(self.white());
        starts & !(trailing & trailing << 1)
    }
}

/// How many ends were found, and where the piece after the last of them starts.
pub struct Found {
    pub count: usize,
    pub at: usize,
}

/// The ends, relative to `base`, of the pieces from the start of `range` on until one starts at its end or later; the end
/// leaves [`NEEDED`] bytes of text.
///
/// `ends` has room for `most + 64`; stops when there are `most` or more.
#[inline(always)]
pub fn scan<S: Scan>(
    classifier: impl Classifier,
    scanner: S,
    text: &[u8],
    base: usize,
    range: Range<usize>,
    most: usize,
    ends: &mut [u32],
) -> Found {
    let Range { start: mut at, end: stop } = range;
    let mut count = 0;
    while at < stop && count < most {
        prefetch(text, at + READ_AHEAD);
        let window = scanner.starts(classifier, text, at, BLOCK, false);
        if let Some(starts) = window
            && starts != 0
            && let Some(places) = ends.get_mut(count..).and_then(|rest| rest.first_chunk_mut())
        {
            count += classifier.places(starts, (at - base) as u32, places);
            at += 63 - starts.leading_zeros() as usize;
            continue;
        }
        // Piece by piece, past what the window could not tell.
        let past = at + BLOCK / 2;
        while at < past && at < stop && count < most {
            at = scanner.end(text, at);
            if let Some(end) = ends.get_mut(count) {
                *end = (at - base) as u32;
            }
            count += 1;
        }
    }
    Found { count, at }
}

/// Ends of the pieces of all of `text[..length]` from `at` on, where [`NEEDED`] bytes follow `length` that are no text.
#[inline(always)]
pub fn scan_last<S: Scan>(
    classifier: impl Classifier,
    scanner: S,
    text: &[u8],
    length: usize,
    base: usize,
    mut at: usize,
    ends: &mut [u32],
) -> usize {
    let mut count = 0;
    while at < length {
        let left = length - at;
        let window = scanner.starts(classifier, text, at, left.min(BLOCK), left <= BLOCK);
        if let Some(starts) = window
            && (starts != 0 || left <= BLOCK)
            && let Some(places) = ends.get_mut(count..).and_then(|rest| rest.first_chunk_mut())
        {
            count += classifier.places(starts, (at - base) as u32, places);
            if left > BLOCK {
                at += 63 - starts.leading_zeros() as usize;
                continue;
            }
            at = length;
        } else {
            at = scanner.end(&text[..length], at);
        }
        if let Some(end) = ends.get_mut(count) {
            *end = (at - base) as u32;
        }
        count += 1;
    }
    count
}
