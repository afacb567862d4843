//! Writing slots one after another past the caches, in whole lines.
//!
//! For columns that are larger than the caches: a line that is written whole and past them is not read before, which is a
//! third of the traffic. What does not fill a line waits here for what comes next: a part of a line would have to be
//! read, and all later stores would wait for it. Cost: the bytes at the speed at which memory takes them.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::prefetch::LINE_BYTES;
use crate::tier::{self, Tier};
use crate::token_copy::Slot;

/// The most slots of a line.
const MOST: usize = 16;

/// Fills a slice from its begin. All of it is written when the writer is dropped.
pub struct LineWriter<'a, S: Slot> {
    out: &'a mut [S],
    /// Slots that are written; then some that wait in `line`.
    written: usize,
    waiting: usize,
    line: [S; MOST],
    tier: Tier,
}

/// Whole lines to fill from `first` of what is appended.
struct Lines<S> {
    count: usize,
    /// Aligned, with room for all.
    to: *mut S,
}

impl<'a, S: Slot> LineWriter<'a, S> {
    const SLOTS: usize = LINE_BYTES / size_of::<S>();

    pub fn new(out: &'a mut [S]) -> Self {
        Self::on(tier::current(), out)
    }

    /// [`LineWriter::new`] on a given tier, or the best below it that this CPU has.
    pub fn on(tier: Tier, out: &'a mut [S]) -> Self {
        const { assert!(size_of::<S>() == 4 || size_of::<S>() == 8) };
        Self { out, written: 0, waiting: 0, line: [S::from_id(0); MOST], tier: tier.min(tier::detected()) }
    }

    /// Slots that may yet come.
    pub fn room(&self) -> usize {
        self.out.len() - self.written - self.waiting
    }

    /// Append `count` slots: `some(from, slots)` makes those from `from` on, `lines(from, lines)` whole lines of them,
    /// where the tier writes such. Panics where there is no room.
    #[inline(always)]
    fn append(&mut self, count: usize, some: impl Fn(usize, &mut [S]), lines: impl FnOnce(usize, Lines<S>)) {
        assert!(count <= self.room());
        let mut made = 0;
        if self.tier == Tier::Scalar {
            let begin = self.written;
            some(0, &mut self.out[begin..begin + count]);
            self.written += count;
            return;
        }
        // To the end of the line: the first one of the slice may be less than whole.
        let at = self.written + self.waiting;
        let before = self.out[at..].as_ptr().align_offset(LINE_BYTES).min(self.out.len() - at);
        if before > 0 && before < Self::SLOTS || self.waiting > 0 {
            made = before.min(count);
            some(0, &mut self.line[self.waiting..self.waiting + made]);
            self.waiting += made;
            if made < before {
                return;
            }
            self.flush();
        }
        let whole = (count - made) / Self::SLOTS;
        if whole > 0 {
            let slots = whole * Self::SLOTS;
            let room = &mut self.out[self.written..self.written + slots];
            lines(made, Lines { count: whole, to: room.as_mut_ptr() });
            self.written += slots;
            made += slots;
        }
        some(made, &mut self.line[..count - made]);
        self.waiting = count - made;
    }

    /// Write what waits.
    #[inline]
    fn flush(&mut self) {
        let to = &mut self.out[self.written..self.written + self.waiting];
        #[cfg(target_arch = "x86_64")]
        if self.waiting == Self::SLOTS {
            let lines = Lines { count: 1, to: to.as_mut_ptr() };
            // SAFETY: the tier is one that this CPU has; as many slots wait as a line has, and only where one begins.
            unsafe {
                match self.tier {
                    Tier::Avx512 => avx512::copy(&self.line, lines),
                    Tier::Avx2 => avx2::copy(&self.line, lines),
                    Tier::Scalar => to.copy_from_slice(&self.line[..Self::SLOTS]),
                }
            }
            self.written += self.waiting;
            self.waiting = 0;
            return;
        }
        to.copy_from_slice(&self.line[..self.waiting]);
        self.written += self.waiting;
        self.waiting = 0;
    }

    /// `count` times the same.
    pub fn fill(&mut self, value: S, count: usize) {
        let tier = self.tier;
        self.append(
            count,
            |_, slots| slots.fill(value),
            |_, lines| match tier {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the tier is one that this CPU has.
                Tier::Avx512 => unsafe { avx512::fill(value, lines) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Tier::Avx2 => unsafe { avx2::fill(value, lines) },
                _ => {}
            },
        );
    }

    /// Tokens. `ahead` is what will be read next: it is asked for on the way.
    pub fn tokens(&mut self, tokens: &[u32], ahead: &[u32]) {
        let tier = self.tier;
        self.append(
            tokens.len(),
            |from, slots| scalar::tokens(&tokens[from..], slots),
            |from, lines| match tier {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the tier is one that this CPU has, and there is a token for each slot.
                Tier::Avx512 => unsafe { avx512::tokens(&tokens[from..], ahead, lines) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Tier::Avx2 => unsafe { avx2::tokens(&tokens[from..], ahead, lines) },
                _ => {}
            },
        );
    }

    /// Tokens, and `otherwise` where the mask, which is as long, is 0.
    pub fn masked_tokens(&mut self, tokens: &[u32], mask: &[u8], otherwise: S) {
        assert_eq!(tokens.len(), mask.len());
        let tier = self.tier;
        self.append(
            tokens.len(),
            |from, slots| scalar::masked_tokens(&tokens[from..], &mask[from..], otherwise, slots),
            |from, lines| match tier {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the tier is one that this CPU has, and there is a token and a byte for each slot.
                Tier::Avx512 => unsafe { avx512::masked_tokens(&tokens[from..], &mask[from..], otherwise, lines) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Tier::Avx2 => unsafe { avx2::masked_tokens(&tokens[from..], &mask[from..], otherwise, lines) },
                _ => {}
            },
        );
    }
}

impl LineWriter<'_, i32> {
    /// 0, 1 and so on, `count` of them.
    pub fn count_up(&mut self, count: usize) {
        let tier = self.tier;
        self.append(count, scalar::count_up, |from, lines| match tier {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the tier is one that this CPU has.
            Tier::Avx512 => unsafe { avx512::count_up(from as i32, lines) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Tier::Avx2 => unsafe { avx2::count_up(from as i32, lines) },
            _ => {}
        });
    }
}

impl<S: Slot> Drop for LineWriter<'_, S> {
    /// Write what waits, and wait until all is where another thread may look for it.
    fn drop(&mut self) {
        self.flush();
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an instruction that every x86-64 has.
        unsafe {
            std::arch::x86_64::_mm_sfence()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fill slots from `begin` of a line on with pieces of these lengths, and with something else between them.
    fn made<S: Slot>(tier: Tier, begin: usize, lengths: &[usize], tokens: &[u32], mask: &[u8]) -> Vec<S> {
        let mut room = vec![S::from_id(7); begin + lengths.iter().sum::<usize>() * 2 + 3 * lengths.len() + 9];
        let end = room.len() - 5;
        let mut writer = LineWriter::on(tier, &mut room[begin..end]);
        for &length in lengths {
            writer.tokens(&tokens[..length], &tokens[length / 2..]);
            writer.fill(S::from_id(3), 3);
            writer.masked_tokens(&tokens[1..=length], &mask[1..=length], S::from_id(11));
        }
        assert_eq!(writer.room(), 4);
        drop(writer);
        room
    }

    fn equal<S: Slot + PartialEq + std::fmt::Debug>() {
        let tokens: Vec<u32> = (1..600u32).map(|number| number.wrapping_mul(2_654_435_761)).collect();
        let mask: Vec<u8> = tokens.iter().map(|&token| if token % 3 == 0 { 0 } else { (token >> 20) as u8 }).collect();
        for lengths in [&[0usize, 1, 2, 70, 3, 0, 0, 33][..], &[500, 1, 64, 16, 16, 15, 17], &[], &[5], &[16], &[255]] {
            for begin in 0..17 {
                let expected: Vec<S> = made(Tier::Scalar, begin, lengths, &tokens, &mask);
                for tier in tier::available() {
                    assert_eq!(made::<S>(tier, begin, lengths, &tokens, &mask), expected, "{tier:?} {begin}");
                }
            }
        }
    }

    #[test]
    fn every_tier_equals_the_definition() {
        equal::<u32>();
        equal::<i32>();
        equal::<i64>();
        for tier in tier::available() {
            for begin in 0..17 {
                let mut room = vec![-1; 300];
                let mut writer = LineWriter::on(tier, &mut room[begin..]);
                for count in [0, 5, 100, 16, 1] {
                    writer.count_up(count);
                }
                drop(writer);
                let expected: Vec<i32> = (0..5).chain(0..100).chain(0..16).chain(0..1).collect();
                assert_eq!(room[begin..begin + 122], expected);
                assert!(room[..begin].iter().chain(&room[begin + 122..]).all(|&slot| slot == -1));
            }
        }
    }

    #[test]
    fn the_definition_by_hand() {
        let mut room = [0i64; 7];
        let mut writer = LineWriter::on(Tier::Scalar, &mut room);
        writer.tokens(&[7, u32::MAX], &[]);
        writer.masked_tokens(&[8, 9], &[0, 2], -100);
        writer.fill(-1, 2);
        drop(writer);
        assert_eq!(room, [7, i64::from(u32::MAX), -100, 9, -1, -1, 0]);
    }
}
