//! The pattern of GPT-2, r50k and p50k:
//! `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.

use tokenfoundry_kernels::byte_classes::Classifier;

use super::Scan;
use super::classes::{ANY_WHITE, Classes, NUMBER, SPACE, contraction, white_space};
use super::window::Window;
use crate::unicode::Category::*;

const LETTER: u8 = 16;
const OTHER: u8 = 32;

static CLASSES: Classes = Classes::new(
    &[(UpperCase, LETTER), (LowerCase, LETTER), (TitleCase, LETTER), (ModifierLetter, LETTER), (OtherLetter, LETTER)],
    OTHER,
);

#[derive(Clone, Copy, Debug)]
pub struct Gpt2;

impl Scan for Gpt2 {
    #[inline(always)]
    fn end(&self, text: &[u8], start: usize) -> usize {
        let (mut bits, mut length) = CLASSES.at(text, start);
        if text[start] == b'\'' {
            let contraction = contraction(text, start);
            if contraction > 0 {
                return start + contraction;
            }
        }
        let mut inside = start;
        if bits == SPACE {
            inside += 1;
            (bits, length) = CLASSES.at(text, inside);
        }
        if bits == LETTER {
            return CLASSES.run_of_letters(text, inside + length, LETTER);
        }
        if bits & (NUMBER | OTHER) != 0 {
            return CLASSES.run(text, inside + length, bits);
        }
        debug_assert!(inside > start || bits & ANY_WHITE != 0);
        white_space::<false, false>(&CLASSES, text, start)
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
        let (letters, numbers, other) = (window.of(LETTER), window.of(NUMBER), window.of(OTHER));
        let free = !(window.of(SPACE) << 1);
        let points = Window::runs(other) & free;
        let mut starts =
            (Window::runs(letters) | Window::runs(numbers)) & free | points | window.white_starts::<false, false>(0, 0);
        let mut apostrophes = window.bytes.apostrophe & points & letters >> 1;
        while apostrophes != 0 {
            let place = apostrophes.trailing_zeros() as usize;
            apostrophes &= apostrophes - 1;
            let length = contraction(text, at + place);
            if length > 0 {
                starts &= !(2 << place);
                if place + length < 64 {
                    starts |= letters & 1 << (place + length);
                }
            }
        }
        Some(window.certain(starts))
    }
}
