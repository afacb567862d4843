//! tiktoken's rank files: one token a line, base64 of its bytes, a space, its rank.

use crate::vocabulary::{Vocabulary, VocabularyError};

fn value(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|&&letter| letter == b'=').count();
    if !text.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let letters = &text[..text.len() - padding];
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in letters.chunks(4) {
        let mut bits = 0u32;
        for &letter in group {
            bits = bits << 6 | u32::from(value(letter)?);
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

fn encode_base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for index in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * index)) as usize & 63];
            text.push(if index <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

/// Whether a file's first line looks like a rank file's.
pub fn recognise(content: &[u8]) -> bool {
    let line = content.split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.split(|&byte| byte == b' ').count() == 2 && parse_line(line).is_some()
}

fn parse_line(line: &[u8]) -> Option<(Vec<u8>, u32)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let middle = line.iter().position(|&byte| byte == b' ')?;
    let rank = std::str::from_utf8(&line[middle + 1..]).ok()?.parse().ok()?;
    Some((decode_base64(&line[..middle])?, rank))
}

/// Tokens and ranks of a rank file.
pub fn parse(content: &[u8]) -> Result<Vec<(Vec<u8>, u32)>, VocabularyError> {
    let mut tokens = Vec::with_capacity(content.len() / 16);
    for (index, line) in content.split(|&byte| byte == b'\n').enumerate() {
        if line.is_empty() || line == b"\r" {
            continue;
        }
        tokens.push(parse_line(line).ok_or_else(|| {
            let shown: String = String::from_utf8_lossy(line).chars().take(60).collect();
            VocabularyError(format!("line {} is not \"<base64> <rank>\": {shown:?}", index + 1))
        })?);
    }
    Ok(tokens)
}

/// A rank file of the ordinary tokens.
pub fn write(vocabulary: &Vocabulary) -> String {
    vocabulary.tokens().map(|(token, id)| format!("{} {id}\n", encode_base64(token))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_round_trips() {
        for length in 0..40usize {
            let bytes: Vec<u8> = (0..length).map(|index| (index * 37 + length) as u8).collect();
            assert_eq!(decode_base64(encode_base64(&bytes).as_bytes()), Some(bytes));
        }
        assert_eq!(encode_base64(b"hello"), "aGVsbG8=");
        assert_eq!(decode_base64(b"a==="), None);
        assert_eq!(decode_base64(b"ab*="), None);
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = parse(b"IQ== 0\nIg== one\n").expect_err("a bad rank");
        assert!(error.0.contains("line 2"), "{error}");
        assert!(recognise(b"IQ== 0\n"));
        assert!(!recognise(b"{\"model\": 1}"));
    }
}
