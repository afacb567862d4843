//! datatrove's text simplification, and its words.
//!
//! Lower case; each number, with one decimal separator, is "0"; punctuation and control characters are blanks; runs of
//! whitespace are one blank; diacritics go (NFD without its nonspacing marks). Words here are what lies between blanks.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::properties::{is_decimal_digit, is_nonspacing_mark};

fn is_decimal_separator(character: char) -> bool {
    matches!(character, '.' | ',' | '،' | '٫' | '⎖' | '⎗' | '⎘')
}

fn is_punctuation(character: char) -> bool {
    match character {
        '\u{0}'..='\u{7F}' => {
            character.is_ascii_punctuation() || character.is_ascii_control() && character != '\t' && character != '\n'
        }
        '\u{80}'..='\u{9F}' | '«' | '´' | '»' | '–' | '—' | '’' | '“' | '”' | '„' | '…' | '∶' | '━' | '►' => {
            true
        }
        '、' | '。' | '〈' | '〉' | '《' | '》' | '「' | '」' | '【' | '】' => true,
        '！' | '％' | '（' | '）' | '，' | '．' | '１' | '：' | '；' | '？' | '～' => true,
        _ => false,
    }
}

/// Visit the words of the simplified `text`.
pub fn words(text: &str, visit: impl FnMut(&str)) {
    if text.is_ascii() {
        return ascii_words(text.as_bytes(), visit);
    }
    let lower = text.to_lowercase();
    let mut simple = String::with_capacity(lower.len());
    let mut rest = lower.chars().peekable();
    while let Some(character) = rest.next() {
        if is_decimal_digit(character) {
            simple.push('0');
            while rest.next_if(|&next| is_decimal_digit(next)).is_some() {}
            let mut ahead = rest.clone();
            let separated =
                ahead.next().is_some_and(is_decimal_separator) && ahead.next().is_some_and(is_decimal_digit);
            if separated {
                rest = ahead;
                while rest.next_if(|&next| is_decimal_digit(next)).is_some() {}
            }
        } else if is_punctuation(character) || character.is_whitespace() {
            simple.push(' ');
        } else {
            simple.push(character);
        }
    }
    let bare: Cow<'_, str> = if simple.is_ascii() {
        simple.into()
    } else {
        simple.nfd().filter(|&character| !is_nonspacing_mark(character)).collect::<String>().into()
    };
    bare.split(' ').filter(|word| !word.is_empty()).for_each(visit);
}

/// The same for ASCII, where lower-casing and classification are a table.
fn ascii_words(text: &[u8], mut visit: impl FnMut(&str)) {
    const BLANK: u8 = b' ';
    const TABLE: [u8; 256] = {
        let mut table = [BLANK; 256];
        let mut byte = 0;
        while byte < 128 {
            if (byte as u8).is_ascii_alphanumeric() {
                table[byte] = (byte as u8).to_ascii_lowercase();
            }
            byte += 1;
        }
        table
    };
    let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let mut word = String::with_capacity(64);
    let mut at = 0;
    while at < text.len() {
        let byte = TABLE[usize::from(text[at])];
        if byte == BLANK {
            if !word.is_empty() {
                visit(&word);
                word.clear();
            }
        } else if byte.is_ascii_digit() {
            word.push('0');
            while is_digit(at + 1) {
                at += 1;
            }
            if matches!(text.get(at + 1), Some(b'.' | b',')) && is_digit(at + 2) {
                at += 2;
                while is_digit(at + 1) {
                    at += 1;
                }
            }
        } else {
            word.push(char::from(byte));
        }
        at += 1;
    }
    if !word.is_empty() {
        visit(&word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simplified(text: &str) -> String {
        let mut joined = Vec::new();
        words(text, |word| joined.push(word.to_owned()));
        joined.join(" ")
    }

    #[test]
    fn by_hand() {
        assert_eq!(simplified("It's 1,234.50 — ÇA va?\t１２ x_y 3.a"), "it s 0 0 ca va 0 x y 0 a");
        assert_eq!(simplified("It's 1,234.50 - ok 7."), "it s 0 0 ok 0");
        assert_eq!(simplified("v1.2.3é"), "v0 0e");
    }

    #[test]
    fn ascii_equals_the_general_way() {
        for text in ["a1.2,3 B_c\u{1}d\r\n", "1.", ".1,2", "x 12,34,56 y", "\u{7f}a\u{b}b"] {
            // A combining accent at the end forces the general way and vanishes again.
            assert_eq!(simplified(text), simplified(&format!("{text} \u{301}")));
        }
    }
}
