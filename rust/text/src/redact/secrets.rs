//! What opens a door, besides providers' keys: private key blocks, JSON web tokens, and secrets assigned to names that say so.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;

use super::{Kind, Match, is_word};

fn any_case(patterns: &[&str]) -> Option<AhoCorasick> {
    AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(patterns).ok()
}

/// The longest key block that is looked through for its end.
const MOST_KEY_BYTES: usize = 16 * 1024;

pub fn private_keys(text: &[u8], found: &mut Vec<Match>) {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const END: &[u8] = b"-----END ";
    let mut free = 0;
    let ends = memmem::Finder::new(END);
    // The first end line at or after the last look, so that no byte is searched twice.
    let mut end_line = ends.find(text).unwrap_or(usize::MAX);
    for start in memmem::find_iter(text, BEGIN) {
        if start < free {
            continue;
        }
        let label = &text[start + BEGIN.len()..text.len().min(start + BEGIN.len() + 64)];
        let Some(label_end) = memmem::find(label, b"-----") else { continue };
        if memmem::find(&label[..label_end], b"PRIVATE KEY").is_none() {
            continue;
        }
        let body = start + BEGIN.len() + label_end + 5;
        if end_line < body {
            end_line = ends.find(&text[body..]).map_or(usize::MAX, |at| body + at);
        }
        // Up to the end line, or, of a block that was cut off, as far as it looks like one.
        let end = if end_line.saturating_sub(body) <= MOST_KEY_BYTES {
            let after = end_line + END.len();
            let rest = &text[after..text.len().min(after + 64)];
            after + memmem::find(rest, b"-----").map_or(0, |at| at + 5)
        } else {
            let block = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n\\".contains(byte);
            body + text[body..].iter().take_while(|byte| block(byte)).count()
        };
        found.push(Match { start, end, kind: Kind::PrivateKey });
        free = end;
    }
}

pub fn web_tokens(text: &[u8], found: &mut Vec<Match>) {
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let mut free = 0;
    for start in memmem::find_iter(text, b"eyJ") {
        if start < free || (start > 0 && (base64(text[start - 1]) || text[start - 1] == b'.')) {
            continue;
        }
        let part = |from: usize| text[from..].iter().take_while(|&&byte| base64(byte)).count();
        let header = part(start);
        free = start + header;
        if header < 10 || text.get(free) != Some(&b'.') || text.get(free + 1..free + 4) != Some(b"eyJ") {
            continue;
        }
        let payload = part(free + 1);
        let dot = free + 1 + payload;
        free = dot;
        if payload < 10 || text.get(dot) != Some(&b'.') {
            continue;
        }
        let end = dot + 1 + part(dot + 1);
        free = end;
        if end - dot > 10 {
            found.push(Match { start, end, kind: Kind::Jwt });
        }
    }
}

const NAMES: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "access-key",
    "accesskey",
    "accountkey",
    "account_key",
    "passphrase",
    "auth_key",
    "private_key",
    "client_key",
    "credential",
];
/// Values that stand for a value.
const FILLERS: &[&str] =
    &["example", "changeme", "placeholder", "your", "xxxx", "dummy", "insert", "redacted", "1234567890"];

/// The longest part of a name that is looked through, before the sign that assigns.
const MOST_NAME_BYTES: usize = 64;

/// Signs that assign are rarer than the letters that the names begin with, so these are searched for, and the name is
/// looked for before them.
pub fn assigned(text: &[u8], found: &mut Vec<Match>) {
    static SEARCH: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let Some(search) = SEARCH.get_or_init(|| any_case(NAMES)) else { return };
    let mut free = 0;
    for sign in memchr::memchr2_iter(b'=', b':', text) {
        if sign < free {
            continue;
        }
        let Some((start, name)) = name_before(text, sign, free) else { continue };
        let names = search.find_iter(name).map(|one| start + one.end());
        if let Some((start, end)) = names.filter_map(|end| value(text, end)).find(|&(start, _)| start > sign) {
            found.push(Match { start, end, kind: Kind::Secret });
            free = end;
        }
    }
}

/// The end of a name that stands before `sign`, with blanks and what closes a key between them: where it starts, and its bytes.
fn name_before(text: &[u8], sign: usize, free: usize) -> Option<(usize, &[u8])> {
    let skip = |from: usize, most: usize, what: &dyn Fn(u8) -> bool| {
        from - text[free..from].iter().rev().take(most).take_while(|&&byte| what(byte)).count()
    };
    let sign = skip(sign, 1, &|byte| matches!(byte, b'=' | b':' | b'>'));
    let blank = skip(sign, 8, &|byte| matches!(byte, b' ' | b'\t'));
    let end = skip(blank, 2, &|byte| matches!(byte, b'"' | b'\'' | b']'));
    // The shortest name, "pwd", begins and ends with a letter of few.
    let last = *text[free..end].last()?;
    if !(is_word(last) || last == b'-') {
        return None;
    }
    let start = skip(end, MOST_NAME_BYTES, &|byte| is_word(byte) || byte == b'-');
    (end - start >= 3).then(|| (start, &text[start..end]))
}

/// The value assigned after a telling name that ends at `at`, if it looks random.
fn value(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let window = &text[at..text.len().min(at + 320)];
    let skip = |from: usize, most: usize, what: &dyn Fn(u8) -> bool| {
        from + window[from..].iter().take(most).take_while(|&&byte| what(byte)).count()
    };
    let name_end = skip(0, 32, &|byte| is_word(byte) || byte == b'-');
    let closed = skip(name_end, 2, &|byte| matches!(byte, b'"' | b'\'' | b']'));
    let blank = skip(closed, 8, &|byte| matches!(byte, b' ' | b'\t'));
    let sign = skip(blank, 2, &|byte| matches!(byte, b'=' | b':' | b'>'));
    // "==" compares and "::" is a path.
    if sign == blank || matches!(&window[blank..sign], b"==" | b"::" | b">" | b">>" | b">=" | b"=:") {
        return None;
    }
    let blank = skip(sign, 8, &|byte| matches!(byte, b' ' | b'\t'));
    let opened = skip(blank, 1, &|byte| matches!(byte, b'"' | b'\'' | b'`'));
    let quote = (opened > blank).then(|| window[blank]);
    let end = skip(opened, 256, &|byte| match quote {
        Some(quote) => byte.is_ascii_graphic() && byte != quote,
        None => byte.is_ascii_alphanumeric() || b"+/=_-.!@%^&*~".contains(&byte),
    });
    let value = &window[opened..end];
    let ends = match quote {
        Some(quote) => window.get(end) == Some(&quote),
        None => {
            window.get(end).is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b'"' | b'\''))
        }
    };
    let least = if quote.is_some() { 8 } else { 16 };
    (ends && value.len() >= least && looks_random(value)).then_some((at + opened, at + end))
}

/// Letters and digits of at least 2.8 bits each (Shannon, of their own frequencies), and no filler.
fn looks_random(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let mixed = value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic);
    let reference = value.iter().any(|byte| b"<>{}()[]$ ".contains(byte)) || memmem::find(value, b"://").is_some();
    let dotted_name =
        value.contains(&b'.') && !value.iter().any(|byte| b"+/=".contains(byte)) && value[0].is_ascii_alphabetic();
    let filler = FILLERS.iter().any(|filler| memmem::find(&lower, filler.as_bytes()).is_some());
    mixed && !reference && !dotted_name && !filler && entropy(value) >= 2.8
}

fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    value.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    let length = value.len() as f64;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = f64::from(count) / length;
            -share * share.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::found_by;
    use super::*;

    #[test]
    fn key_blocks() {
        let block = "-----BEGIN RSA PRIVATE KEY-----\nMIIE+/=\nabc\n-----END RSA PRIVATE KEY-----";
        assert_eq!(found_by(Kind::PrivateKey, &format!("x\n{block}\ny")), [block]);
        assert_eq!(
            found_by(Kind::PrivateKey, "-----BEGIN PRIVATE KEY-----\nMIIE abc"),
            ["-----BEGIN PRIVATE KEY-----\nMIIE"]
        );
        assert!(found_by(Kind::PrivateKey, "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----").is_empty());
    }

    #[test]
    fn web_tokens_have_three_parts() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVPmB92K27uhbUJU1p1r";
        assert_eq!(found_by(Kind::Jwt, &format!("Bearer {token}\n")), [token]);
        assert!(found_by(Kind::Jwt, "eyJhbGciOiJIUzI1NiJ9.abc.def eyJ eyJeyJeyJeyJeyJ.eyJ").is_empty());
    }

    #[test]
    fn assigned_secrets() {
        for (text, expected) in [
            ("password = \"hunter2x9Q\"", vec!["hunter2x9Q"]),
            ("API_KEY=9f8a7b6c5d4e3f2a1b0c", vec!["9f8a7b6c5d4e3f2a1b0c"]),
            ("{\"client_secret\": \"q9Wz-81kLm\"}", vec!["q9Wz-81kLm"]),
            ("token = tokenizer.next_token(1)", vec![]),
            ("password == \"hunter2x9Q\" password: str = None secret='changeme123' token=os.environ['X1']", vec![]),
            ("secret = \"aaaaaaaaaaaaaaa1\" password = \"no digits here\"", vec![]),
        ] {
            assert_eq!(found_by(Kind::Secret, text), expected, "{text}");
        }
    }
}
