//! Cleaning text without losing any: Unicode form, characters that cannot be seen, white space that means nothing.
//!
//! The steps, each counted in [`Edits`], in this order: repair UTF-8; drop or replace characters
//! ([`characters`]); bring every line to a Unicode normal form; drop trailing blanks and surplus blank lines ([`blanks`]).
//! Indentation, tabs and spaces inside a line are never touched, so code passes through. Doing it twice changes
//! nothing more. The readable twin is `tokenfoundry/reference/normalize.py`.
//!
//! Cost: text that is ASCII and clean is recognised at several GB/s and not copied.

mod blanks;
mod characters;

use std::borrow::Cow;

use unicode_normalization::{
    IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfd_quick, is_nfkc_quick, is_nfkd_quick,
};

/// A Unicode normal form. Where text stays text use [`Form::Nfc`]; the K forms lose distinctions (`²` becomes `2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

impl Form {
    pub fn from_name(name: &str) -> Option<Form> {
        match name {
            "NFC" => Some(Form::Nfc),
            "NFD" => Some(Form::Nfd),
            "NFKC" => Some(Form::Nfkc),
            "NFKD" => Some(Form::Nfkd),
            _ => None,
        }
    }

    /// UTF-8 lead bytes below this one belong to characters that the form never changes and that never combine.
    fn first_doubtful_byte(self) -> u8 {
        match self {
            // U+0300 is CC 80: the first combining mark.
            Form::Nfc => 0xCC,
            Form::Nfd => 0xC3,
            Form::Nfkc | Form::Nfkd => 0xC2,
        }
    }

    /// Whether all of a text is in this form, as far as a quick look can tell.
    ///
    /// ASCII characters are in every form and do not combine with what follows, so each stretch of others is looked at by
    /// itself.
    fn quick_check(self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(start) = next_foreign(bytes, at) {
            let end = bytes[start..].iter().position(u8::is_ascii).map_or(bytes.len(), |length| start + length);
            if !self.check_stretch(&text[start..end]) {
                return false;
            }
            at = end;
        }
        true
    }

    fn check_stretch(self, text: &str) -> bool {
        let answer = match self {
            Form::Nfc => is_nfc_quick(text.chars()),
            Form::Nfd => is_nfd_quick(text.chars()),
            Form::Nfkc => is_nfkc_quick(text.chars()),
            Form::Nfkd => is_nfkd_quick(text.chars()),
        };
        answer == IsNormalized::Yes
    }

    fn apply(self, line: &str, normal: &mut String) {
        match self {
            Form::Nfc => normal.extend(line.nfc()),
            Form::Nfd => normal.extend(line.nfd()),
            Form::Nfkc => normal.extend(line.nfkc()),
            Form::Nfkd => normal.extend(line.nfkd()),
        }
    }
}

/// What was done to one document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Bytes that were not UTF-8; each maximal broken sequence became one U+FFFD.
    pub invalid_bytes: u64,
    /// Control characters and noncharacters dropped.
    pub control_characters: u64,
    /// Characters without width dropped: soft hyphens, zero-width spaces, byte order marks, direction overrides, tags.
    pub zero_width: u64,
    /// Line ends of other kinds (`\r\n`, `\r`, form feed, U+2028 …) made `\n`.
    pub line_ends: u64,
    /// Spaces of unusual width made the plain one.
    pub spaces: u64,
    /// Lines that the normal form changed.
    pub normalized_lines: u64,
    /// Blanks dropped from the ends of lines.
    pub trailing_blanks: u64,
    /// Blank lines dropped: at the start, at the end, and beyond two in a row.
    pub blank_lines: u64,
}

impl Edits {
    pub const NAMES: [&str; 8] = [
        "invalid_bytes",
        "control_characters",
        "zero_width",
        "line_ends",
        "spaces",
        "normalized_lines",
        "trailing_blanks",
        "blank_lines",
    ];

    pub fn values(&self) -> [u64; 8] {
        [
            self.invalid_bytes,
            self.control_characters,
            self.zero_width,
            self.line_ends,
            self.spaces,
            self.normalized_lines,
            self.trailing_blanks,
            self.blank_lines,
        ]
    }
}

/// Clean one document; borrowed when there was nothing to do. `form` is `None` to leave the form alone.
pub fn normalize(text: &[u8], form: Option<Form>) -> (Cow<'_, str>, Edits) {
    let mut edits = Edits::default();
    if let Some(clean) = blanks::clean_ascii(text) {
        return (Cow::Borrowed(clean), edits);
    }
    let mut text = repaired(text, &mut edits);
    if let Some(changed) = characters::replace(&text, &mut edits) {
        text = Cow::Owned(changed);
    }
    if let Some(form) = form
        && let Some(changed) = normal(&text, form, &mut edits)
    {
        text = Cow::Owned(changed);
    }
    if let Some(changed) = blanks::trim(&text, &mut edits) {
        text = Cow::Owned(changed);
    }
    (text, edits)
}

/// Bytes as text, as Python's `decode("utf-8", "replace")` reads them.
fn repaired<'t>(text: &'t [u8], edits: &mut Edits) -> Cow<'t, str> {
    if let Ok(valid) = std::str::from_utf8(text) {
        return Cow::Borrowed(valid);
    }
    let mut repaired = String::with_capacity(text.len() + 16);
    for chunk in text.utf8_chunks() {
        repaired.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            repaired.push(char::REPLACEMENT_CHARACTER);
            edits.invalid_bytes += chunk.invalid().len() as u64;
        }
    }
    Cow::Owned(repaired)
}

/// The first byte from `at` on that is not ASCII.
fn next_foreign(bytes: &[u8], at: usize) -> Option<usize> {
    const STEP: usize = 32;
    let mut at = at;
    while bytes.get(at..at + STEP).is_some_and(<[u8]>::is_ascii) {
        at += STEP;
    }
    bytes[at..].iter().position(|byte| !byte.is_ascii()).map(|found| at + found)
}

/// Every line in `form`, or `None` when all are. A newline never combines, so lines can be taken one by one.
fn normal(text: &str, form: Form, edits: &mut Edits) -> Option<String> {
    let doubtful = form.first_doubtful_byte();
    if text.bytes().fold(0, u8::max) < doubtful || form.quick_check(text) {
        return None;
    }
    let mut normal = String::with_capacity(text.len() + 16);
    let mut changed = false;
    for line in text.split_inclusive('\n') {
        let start = normal.len();
        if line.bytes().fold(0, u8::max) < doubtful || form.quick_check(line) {
            normal.push_str(line);
        } else {
            form.apply(line, &mut normal);
            if normal[start..] != *line {
                changed = true;
                edits.normalized_lines += 1;
            }
        }
    }
    changed.then_some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        let (once, _) = normalize(text.as_bytes(), Some(Form::Nfc));
        let (twice, edits) = normalize(once.as_bytes(), Some(Form::Nfc));
        assert_eq!(once, twice);
        assert_eq!(edits, Edits::default());
        once.into_owned()
    }

    #[test]
    fn each_rule_once() {
        for (text, expected) in [
            ("def f():\n\treturn 1\n", "def f():\n\treturn 1\n"),
            ("a \t\r\nb\rc\u{0C}d", "a\nb\nc\nd"),
            ("\u{FEFF}a\u{200B}b\u{AD}c", "abc"),
            ("e\u{301}", "é"),
            ("a\n\n\n\n\nb\n\n\n", "a\n\n\nb\n"),
            ("\n \n  indented", "  indented"),
            (" \n\t\n", ""),
            ("a\u{A0}b\u{2009}c\u{3000}d\u{3000}", "a b c\u{3000}d"),
            ("\0\u{1B}[0m\u{FFFF}x", "[0mx"),
            ("🏴\u{E0067}\u{E0062}\u{E007F} x\u{E0067}", "🏴\u{E0067}\u{E0062}\u{E007F} x"),
            ("نمی\u{200C}خواهم", "نمی\u{200C}خواهم"),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
    }

    #[test]
    fn broken_bytes_are_counted() {
        let (text, edits) = normalize(b"a\xF0\x9F\x98 b\xFF\xC3", None);
        assert_eq!(text, "a\u{FFFD} b\u{FFFD}\u{FFFD}");
        assert_eq!(edits.invalid_bytes, 5);
    }
}
