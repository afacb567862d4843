//! Runs of ASCII letters, eight bytes at a time in an ordinary register.
//!
//! A word's length is what a branch predictor cannot guess; here it is counted, not branched on, up to eight letters.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;

#[inline(always)]
fn word(text: &[u8], at: usize) -> Option<u64> {
    let bytes: &[u8; 8] = text.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes))
}

/// How many bytes from the lowest on are in `first..=last` (both ASCII) after `or` was set in each: 0 to 8.
#[inline(always)]
fn prefix(word: u64, or: u8, first: u8, last: u8) -> usize {
    let seven = (word | or as u64 * ONES) & !HIGH;
    let at_least_first = seven + (0x80 - first as u64) * ONES;
    let beyond_last = seven + (0x7F - last as u64) * ONES;
    let inside = at_least_first & !beyond_last & !word & HIGH;
    ((inside ^ HIGH).trailing_zeros() / 8) as usize
}

#[inline(always)]
fn run(text: &[u8], mut at: usize, or: u8, first: u8, last: u8) -> usize {
    while let Some(word) = word(text, at) {
        let letters = prefix(word, or, first, last);
        at += letters;
        if letters < 8 {
            return at;
        }
    }
    while text.get(at).is_some_and(|&byte| (first..=last).contains(&(byte | or))) {
        at += 1;
    }
    at
}

/// The end of the run of ASCII letters at `at`.
#[inline(always)]
pub fn letters(text: &[u8], at: usize) -> usize {
    run(text, at, 0x20, b'a', b'z')
}

/// The end of the run of ASCII lower-case letters at `at`.
#[inline(always)]
pub fn lower_case(text: &[u8], at: usize) -> usize {
    run(text, at, 0, b'a', b'z')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place() {
        for byte in 0..=255u8 {
            for place in 0..20 {
                let mut text = [b'q'; 20];
                text[place] = byte;
                let expected = |is: fn(&u8) -> bool| text.iter().take_while(|byte| is(byte)).count();
                assert_eq!(letters(&text, 0), expected(u8::is_ascii_alphabetic), "{byte} at {place}");
                assert_eq!(lower_case(&text, 0), expected(u8::is_ascii_lowercase), "{byte} at {place}");
            }
        }
    }
}
