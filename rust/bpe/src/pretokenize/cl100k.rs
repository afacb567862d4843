//! The pattern of cl100k and its children (Llama 3, Qwen 2 to 3.6, GLM 4, Phi-4 …):
//!
//! `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
//!
//! `MARKS`: `[\p{L}\p{M}]+` in place of `\p{L}+`, and marks out of the punctuation (Qwen 3.5). `DIGITS`: numbers in a piece.
//! `TAIL`: `\s++$` stands before the line ends, as tiktoken writes it.

use tokenfoundry_kernels::byte_classes::Classifier;

use super::Scan;
use super::classes::{ANY_WHITE, Classes, NEWLINE, NUMBER, SPACE, WHITE, contraction_any_case, white_space};
use super::window::Window;
use crate::unicode::Category::*;

const LETTER: u8 = 16;
const OTHER: u8 = 32;

const fn classes(marks: bool) -> Classes {
    Classes::new(
        &[
            (UpperCase, LETTER),
            (LowerCase, LETTER),
            (TitleCase, LETTER),
            (ModifierLetter, LETTER),
            (OtherLetter, LETTER),
            (Mark, if marks { LETTER } else { OTHER }),
        ],
        OTHER,
    )
}

static LETTERS: Classes = classes(false);
static LETTERS_AND_MARKS: Classes = classes(true);

#[derive(Clone, Copy, Debug)]
pub struct Cl100k<const MARKS: bool, const DIGITS: usize, const TAIL: bool>;

impl<const MARKS: bool, const DIGITS: usize, const TAIL: bool> Scan for Cl100k<MARKS, DIGITS, TAIL> {
    #[inline(always)]
    fn end(&self, text: &[u8], start: usize) -> usize {
        let classes = if MARKS { &LETTERS_AND_MARKS } else { &LETTERS };
        let (bits, length) = classes.at(text, start);
        if bits == LETTER {
            return classes.run_of_letters(text, start + length, LETTER);
        }
        if bits == NUMBER {
            let mut end = start + length;
            for _ in 1..DIGITS {
                let (bits, length) = classes.at(text, end);
                if bits != NUMBER {
                    break;
                }
                end += length;
            }
            return end;
        }
        if text[start] == b'\'' {
            let contraction = contraction_any_case(text, start);
            if contraction > 0 {
                return start + contraction;
            }
        }
        if bits != NEWLINE {
            let (next, next_length) = classes.at(text, start + length);
            if next == LETTER {
                return classes.run_of_letters(text, start + length + next_length, LETTER);
            }
            if bits == OTHER || (bits == SPACE && next == OTHER) {
                let end = classes.run(text, start + length, OTHER);
                return classes.run(text, end, NEWLINE);
            }
        }
        debug_assert!(bits & ANY_WHITE != 0);
        white_space::<true, TAIL>(classes, text, start)
    }

    #[inline(always)]
    fn starts(&self, classifier: impl Classifier, text: &[u8], at: usize, length: usize, last: bool) -> Option<u64> {
        let classes = if MARKS { &LETTERS_AND_MARKS } else { &LETTERS };
        let window = Window::new(
            classifier,
            classes.ascii(),
            classes.characters(),
            |text, at| classes.at(text, at),
            text,
            at,
            length,
            last,
        )?;
        let (letters, other, space, newline) =
            (window.of(LETTER), window.of(OTHER), window.of(SPACE), window.of(NEWLINE));
        let points = Window::runs(other) & !(space << 1);
        // Letters belong to the one character before them, if it is none of those that are more than a prefix.
        let prefixed = window.after(points) | (space | window.of(WHITE)) << 1;
        let absorbed = Window::flood(other << 1 & newline, newline);
        let mut starts = Window::runs(letters) & !prefixed
            | points
            | window.number_starts(DIGITS)?
            | window.white_starts::<true, TAIL>(absorbed, 0);
        let mut apostrophes = window.bytes.apostrophe & points & letters >> 1;
        while apostrophes != 0 {
            let place = apostrophes.trailing_zeros() as usize;
            apostrophes &= apostrophes - 1;
            let length = contraction_any_case(text, at + place);
            if length > 0 && place + length < 64 {
                starts |= letters & 1 << (place + length);
            }
        }
        Some(window.certain(starts))
    }
}
