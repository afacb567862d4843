//! The pattern of o200k (GPT-4o, gpt-oss, Llama 4) and of Mistral's tekken. With
//! `U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, `L = [\p{Ll}\p{Lm}\p{Lo}\p{M}]` and `C = (?i:'s|'t|'re|'ve|'m|'ll|'d)?`:
//!
//! `[^\r\n\p{L}\p{N}]?U*L+C|[^\r\n\p{L}\p{N}]?U+L*C|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
//!
//! tekken has no `C` and takes numbers one by one. A mark is in `U`, in `L`, and may be the character before them.

use tokenfoundry_kernels::byte_classes::Classifier;

use super::classes::{Classes, NEWLINE, NUMBER, SPACE, WHITE, contraction_any_case, white_space};
use super::window::Window;
use super::{Scan, ascii};
use crate::unicode::Category::*;

const UPPER: u8 = 16;
const LOWER: u8 = 32;
/// In `U` and in `L`: \p{Lm}, \p{Lo}; marks as well.
const EITHER: u8 = 64;
const MARK: u8 = 128;
const OTHER: u8 = 0;

static CLASSES: Classes = Classes::new(
    &[
        (UpperCase, UPPER),
        (TitleCase, UPPER),
        (LowerCase, LOWER),
        (ModifierLetter, EITHER),
        (OtherLetter, EITHER),
        (Mark, EITHER | MARK),
    ],
    OTHER,
);

#[derive(Clone, Copy, Debug)]
pub struct O200k<const CONTRACTIONS: bool, const DIGITS: usize>;

/// The end of `U*L+` at `start`, if it matches; else the end of `U*` as an error.
#[inline(always)]
fn upper_then_lower(text: &[u8], start: usize) -> Result<usize, usize> {
    let mut end = start;
    if text.get(start).is_some_and(u8::is_ascii_alphabetic) {
        // The usual word: perhaps a capital, then small letters.
        let small = ascii::lower_case(text, start + usize::from(text[start].is_ascii_uppercase()));
        if small > start && text[small - 1].is_ascii_lowercase() && text.get(small).is_none_or(u8::is_ascii) {
            return Ok(small);
        }
    }
    // Where `U*` has to stop if it must leave a character for `L+`: the last one that is in both.
    let mut after_either = None;
    loop {
        let (bits, length) = CLASSES.at(text, end);
        if bits & (UPPER | EITHER) == 0 {
            if bits & LOWER != 0 {
                return Ok(CLASSES.run(text, end + length, LOWER | EITHER));
            }
            return after_either.ok_or(end);
        }
        end += length;
        if bits & EITHER != 0 {
            after_either = Some(end);
        }
    }
}

impl<const CONTRACTIONS: bool, const DIGITS: usize> O200k<CONTRACTIONS, DIGITS> {
    #[inline(always)]
    fn with_contraction(&self, text: &[u8], end: usize) -> usize {
        if CONTRACTIONS && text.get(end) == Some(&b'\'') { end + contraction_any_case(text, end) } else { end }
    }
}

impl<const CONTRACTIONS: bool, const DIGITS: usize> Scan for O200k<CONTRACTIONS, DIGITS> {
    #[inline(always)]
    fn end(&self, text: &[u8], start: usize) -> usize {
        const WORD: u8 = UPPER | LOWER | EITHER;
        let (bits, length) = CLASSES.at(text, start);
        if bits & WORD != 0 && bits & MARK == 0 {
            let end = upper_then_lower(text, start).unwrap_or_else(|upper| upper);
            return self.with_contraction(text, end);
        }
        if bits == NUMBER {
            let mut end = start + length;
            for _ in 1..DIGITS {
                let (bits, length) = CLASSES.at(text, end);
                if bits != NUMBER {
                    break;
                }
                end += length;
            }
            return end;
        }
        if bits != NEWLINE {
            let (next, _) = CLASSES.at(text, start + length);
            if next & WORD != 0 {
                let end = match upper_then_lower(text, start + length) {
                    Ok(end) => end,
                    // A mark is no mere prefix: before `U+` is tried, it is `L+` by itself.
                    Err(_) if bits & MARK != 0 => upper_then_lower(text, start).unwrap_or_else(|upper| upper),
                    Err(upper) => upper,
                };
                return self.with_contraction(text, end);
            }
            if bits & MARK != 0 {
                return self.with_contraction(text, start + length);
            }
            let other = |bits: u8| bits == OTHER || bits & MARK != 0;
            if (bits == OTHER || (bits == SPACE && other(next))) && start + length <= text.len() {
                let mut end = start + length;
                while end < text.len() {
                    let (bits, length) = CLASSES.at(text, end);
                    if !other(bits) {
                        break;
                    }
                    end += length;
                }
                if bits == OTHER || end > start + length {
                    while matches!(text.get(end), Some(b'\r' | b'\n' | b'/')) {
                        end += 1;
                    }
                    return end;
                }
            }
        }
        white_space::<true, false>(&CLASSES, text, start)
    }

    #[inline(always)]
    fn starts(&self, classifier: impl Classifier, text: &[u8], at: usize, length: usize, last: bool) -> Option<u64> {
        let window = Window::new(
            classifier,
            CLASSES.ascii(),
            CLASSES.characters(),
            |text, at| CLASSES.at(text, at),
            text,
            at,
            length,
            last,
        )?;
        let (upper, lower, either) = (window.of(UPPER), window.of(LOWER), window.of(EITHER));
        let (space, newline) = (window.of(SPACE), window.of(NEWLINE));
        let words = upper | lower | either;
        // A mark that no letter is before may be a prefix or a point, and a capital after a letter without case may
        // belong to the piece or not.
        if window.of(MARK) & Window::runs(words) != 0 || either << 1 & upper != 0 {
            return None;
        }
        let other = window.valid & !(words | window.of(NUMBER) | window.white());
        let points = Window::runs(other) & !(space << 1);
        let prefixed = window.after(points) | (space | window.of(WHITE)) << 1;
        let absorbed = Window::flood(other << 1 & newline, newline);
        let mut after_newlines = absorbed << 1 & other;
        while after_newlines != 0 {
            // `[\r\n/]*`: a slash behind the line ends goes on.
            if text[at + after_newlines.trailing_zeros() as usize] == b'/' {
                return None;
            }
            after_newlines &= after_newlines - 1;
        }
        let mut starts = Window::runs(words) & !prefixed
            | upper & lower << 1
            | points
            | window.number_starts(DIGITS)?
            | window.white_starts::<true, false>(absorbed, 0);
        if CONTRACTIONS {
            let suffixes = window.bytes.apostrophe & words << 1;
            let mut apostrophes = suffixes & words >> 1;
            let mut free_from = 0;
            while apostrophes != 0 {
                let place = apostrophes.trailing_zeros() as usize;
                apostrophes &= apostrophes - 1;
                let length = contraction_any_case(text, at + place);
                // A piece has one contraction; an apostrophe right after it starts another piece.
                if length == 0 || place == free_from {
                    continue;
                }
                free_from = place + length;
                starts &= !(((1 << length) - 1) << place);
                if free_from < 64 {
                    starts |= words & 1 << free_from;
                }
            }
            if !last {
                // What is behind it would tell whether it starts a piece.
                starts &= !(suffixes & 1 << 63);
            }
        }
        Some(window.certain(starts))
    }
}
