//! The definition, and the same for vectors, written so that a compiler makes them.

use super::Feistel;

/// Once through the network.
#[inline(always)]
pub(super) fn through(feistel: &Feistel, at: u64) -> u64 {
    let width = feistel.width;
    let (left, right) = if (at | width) >> 32 == 0 {
        // Division of 32 bits takes half the time.
        (u64::from(at as u32 / width as u32), u64::from(at as u32 % width as u32))
    } else {
        (at / width, at % width)
    };
    rounds(feistel, left, right)
}

#[inline(always)]
fn rounds(feistel: &Feistel, mut left: u64, mut right: u64) -> u64 {
    let [first, second, third, fourth] = feistel.keys;
    left = moved(left, right, first, feistel.height);
    right = moved(right, left, second, feistel.width);
    left = moved(left, right, third, feistel.height);
    right = moved(right, left, fourth, feistel.width);
    product(left, feistel.width).wrapping_add(right)
}

/// `digit` moved on within its range by an amount that all bits of `other` and of the key decide. Digits are below 2^31,
/// so all three products are of 32 bits, which every vector has.
#[inline(always)]
fn moved(digit: u64, other: u64, key: u64, range: u64) -> u64 {
    let mixed = product(other ^ key, 0x9E37_79B1);
    let mixed = product(mixed ^ (mixed >> 32) ^ (key >> 32), 0x85EB_CA77);
    let sum = digit.wrapping_add(product(mixed ^ (mixed >> 32), range) >> 32);
    // Back by the range where it was left; the sign bit of a difference below zero says that it was not.
    let below = sum.wrapping_sub(range);
    below.wrapping_add(range & (below >> 63).wrapping_neg())
}

/// Of the low 32 bits of two numbers: the product that vectors have.
#[inline(always)]
fn product(one: u64, other: u64) -> u64 {
    (one & u64::from(u32::MAX)) * (other & u64::from(u32::MAX))
}

const LANES: usize = 16;

/// All of them once through the network; `size` is at most 2^52.
#[inline(always)]
pub(super) fn all_through(feistel: &Feistel, indices: &mut [u64]) {
    let (lanes, rest) = indices.as_chunks_mut::<LANES>();
    let inverse = 1.0 / feistel.width as f64;
    for lanes in lanes {
        for slot in lanes {
            let index = *slot;
            // A quotient that was rounded up is one too many: the remainder says so by wrapping around.
            let quotient = float_to_whole(whole_to_float(index) * inverse);
            let remainder = index.wrapping_sub(product(quotient, feistel.width));
            let too_many = remainder >> 63;
            let right = remainder.wrapping_add(feistel.width & too_many.wrapping_neg());
            *slot = rounds(feistel, quotient.wrapping_sub(too_many), right);
        }
    }
    rest.iter_mut().for_each(|index| *index = through(feistel, *index));
}

/// Added to a whole number below 2^52, or to its bits, this makes the one the other: conversions that every vector has.
const MAGIC: f64 = 4_503_599_627_370_496.0;

#[inline(always)]
fn whole_to_float(whole: u64) -> f64 {
    f64::from_bits(whole | MAGIC.to_bits()) - MAGIC
}

/// Rounded to the nearest: may be one too many.
#[inline(always)]
fn float_to_whole(float: f64) -> u64 {
    (float + MAGIC).to_bits() ^ MAGIC.to_bits()
}
