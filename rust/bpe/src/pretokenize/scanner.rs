//! One scanner for the family of public patterns.
//!
//! Each function is one alternative of the regular expression: given a place it says where a match that starts there
//! ends. The regex engine's backtracking is done by reasoning; the comments say how.

use super::Class;
use super::rules::{Contractions, Letters, Rules};

struct Scanner<'t> {
    text: &'t [u8],
    classes: &'t [Class],
}

impl Class {
    #[inline(always)]
    fn is_letter(self) -> bool {
        matches!(self, Class::Upper | Class::Lower | Class::Caseless)
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
    #[inline(always)]
    fn may_lead_word(self) -> bool {
        matches!(self, Class::Upper | Class::Caseless | Class::Mark)
    }

    /// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
    #[inline(always)]
    fn may_end_word(self) -> bool {
        matches!(self, Class::Lower | Class::Caseless | Class::Mark)
    }

    /// `[^\s\p{L}\p{N}]`
    #[inline(always)]
    fn is_punctuation(self) -> bool {
        matches!(self, Class::Other | Class::Mark)
    }
}

impl Scanner<'_> {
    /// Class and end of the character at `at`; at the end of the text `None`.
    #[inline(always)]
    fn character(&self, at: usize) -> Option<(Class, usize)> {
        let &first = self.text.get(at)?;
        if first < 0x80 {
            return Some((self.classes[first as usize], at + 1));
        }
        // The text is a `str`, so the bytes after a leading byte are there and are continuations.
        let tail = |index: usize| u32::from(self.text[at + index] & 0x3F);
        let (code_point, length) = match first {
            0xC0..=0xDF => (u32::from(first & 0x1F) << 6 | tail(1), 2),
            0xE0..=0xEF => (u32::from(first & 0x0F) << 12 | tail(1) << 6 | tail(2), 3),
            _ => (u32::from(first & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4),
        };
        Some((self.classes[code_point as usize], at + length))
    }

    /// End of the longest run of characters from `at` that `is` holds for.
    #[inline(always)]
    fn run(&self, mut at: usize, is: impl Fn(Class) -> bool) -> usize {
        while let Some((class, next)) = self.character(at) {
            if !is(class) {
                break;
            }
            at = next;
        }
        at
    }

    /// `'(?i:[sdmt]|ll|ve|re)`, or without `(?i)`.
    fn contraction(&self, at: usize, any_case: bool) -> Option<usize> {
        if self.text.get(at) != Some(&b'\'') {
            return None;
        }
        let fold = |byte: u8| if any_case { byte.to_ascii_lowercase() } else { byte };
        let first = *self.text.get(at + 1)?;
        match fold(first) {
            b's' | b'd' | b'm' | b't' => Some(at + 2),
            b'l' if fold(*self.text.get(at + 2)?) == b'l' => Some(at + 3),
            b'v' | b'r' if fold(*self.text.get(at + 2)?) == b'e' => Some(at + 3),
            // U+017F ſ, which folds to s.
            0xC5 if any_case && self.text.get(at + 2) == Some(&0xBF) => Some(at + 3),
            _ => None,
        }
    }

    /// `[^\r\n\p{L}\p{N}]?` where it takes a character: its end.
    #[inline(always)]
    fn word_prefix(&self, at: usize, class: Class, next: usize) -> Option<usize> {
        let taken = !class.is_letter() && class != Class::Number && !matches!(self.text[at], b'\r' | b'\n');
        taken.then_some(next)
    }

    /// `\p{L}+` after the optional character that `letters` allows.
    #[inline(always)]
    fn letters(&self, at: usize, class: Class, next: usize, letters: Letters) -> Option<usize> {
        if class.is_letter() {
            return Some(self.run(next, Class::is_letter));
        }
        let prefixed = match letters {
            Letters::AfterSpace => self.text[at] == b' ',
            _ => self.word_prefix(at, class, next).is_some(),
        };
        if !prefixed {
            return None;
        }
        let (after, end) = self.character(next)?;
        after.is_letter().then(|| self.run(end, Class::is_letter))
    }

    /// `U*L+`, where U and L share caseless letters and marks.
    ///
    /// U* takes all it can. If L follows, done. If not, U* gives back from its end until what it gave back begins
    /// with a shared character; L+ then takes that one and stops, because all after it were upper case.
    fn lower_word(&self, at: usize) -> Option<usize> {
        let mut lead = at;
        let mut after_shared = None;
        while let Some((class, next)) = self.character(lead) {
            if !class.may_lead_word() {
                break;
            }
            lead = next;
            if class.may_end_word() {
                after_shared = Some(next);
            }
        }
        let end = self.run(lead, Class::may_end_word);
        if end > lead { Some(end) } else { after_shared }
    }

    /// `U+L*`; L* follows at once because U+ took every character that is in both.
    fn upper_word(&self, at: usize) -> Option<usize> {
        let lead = self.run(at, Class::may_lead_word);
        (lead > at).then(|| self.run(lead, Class::may_end_word))
    }

    /// o200k's two word alternatives, each with and then without its optional leading character.
    fn cased_word(&self, at: usize, class: Class, next: usize) -> Option<usize> {
        let prefix = self.word_prefix(at, class, next);
        let end = prefix
            .and_then(|after| self.lower_word(after))
            .or_else(|| self.lower_word(at))
            .or_else(|| prefix.and_then(|after| self.upper_word(after)))
            .or_else(|| self.upper_word(at))?;
        Some(self.contraction(end, true).unwrap_or(end))
    }

    fn number(&self, at: usize, class: Class, next: usize, rules: &Rules) -> Option<usize> {
        let mut end = match class {
            Class::Number => next,
            Class::Space if rules.space_before_number && self.text[at] == b' ' => match self.character(next)? {
                (Class::Number, end) => end,
                _ => return None,
            },
            _ => return None,
        };
        let mut length = 1;
        while length < rules.number_length
            && let Some((Class::Number, after)) = self.character(end)
        {
            end = after;
            length += 1;
        }
        Some(end)
    }

    /// ` ?[^\s\p{L}\p{N}]+[\r\n/]*`
    fn punctuation(&self, at: usize, class: Class, next: usize, rules: &Rules) -> Option<usize> {
        let first_end = if class.is_punctuation() {
            next
        } else if self.text[at] == b' ' {
            let (after, end) = self.character(next)?;
            if !after.is_punctuation() {
                return None;
            }
            end
        } else {
            return None;
        };
        let mut end = self.run(first_end, Class::is_punctuation);
        if rules.punctuation_takes_newlines {
            while let Some(&byte) = self.text.get(end)
                && (matches!(byte, b'\r' | b'\n') || (byte == b'/' && rules.punctuation_takes_slashes))
            {
                end += 1;
            }
        }
        Some(end)
    }

    /// `\s++$|\s*[\r\n]+|\s+(?!\S)|\s+` at a space character.
    fn white_space(&self, at: usize, next: usize, rules: &Rules) -> usize {
        let mut end = at;
        let mut last = at;
        let mut after_newline = None;
        while let Some((Class::Space, after)) = self.character(end) {
            if matches!(self.text[end], b'\r' | b'\n') {
                after_newline = Some(after);
            }
            last = end;
            end = after;
        }
        let at_end_of_text = end == self.text.len();
        if at_end_of_text && rules.trailing_space_rule {
            return end;
        }
        if rules.newline_rule
            && let Some(after) = after_newline
        {
            return after;
        }
        // `\s+(?!\S)` leaves the last space to what follows, unless it is the only one.
        if at_end_of_text || last == at { end.max(next) } else { last }
    }
}

/// Visit the pieces of `text` under `rules`; `visit` returns whether to go on.
pub fn pieces(rules: &Rules, classes: &[Class], text: &str, visit: &mut impl FnMut(usize, usize) -> bool) {
    let scanner = Scanner { text: text.as_bytes(), classes };
    let mut at = 0;
    while let Some((class, next)) = scanner.character(at) {
        let contraction = match rules.contractions {
            Contractions::Lower => scanner.contraction(at, false),
            Contractions::AnyCase => scanner.contraction(at, true),
            Contractions::InWord => None,
        };
        let word = || match rules.letters {
            Letters::ByCase => scanner.cased_word(at, class, next),
            letters => scanner.letters(at, class, next, letters),
        };
        let end = contraction
            .or_else(word)
            .or_else(|| scanner.number(at, class, next, rules))
            .or_else(|| scanner.punctuation(at, class, next, rules))
            .unwrap_or_else(|| if class == Class::Space { scanner.white_space(at, next, rules) } else { next });
        if !visit(at, end) {
            return;
        }
        at = end;
    }
}
