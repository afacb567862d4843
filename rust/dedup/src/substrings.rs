//! Byte strings of at least N bytes that were there before, in this document or an earlier one.
//!
//! What suffix arrays are used for (Lee et al. 2021), by winnowing instead (Schleimer, Wilkerson, Aiken 2003), in a
//! tenth of the memory. Of the hashes of all N/2-byte strings, those are remembered that are the least of a window:
//! every string of N bytes has one, at the same place wherever it stands. Where a remembered hash comes again, the
//! bytes are compared and the match is extended both ways, so nothing is found that is not there.
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

/// Visit the places (start, hash) of the k-byte strings that are the least of some window of w consecutive ones; the
/// last of equal ones.
fn winnow(
    text: &[u8],
    k: usize,
    w: usize,
    mut visit: impl FnMut(usize, u64) -> Result<(), Cancelled>,
) -> Result<(), Cancelled> {
    if text.len() < k + w - 1 {
        return Ok(());
    }
    let oldest_weight = (0..k).fold(1u64, |power, _| power.wrapping_mul(BASE));
    let mut rolling =
        text[..k].iter().fold(0u64, |sum, &byte| sum.wrapping_mul(BASE).wrapping_add(u64::from(byte) + 1));
    // The last w hashes, by place modulo w.
    let mut recent = vec![u64::MAX; w];
    let mut least = (u64::MAX, 0);
    let mut visited = usize::MAX;
    for start in 0..=text.len() - k {
        if start > 0 {
            let (old, new) = (u64::from(text[start - 1]) + 1, u64::from(text[start + k - 1]) + 1);
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

/// A place in this document that continues a match with an earlier one: all with the same shift, up to `end`.
struct Active {
    document: u32,
    shift: u64,
    start: usize,
    end: usize,
}

/// All bytes of `texts` that lie in a string of `length` bytes which stands, not overlapping, earlier in the same or
/// in an earlier text.
pub fn repeats(texts: &[&[u8]], length: usize, cancel: &Cancel) -> Result<Repeats, Cancelled> {
    let k = (length / 2).max(1);
    let w = length - k + 1;
    let mut heads: FxHashMap<u64, u32> = FxHashMap::default();
    let mut places: Vec<Place> = Vec::new();
    let mut result = Repeats::default();
    for (document, &text) in texts.iter().enumerate() {
        cancel.check()?;
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut active: Vec<Active> = Vec::new();
        let mut count = 0u32;
        winnow(text, k, w, |start, hash| {
            count = count.wrapping_add(1);
            if count.is_multiple_of(4096) {
                cancel.check()?;
            }
            active.retain(|active| active.end > start);
            let mut at = heads.get(&hash).copied().unwrap_or(NONE);
            let mut visited = 0;
            // Whether every string of `length` bytes around this place stands in the same surroundings elsewhere.
            let mut surrounded = false;
            while at != NONE {
                let place = &places[at as usize];
                at = place.next;
                visited += 1;
                let other = texts[place.document as usize];
                let other_start = place.start as usize;
                // In the same document the shift is the distance; in another one, it tells alignments apart.
                let shift = (start as u64).wrapping_sub(place.start);
                let known = active.iter().find(|active| (active.document, active.shift) == (place.document, shift));
                let whole = match known {
                    Some(active) => active.start..active.end,
                    None => {
                        if other[other_start..other_start + k] != text[start..start + k] {
                            continue;
                        }
                        let before = text[..start].iter().rev().zip(other[..other_start].iter().rev());
                        let before = before.take_while(|(left, right)| left == right).count();
                        let after = text[start + k..].iter().zip(&other[other_start + k..]);
                        let after = after.take_while(|(left, right)| left == right).count();
                        let whole = start - before..start + k + after;
                        active.push(Active { document: place.document, shift, start: whole.start, end: whole.end });
                        // A string that repeats itself at a distance of less than its length stands again at every
                        // multiple of it; the first that does not overlap counts.
                        let mut again = whole.clone();
                        if place.document as usize == document && (shift as usize) < length {
                            let distance = length.div_ceil(shift as usize) * shift as usize;
                            again.start = whole.start - shift as usize + distance;
                        }
                        if again.start + length <= again.end {
                            found.push(again);
                        }
                        whole
                    }
                };
                let reach = length - k;
                surrounded |= whole.start + reach <= start && start + k + reach <= whole.end;
            }
            if visited >= MOST_PLACES {
                result.skipped += 1;
            } else if !surrounded {
                let node = places.len() as u32;
                let next = heads.insert(hash, node).unwrap_or(NONE);
                places.push(Place { document: document as u32, start: start as u64, next });
            }
            Ok(())
        })?;
        found.sort_unstable_by_key(|range| range.start);
        let mut joined: Vec<Range<usize>> = Vec::new();
        for range in found {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
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
        assert_eq!(repeated(&[&"a".repeat(100)], 10), [vec![10..100]]);
        assert_eq!(repeated(&[&"abc".repeat(100)], 10), [vec![12..300]]);
    }
}
