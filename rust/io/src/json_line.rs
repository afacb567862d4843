//! One line of JSON Lines: the text and two short fields out of an object, everything else checked and skipped.
//!
//! A line is either taken or declined, never judged. Declined are lines that are not JSON, but also sound ones of rare
//! kinds (escaped keys, deep nesting, numbers with large exponents, NUL): whoever asks has a slow parser for these, and
//! its word counts. What is taken is what that parser would have found, so `take` may be stricter than JSON, never laxer.

/// Which keys to look for.
#[derive(Clone, Debug)]
pub struct Keys {
    pub text: Vec<u8>,
    pub id: Option<Vec<u8>>,
    pub licence: Option<Vec<u8>>,
}

/// What a line had besides its text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Short {
    pub id: Option<String>,
    pub licence: Option<String>,
}

/// Nesting that is followed; deeper lines are declined.
const DEPTH: usize = 48;

/// Append the text of `line` to `text` and return its short fields; `None`, and `text` as it was, for a line that is
/// declined. `line` must be UTF-8.
pub fn take(line: &[u8], keys: &Keys, text: &mut Vec<u8>) -> Option<Short> {
    let start = text.len();
    let taken = Line { bytes: line, at: 0 }.object(keys, text);
    if taken.is_none() {
        text.truncate(start);
    }
    taken
}

struct Line<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Line<'_> {
    fn object(&mut self, keys: &Keys, text: &mut Vec<u8>) -> Option<Short> {
        let start = text.len();
        let mut found_text = false;
        let mut short = Short::default();
        self.blanks();
        self.expect(b'{')?;
        self.blanks();
        if self.peek() == Some(b'}') {
            return None;
        }
        loop {
            self.expect(b'"')?;
            let from = self.at;
            self.skip_string()?;
            let (from, to) = (from, self.at - 1);
            if memchr::memchr(b'\\', &self.bytes[from..to]).is_some() {
                return None;
            }
            self.blanks();
            self.expect(b':')?;
            self.blanks();
            let is = |key: &Option<Vec<u8>>| key.as_deref() == Some(&self.bytes[from..to]);
            let (is_id, is_licence) = (is(&keys.id), is(&keys.licence));
            if self.bytes[from..to] == *keys.text {
                // Of a key that comes twice the last counts.
                text.truncate(start);
                if is_id || is_licence {
                    return None;
                }
                self.expect(b'"')?;
                self.string(text)?;
                found_text = true;
            } else if is_id && is_licence {
                return None;
            } else if is_id {
                short.id = self.short()?;
            } else if is_licence {
                short.licence = self.short()?;
            } else {
                self.skip_value(0)?;
            }
            self.blanks();
            match self.next()? {
                b',' => self.blanks(),
                b'}' => break,
                _ => return None,
            }
        }
        self.blanks();
        (self.at == self.bytes.len() && found_text).then_some(short)
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    #[inline]
    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    /// Where the run of bytes that stand for themselves in a string ends.
    #[inline]
    fn plain_until(&self) -> usize {
        let mut at = self.at;
        while let Some(word) = self.bytes.get(at..at + 8) {
            let word = u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
            let special = specials(word);
            if special != 0 {
                return at + special.trailing_zeros() as usize / 8;
            }
            at += 8;
        }
        while let Some(&byte) = self.bytes.get(at) {
            if byte < 0x20 || byte == b'"' || byte == b'\\' {
                break;
            }
            at += 1;
        }
        at
    }

    /// The rest of a string behind its first quote, appended to `out`.
    fn string(&mut self, out: &mut Vec<u8>) -> Option<()> {
        loop {
            let end = self.plain_until();
            out.extend_from_slice(&self.bytes[self.at..end]);
            self.at = end;
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => {
                    let plain = match self.next()? {
                        b'n' => b'\n',
                        b'"' => b'"',
                        b'\\' => b'\\',
                        b't' => b'\t',
                        b'r' => b'\r',
                        b'/' => b'/',
                        b'b' => 8,
                        b'f' => 12,
                        b'u' => {
                            let mut buffer = [0; 4];
                            out.extend_from_slice(self.escaped()?.encode_utf8(&mut buffer).as_bytes());
                            continue;
                        }
                        _ => return None,
                    };
                    out.push(plain);
                }
                _ => return None,
            }
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        loop {
            self.at = self.plain_until();
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => match self.next()? {
                    b'n' | b'"' | b'\\' | b't' | b'r' | b'/' | b'b' | b'f' => {}
                    b'u' => {
                        self.escaped()?;
                    }
                    _ => return None,
                },
                _ => return None,
            }
        }
    }

    /// The character of `\uXXXX`, or of two that are a surrogate pair. NUL is declined.
    fn escaped(&mut self) -> Option<char> {
        let first = self.hex()?;
        let code = match first {
            0xD800..=0xDBFF => {
                self.expect(b'\\')?;
                self.expect(b'u')?;
                let second = self.hex()?;
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return None;
                }
                0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            0 => return None,
            code => code,
        };
        char::from_u32(code)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |value, &digit| Some(value << 4 | (digit as char).to_digit(16)?))
    }

    /// A string, null, or a whole number as its digits.
    fn short(&mut self) -> Option<Option<String>> {
        match self.peek()? {
            b'"' => {
                self.at += 1;
                let mut value = Vec::new();
                self.string(&mut value)?;
                Some(Some(String::from_utf8(value).ok()?))
            }
            b'n' => {
                self.word(b"null")?;
                Some(None)
            }
            _ => {
                let from = self.at;
                self.number()?;
                let digits = &self.bytes[from..self.at];
                let whole = digits.iter().all(|&byte| byte.is_ascii_digit() || byte == b'-') && digits != b"-0";
                if !whole {
                    return None;
                }
                Some(Some(String::from_utf8(digits.to_vec()).ok()?))
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        if !self.bytes[self.at..].starts_with(word) {
            return None;
        }
        self.at += word.len();
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits()?;
        if whole.len() > 18 || (whole.len() > 1 && whole[0] == b'0') {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            // Two digits are never too large for a double.
            if self.digits()?.len() > 2 {
                return None;
            }
        }
        Some(())
    }

    fn digits(&mut self) -> Option<&[u8]> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > from).then(|| &self.bytes[from..self.at])
    }

    fn skip_value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => {
                self.at += 1;
                self.skip_string()
            }
            b'{' | b'[' if depth == DEPTH => None,
            open @ (b'{' | b'[') => {
                self.at += 1;
                let close = open + 2;
                self.blanks();
                if self.peek() == Some(close) {
                    self.at += 1;
                    return Some(());
                }
                loop {
                    if open == b'{' {
                        self.expect(b'"')?;
                        self.skip_string()?;
                        self.blanks();
                        self.expect(b':')?;
                        self.blanks();
                    }
                    self.skip_value(depth + 1)?;
                    self.blanks();
                    match self.next()? {
                        b',' => self.blanks(),
                        byte if byte == close => return Some(()),
                        _ => return None,
                    }
                }
            }
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The lowest set bit is in the first byte that is a control character, a quote or a backslash; bits above it may be of
/// bytes that are none, since borrows go upwards.
#[inline]
fn specials(word: u64) -> u64 {
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
    control | zero(word ^ (ONES * b'"' as u64)) | zero(word ^ (ONES * b'\\' as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys { text: b"text".to_vec(), id: Some(b"id".to_vec()), licence: Some(b"licence".to_vec()) }
    }

    fn taken(line: &str) -> Option<(String, Short)> {
        let mut text = b"before".to_vec();
        let short = take(line.as_bytes(), &keys(), &mut text);
        assert!(text.starts_with(b"before"));
        if short.is_none() {
            assert_eq!(text, b"before");
        }
        Some((String::from_utf8(text[6..].to_vec()).ok()?, short?))
    }

    #[test]
    fn takes_what_is_plain() {
        let line = r#" { "x" : [1, -2.5e3, {"y": null}, []] , "text":"a\n\"b\u00e9\ud83d\ude00/\/", "id": 17, "licence": "cc0" } "#;
        let (text, short) = taken(line).expect("is plain");
        assert_eq!(text, "a\n\"bé😀//");
        assert_eq!((short.id.as_deref(), short.licence.as_deref()), (Some("17"), Some("cc0")));
        let (text, short) = taken(r#"{"text": "first", "id": null, "text": "last"}"#).expect("is plain");
        assert_eq!((text.as_str(), short.id), ("last", None));
    }

    #[test]
    fn declines_what_is_not() {
        for line in [
            "",
            "{}",
            "[1]",
            r#"{"text": 5}"#,
            r#"{"txt": "a"}"#,
            r#"{"text": "a"} x"#,
            r#"{"text": "a",}"#,
            r#"{"text": "a" "b"}"#,
            r#"{"text": "\ud800"}"#,
            r#"{"text": "\ud800\u0041"}"#,
            r#"{"text": "\u0000"}"#,
            r#"{"text": "a\x"}"#,
            "{\"text\": \"a\tb\"}",
            r#"{"text": "a", "n": 01}"#,
            r#"{"text": "a", "n": 1e999}"#,
            r#"{"text": "a", "n": nul}"#,
            r#"{"text": "a", "id": true}"#,
            r#"{"text": "a", "id": 1.5}"#,
            r#"{"te\u0078t": "a"}"#,
            r#"{"text": "a", "x": [1,]}"#,
            r#"{"text": "a", "x": [1}"#,
            r#"{"text": "a"#,
        ] {
            assert_eq!(taken(line), None, "{line}");
        }
        let deep = format!(r#"{{"text": "a", "x": {}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(taken(&deep), None);
    }

    #[test]
    fn finds_the_first_special_byte_at_every_place() {
        for length in 0..40 {
            for place in 0..length {
                for special in [0, 9, 0x1F, b'"', b'\\'] {
                    let mut bytes = vec![0xC3; length];
                    bytes[place] = special;
                    assert_eq!(Line { bytes: &bytes, at: 0 }.plain_until(), place);
                }
            }
        }
    }
}
