//! DeepSeek V3, R1 and V4: three splits one after another, done in one pass here.
//!
//! 1. `\p{N}{1,3}`
//! 2. `[一-龥぀-ゟ゠-ヿ]+`
//! 3. `[!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
//!
//! What the first two take is the end of the text for the third. Characters that no alternative of the third matches
//! (controls, unassigned ones) are pieces too, as long as the gap between two matches is.

use std::sync::OnceLock;

use tokenfoundry_kernels::byte_classes::{CharacterTable, Classifier};

use super::classes::{ANY_WHITE, Classes, NEWLINE, NUMBER, SPACE, WHITE, white_space};
use super::window::Window;
use super::{Scan, ascii};
use crate::unicode::Category::*;
use crate::unicode::decode;

/// Letters and marks.
const LETTER: u8 = 16;
/// Punctuation and symbols.
const POINT: u8 = 32;
const OTHER: u8 = 64;
/// Added to the class of the second split's characters; the third then splits them by themselves.
const EAST_ASIAN: u8 = 128;
const EAST_ASIAN_LETTER: u8 = EAST_ASIAN | LETTER;
const EAST_ASIAN_POINT: u8 = EAST_ASIAN | POINT;
const EAST_ASIAN_OTHER: u8 = EAST_ASIAN | OTHER;

static CLASSES: Classes = Classes::new(
    &[
        (UpperCase, LETTER),
        (LowerCase, LETTER),
        (TitleCase, LETTER),
        (ModifierLetter, LETTER),
        (OtherLetter, LETTER),
        (Mark, LETTER),
        (Punctuation, POINT),
        (Symbol, POINT),
    ],
    OTHER,
);

#[derive(Clone, Copy, Debug)]
pub struct DeepSeek;

static CHARACTERS: OnceLock<CharacterTable> = OnceLock::new();

#[inline(always)]
fn class_of(code_point: u32) -> u8 {
    let east_asian = matches!(code_point, 0x4E00..=0x9FA5 | 0x3040..=0x30FF);
    CLASSES.of(code_point) | if east_asian { EAST_ASIAN } else { 0 }
}

#[inline(always)]
fn at(text: &[u8], at: usize) -> (u8, usize) {
    match text.get(at) {
        Some(&byte) if byte >= 0xE3 => {
            let (code_point, length) = decode(text, at);
            (class_of(code_point), length)
        }
        _ => CLASSES.at(text, at),
    }
}

#[inline(always)]
fn run(text: &[u8], mut start: usize, bits: u8) -> usize {
    loop {
        let (found, length) = at(text, start);
        if found != bits || length == 0 {
            return start;
        }
        start += length;
    }
}

#[inline(always)]
fn letters(text: &[u8], start: usize) -> usize {
    let end = ascii::letters(text, start);
    if text.get(end).is_some_and(|&byte| byte >= 128) { run(text, end, LETTER) } else { end }
}

impl Scan for DeepSeek {
    #[inline(always)]
    fn end(&self, text: &[u8], start: usize) -> usize {
        let (bits, length) = at(text, start);
        let inside = start + length;
        match bits {
            LETTER => return letters(text, inside),
            EAST_ASIAN_LETTER | EAST_ASIAN_POINT => return run(text, inside, bits),
            NUMBER => {
                let mut end = inside;
                for _ in 1..3 {
                    let (bits, length) = at(text, end);
                    if bits != NUMBER {
                        break;
                    }
                    end += length;
                }
                return end;
            }
            POINT => {
                if text[start].is_ascii() && text.get(inside).is_some_and(u8::is_ascii_alphabetic) {
                    let letters = text[inside..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
                    return inside + letters;
                }
                return run(text, run(text, inside, POINT), NEWLINE);
            }
            _ => {}
        }
        let (next, _) = at(text, inside);
        if bits != NEWLINE && next == LETTER {
            return letters(text, inside);
        }
        if bits == SPACE && next == POINT {
            return run(text, run(text, inside, POINT), NEWLINE);
        }
        if bits == EAST_ASIAN_OTHER && next == EAST_ASIAN_LETTER {
            return run(text, inside, EAST_ASIAN_LETTER);
        }
        if bits & OTHER != 0 {
            let letter = bits & EAST_ASIAN | LETTER;
            let mut end = inside;
            loop {
                let (found, length) = at(text, end);
                if found != bits || at(text, end + length).0 == letter {
                    return end;
                }
                end += length;
            }
        }
        debug_assert!(bits & ANY_WHITE != 0);
        let end_of_white = CLASSES.run(text, start, ANY_WHITE);
        if at(text, end_of_white).0 & (NUMBER | EAST_ASIAN) != 0 {
            white_space::<true, false>(&CLASSES, &text[..end_of_white], start)
        } else {
            white_space::<true, false>(&CLASSES, text, start)
        }
    }

    #[inline(always)]
    fn starts(&self, classifier: impl Classifier, text: &[u8], start: usize, length: usize, last: bool) -> Option<u64> {
        let characters = CHARACTERS.get_or_init(|| CharacterTable::new(class_of));
        let window = Window::new(classifier, CLASSES.ascii(), characters, at, text, start, length, last)?;
        if window.of(OTHER) != 0 {
            return None;
        }
        let (all_letters, all_points, east_asian) = (window.of(LETTER), window.of(POINT), window.of(EAST_ASIAN));
        let (letters, other) = (all_letters & !east_asian, all_points & !east_asian);
        let (space, newline) = (window.of(SPACE), window.of(NEWLINE));
        let points = Window::runs(other) & !(space << 1);
        // A punctuation mark of ASCII takes ASCII letters along, and only those.
        let prefixed = (points & !window.bytes.high) << 1 & letters & !window.bytes.high;
        if Window::flood(prefixed, letters) & window.bytes.high != 0 {
            return None;
        }
        let absorbed = Window::flood(other << 1 & newline, newline);
        let starts = Window::runs(letters) & !prefixed & !((space | window.of(WHITE)) << 1)
            | points
            | window.number_starts(3)?
            | Window::runs(all_letters & east_asian)
            | Window::runs(all_points & east_asian)
            | window.white_starts::<true, false>(absorbed, window.of(NUMBER) | east_asian);
        Some(window.certain(starts))
    }
}
