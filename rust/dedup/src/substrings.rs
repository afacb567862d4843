//! Strings of at least N bytes, or N tokens, that were there before, in this document or an earlier one.
//!
//! What suffix arrays are used for (Lee et al. 2021), by winnowing instead (Schleimer, Wilkerson, Aiken 2003), in a
//! tenth of the memory. Of the hashes of all strings half as long, those are remembered that are the least of a window:
//! every string of length N has one, at the same place wherever it stands. Where a remembered hash comes again, the
//! strings are compared and the match is extended both ways, so nothing is found that is not there.
//!
//! Cost: about 5 ns a byte on one thread, and 2 bytes of memory a byte of text for N = 100. One hash is remembered at
//! [`MOST_PLACES`] places; what that leaves out is counted.

use std::ops::Range;

use rustc_hash::FxHashMap;
use tokenfoundry_base::stable_hash::mix64;
use tokenfoundry_base::{Cancel, Cancelled};

/// Places that one hash is compared with. More come only from strings of N/2 bytes that stand in as many different
/// contexts.
const MOST_PLACES: usize = 64;
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;
const NONE: u32 = u32::MAX;

/// What strings are made of.
pub trait Element: Copy + PartialEq {
    fn value(self) -> u64;
}

impl Element for u8 {
    fn value(self) -> u64 {
        u64::from(self) + 1
    }
}

impl Element for u32 {
    fn value(self) -> u64 {
        u64::from(self) + 1
    }
}

/// Visit the places (start, hash) of the strings of length k that are the least of some window of w consecutive ones; the
/// last of equal ones.
fn winnow<E: Element>(
    text: &[E],
    k: usize,
    w: usize,
    mut visit: impl FnMut(usize, u64) -> Result<(), Cancelled>,
) -> Result<(), Cancelled> {
    if text.len() < k + w - 1 {
        return Ok(());
    }
    let oldest_weight = (0..k).fold(1u64, |power, _| power.wrapping_mul(BASE));
    let mut rolling = text[..k].iter().fold(0u64, |sum, element| sum.wrapping_mul(BASE).wrapping_add(element.value()));
    // The last w hashes, by place modulo w.
    let mut recent = vec![u64::MAX; w];
    let mut least = (u64::MAX, 0);
    let mut visited = usize::MAX;
    for start in 0..=text.len() - k {
        if start > 0 {
            let (old, new) = (text[start - 1].value(), text[start + k - 1].value());
            rolling = rolling.wrapping_mul(BASE).wrapping_add(new.wrapping_sub(old.wrapping_mul(oldest_weight)));
        }
        let hash = mix64(rolling);
        recent[start % w] = hash;
        if hash <= least.0 {
            least = (hash, start);
        } else if start >= w && least.1 == start - w {
            least = (u64::MAX, 0);
            for place in start + 1 - w..=start {
                if recent[place % w] <= least.0 {
                    least = (recent[place % w], place);
                }
            }
        }
        if start + 1 >= w && least.1 != visited {
            visited = least.1;
            visit(least.1, least.0)?;
        }
    }
    Ok(())
}

struct Place {
    document: u32,
    start: u64,
    next: u32,
}

#[derive(Clone, Debug, Default)]
pub struct Repeats {
    /// For each text the ranges that were there before, ascending and apart.
    pub ranges: Vec<Vec<Range<usize>>>,
    /// Comparisons left out because a hash had too many places.
    pub skipped: u64,
}

/// How far `text` around `start..start + k` equals `other` around `other_start..`, at most `reach` bytes each way.
fn extend<E: Element>(
    text: &[E],
    start: usize,
    other: &[E],
    other_start: usize,
    k: usize,
    reach: usize,
) -> Option<(usize, usize)> {
    let most_before = reach.min(start).min(other_start);
    let most_after = reach.min(text.len() - start - k).min(other.len() - other_start - k);
    let around = |at: usize| at - most_before..at + k + most_after;
    if text[around(start)] == other[around(other_start)] {
        return Some((most_before, most_after));
    }
    if text[start..start + k] != other[other_start..other_start + k] {
        return None;
    }
    let before = text[..start].iter().rev().zip(other[..other_start].iter().rev()).take(most_before);
    let after = text[start + k..].iter().zip(&other[other_start + k..]).take(most_after);
    let equal = |(left, right): &(&E, &E)| left == right;
    Some((before.take_while(equal).count(), after.take_while(equal).count()))
}

/// Add a range, as part of the last one where it continues that.
fn push_joined(ranges: &mut Vec<Range<usize>>, range: Range<usize>) {
    match ranges.last_mut() {
        Some(last) if last.start <= range.start && range.start <= last.end => last.end = last.end.max(range.end),
        _ => ranges.push(range),
    }
}

/// All elements of `texts` that lie in a string of `length` of them which stands, not overlapping, earlier in the same or
/// in an earlier text.
pub fn repeats<E: Element>(texts: &[&[E]], length: usize, cancel: &Cancel) -> Result<Repeats, Cancelled> {
    let k = (length / 2).max(1);
    let w = length - k + 1;
    // How far a string of `length` can reach beyond a string of length k in it.
    let reach = length - k;
    let mut heads: FxHashMap<u64, u32> = FxHashMap::default();
    let mut places: Vec<Place> = Vec::new();
    let mut result = Repeats::default();
    for (document, &text) in texts.iter().enumerate() {
        cancel.check()?;
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut count = 0u32;
        winnow(text, k, w, |start, hash| {
            count = count.wrapping_add(1);
            if count.is_multiple_of(4096) {
                cancel.check()?;
            }
            let mut at = heads.get(&hash).copied().unwrap_or(NONE);
            let mut visited = 0;
            // Whether every string of `length` around this place stands around another one: then nothing is
            // found here that is not found there.
            let mut surrounded = false;
            while at != NONE && !surrounded {
                let place = &places[at as usize];
                at = place.next;
                visited += 1;
                let other = texts[place.document as usize];
                let Some((before, after)) = extend(text, start, other, place.start as usize, k, reach) else {
                    continue;
                };
                let mut range = start - before..start + k + after;
                let distance = start - if place.document as usize == document { place.start as usize } else { 0 };
                let overlaps = place.document as usize == document && distance < length;
                if overlaps {
                    // A string that repeats itself at a distance of less than its length stands again at every
                    // multiple of it; the first that does not overlap counts.
                    range.start += (length.div_ceil(distance) - 1) * distance;
                }
                surrounded = !overlaps && before == reach.min(start) && after == reach.min(text.len() - start - k);
                if range.start + length <= range.end {
                    push_joined(&mut found, range);
                }
            }
            if surrounded {
                return Ok(());
            }
            if visited >= MOST_PLACES {
                result.skipped += 1;
            } else {
                let node = places.len() as u32;
                let next = heads.insert(hash, node).unwrap_or(NONE);
                places.push(Place { document: document as u32, start: start as u64, next });
            }
            Ok(())
        })?;
        found.sort_unstable_by_key(|range| range.start);
        let mut joined: Vec<Range<usize>> = Vec::new();
        found.into_iter().for_each(|range| push_joined(&mut joined, range));
        result.ranges.push(joined);
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(texts: &[&str], length: usize) -> Vec<Vec<Range<usize>>> {
        let bytes: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        repeats(&bytes, length, &Cancel::new()).map(|repeats| repeats.ranges).unwrap_or_default()
    }

    #[test]
    fn by_hand() {
        let one = "the same old sentence";
        let texts = [format!("A {one}!"), format!("B: {one}? {one}"), "short".into()];
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let found = repeated(&texts, 12);
        assert!(found[0].is_empty() && found[2].is_empty());
        let cut: Vec<&str> = found[1].iter().map(|range| &texts[1][range.clone()]).collect();
        assert_eq!(cut, [" the same old sentence", " the same old sentence"]);
    }

    #[test]
    fn one_byte_repeated_keeps_one_string() {
        for (text, expected) in [("a".repeat(100), 10..100), ("abc".repeat(100), 12..300)] {
            let found = repeated(&[&text], 10);
            assert_eq!(found.concat(), std::slice::from_ref(&expected));
        }
    }
}
