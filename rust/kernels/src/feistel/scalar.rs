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
    rounds::<false>(feistel, left, right)
}

#[inline(always)]
fn rounds<const MINIMA: bool>(feistel: &Feistel, mut left: u64, mut right: u64) -> u64 {
    let [first, second, third, fourth] = feistel.keys;
    left = moved::<MINIMA>(left, right, first, feistel.height);
    right = moved::<MINIMA>(right, left, second, feistel.width);
    left = moved::<MINIMA>(left, right, third, feistel.height);
    right = moved::<MINIMA>(right, left, fourth, feistel.width);
    product(left, feistel.width).wrapping_add(right)
}

/// `digit` moved on within its range by an amount that all bits of `other` and of the key decide. Digits are below 2^31,
/// so all three products are of 32 bits, which every vector has.
#[inline(always)]
fn moved<const MINIMA: bool>(digit: u64, other: u64, key: u64, range: u64) -> u64 {
    let mixed = product(other ^ key, 0x9E37_79B1);
    let mixed = product(mixed ^ (mixed >> 32) ^ (key >> 32), 0x85EB_CA77);
    let sum = digit.wrapping_add(product(mixed ^ (mixed >> 32), range) >> 32);
    back_if_negative::<MINIMA>(sum.wrapping_sub(range), range)
}

/// `difference`, or, where it is below zero, so much more: the smaller of both, for a number below zero is a large one.
/// With `MINIMA` that is an instruction, else the sign bit decides.
#[inline(always)]
fn back_if_negative<const MINIMA: bool>(difference: u64, range: u64) -> u64 {
    if MINIMA {
        difference.min(difference.wrapping_add(range))
    } else {
        difference.wrapping_add(range & (difference >> 63).wrapping_neg())
    }
}

/// Of the low 32 bits of two numbers: the product that vectors have.
#[inline(always)]
fn product(one: u64, other: u64) -> u64 {
    (one & u64::from(u32::MAX)) * (other & u64::from(u32::MAX))
}

const LANES: usize = 16;

/// Where all of `indices` go, into `found`, which is as long; false where one is not below `size`, which is at most 2^52.
#[inline(always)]
pub(super) fn all_through<const MINIMA: bool>(feistel: &Feistel, indices: &[i64], found: &mut [i64]) -> bool {
    let (lanes, rest) = indices.as_chunks::<LANES>();
    let (found_lanes, found_rest) = found.as_chunks_mut::<LANES>();
    let inverse = 1.0 / feistel.width as f64;
    let last = feistel.size - 1;
    // Sign bits: of an index below zero, and of what is left up to the last one.
    let mut wrong = 0;
    for (indices, found) in lanes.iter().zip(found_lanes) {
        let mut beyond = 0;
        for (slot, &index) in found.iter_mut().zip(indices) {
            let index = index as u64;
            wrong |= index | last.wrapping_sub(index);
            // A quotient that was rounded up is one too many: the remainder says so by wrapping around.
            let quotient = float_to_whole(whole_to_float(index) * inverse);
            let remainder = index.wrapping_sub(product(quotient, feistel.width));
            let right = back_if_negative::<MINIMA>(remainder, feistel.width);
            let place = rounds::<MINIMA>(feistel, quotient.wrapping_sub(remainder >> 63), right);
            beyond |= last.wrapping_sub(place);
            *slot = place as i64;
        }
        if (wrong | beyond) >> 63 != 0 {
            // From an index that is none a walk might never come back.
            if wrong >> 63 != 0 {
                return false;
            }
            walk_on(feistel, found);
        }
    }
    each(feistel, rest, found_rest)
}

/// The same one by one, for any size.
pub(super) fn each(feistel: &Feistel, indices: &[i64], found: &mut [i64]) -> bool {
    let mut in_range = true;
    for (slot, &index) in found.iter_mut().zip(indices) {
        in_range &= (index as u64) < feistel.size;
        *slot = feistel.apply((index as u64).min(feistel.size - 1)) as i64;
    }
    in_range
}

/// Send those that are out of range through again.
#[cold]
fn walk_on(feistel: &Feistel, found: &mut [i64]) {
    for slot in found {
        if *slot as u64 >= feistel.size {
            *slot = feistel.apply(*slot as u64) as i64;
        }
    }
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
