//! Moving tokens: from files of two or four bytes a token to slots of four or eight; and positions counted up.
//!
//! Cost: a load and a store a vector, so the speed of the memory that is read and written.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

pub use scalar::{Slot, TokenBytes};

use crate::tier::{self, Tier};

/// Tokens as a file has them (little-endian, two or four bytes each) to slots; as many as there are of both. `ahead` is
/// what will be read next, if known: its lines are asked for on the way.
pub fn widen<B: TokenBytes, S: Slot>(tokens: &[B], out: &mut [S], ahead: &[B]) {
    widen_on(tier::current(), tokens, out, ahead);
}

/// [`widen`] on a given tier, or the best below it that this CPU has.
pub fn widen_on<B: TokenBytes, S: Slot>(tier: Tier, tokens: &[B], out: &mut [S], ahead: &[B]) {
    match tier.min(tier::detected()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU.
        Tier::Avx512 => unsafe { avx512::widen(tokens, out, ahead) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Tier::Avx2 => unsafe { avx2::widen(tokens, out, ahead) },
        _ => scalar::widen(tokens, out, ahead),
    }
}

/// [`widen`] to `out`, and the tokens one on to `next`: there is one token more than `out` and `next` have slots.
pub fn widen_pair<B: TokenBytes, S: Slot, L: Slot>(tokens: &[B], out: &mut [S], next: &mut [L], ahead: &[B]) {
    widen_pair_on(tier::current(), tokens, out, next, ahead);
}

/// [`widen_pair`] on a given tier.
pub fn widen_pair_on<B: TokenBytes, S: Slot, L: Slot>(
    tier: Tier,
    tokens: &[B],
    out: &mut [S],
    next: &mut [L],
    ahead: &[B],
) {
    assert!(tokens.len() == out.len() + 1 && out.len() == next.len());
    match tier.min(tier::detected()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU.
        Tier::Avx512 => unsafe { avx512::widen_pair(tokens, out, next, ahead) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Tier::Avx2 => unsafe { avx2::widen_pair(tokens, out, next, ahead) },
        _ => scalar::widen_pair(tokens, out, next, ahead),
    }
}

/// `first`, `first + 1` and so on.
pub fn count_up(out: &mut [i32], first: i32) {
    count_up_on(tier::current(), out, first);
}

/// [`count_up`] on a given tier.
pub fn count_up_on(tier: Tier, out: &mut [i32], first: i32) {
    match tier.min(tier::detected()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU.
        Tier::Avx512 => unsafe { avx512::count_up(out, first) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Tier::Avx2 => unsafe { avx2::count_up(out, first) },
        _ => scalar::count_up(out, first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widened<B: TokenBytes, S: Slot + PartialEq + std::fmt::Debug>(tokens: &[B]) {
        for tier in tier::available() {
            for length in (0..70).chain([255, 1000]) {
                let mut out = vec![S::from_id(7); length + 1];
                widen_on(tier, &tokens[1..], &mut out[1..], &tokens[..length / 2]);
                let expected: Vec<S> = tokens[1..=length].iter().map(|&bytes| S::from_id(bytes.id())).collect();
                assert_eq!(out[1..], expected, "{tier:?} {length}");
                // Begun at any place in a line, together or apart.
                for (one, other) in [(0, 0), (1, 1), (2, 7), (5, 5)] {
                    let (mut now, mut next) = (vec![S::from_id(3); length + 9], vec![S::from_id(4); length + 9]);
                    let (to, to_next) = (&mut now[one..one + length], &mut next[other..other + length]);
                    widen_pair_on(tier, &tokens[1..=length + 1], to, to_next, &tokens[..length / 2]);
                    assert_eq!(now[one..one + length], expected, "{tier:?} {length}");
                    let one_on: Vec<S> = tokens[2..=length + 1].iter().map(|&bytes| S::from_id(bytes.id())).collect();
                    assert_eq!(next[other..other + length], one_on, "{tier:?} {length}");
                    assert!(now[one + length..].iter().all(|&slot| slot == S::from_id(3)));
                    assert!(next[other + length..].iter().all(|&slot| slot == S::from_id(4)));
                }
            }
        }
    }

    #[test]
    fn every_tier_equals_the_definition() {
        let numbers = (0..1100u32).map(|number| number.wrapping_mul(2_654_435_761));
        let four: Vec<[u8; 4]> = numbers.clone().map(u32::to_le_bytes).collect();
        let two: Vec<[u8; 2]> = numbers.map(|number| (number as u16).to_le_bytes()).collect();
        widened::<_, u32>(&four);
        widened::<_, i32>(&four);
        widened::<_, i64>(&four);
        widened::<_, u32>(&two);
        widened::<_, i32>(&two);
        widened::<_, i64>(&two);
        for tier in tier::available() {
            for length in 0..70 {
                let mut out = vec![-1; length];
                count_up_on(tier, &mut out, 5);
                assert_eq!(out, (5..5 + length as i32).collect::<Vec<_>>());
            }
        }
    }
}
