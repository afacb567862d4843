//! From tokens back to bytes, and to text as it arrives.

use crate::{Bpe, VocabularyError};

/// Append the bytes of `ids`; special tokens are their names, or nothing with `skip_special_tokens`.
pub fn decode_into(
    bpe: &Bpe,
    ids: &[u32],
    skip_special_tokens: bool,
    bytes: &mut Vec<u8>,
) -> Result<(), VocabularyError> {
    for (index, &id) in ids.iter().enumerate() {
        if let Some(token) = bpe.vocabulary.token(id) {
            bytes.extend_from_slice(token);
        } else if let Some(text) = bpe.specials.text(id) {
            if !skip_special_tokens {
                bytes.extend_from_slice(text.as_bytes());
            }
        } else {
            return Err(VocabularyError(format!(
                "ids[{index}] is {id}, which no token has; this vocabulary's ids end at {}",
                bpe.id_count() - 1
            )));
        }
    }
    Ok(())
}

/// Bytes that arrive in parts, given out as text that never ends inside a character.
#[derive(Clone, Debug, Default)]
pub struct Utf8Stream {
    /// The beginning of a character whose end has not come yet: at most three bytes.
    pending: Vec<u8>,
}

impl Utf8Stream {
    /// Text that is complete once `bytes` came; bytes that can be of no character become U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::with_capacity(self.pending.len());
        let mut rest = &self.pending[..];
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    match error.error_len() {
                        Some(length) => {
                            text.push(char::REPLACEMENT_CHARACTER);
                            rest = &after[length..];
                        }
                        None => {
                            rest = after;
                            break;
                        }
                    }
                }
            }
        }
        self.pending = rest.to_vec();
        text
    }

    /// What is left at the end: U+FFFD if the last character never ended, else nothing.
    pub fn finish(&mut self) -> String {
        if self.pending.is_empty() {
            return String::new();
        }
        self.pending.clear();
        char::REPLACEMENT_CHARACTER.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_gives_what_the_whole_would() {
        let bytes = "aé中🦀".bytes().chain([0xFF, b'b', 0xE4, 0xB8]).collect::<Vec<u8>>();
        for split in 0..bytes.len() {
            let mut stream = Utf8Stream::default();
            let text = stream.push(&bytes[..split]) + &stream.push(&bytes[split..]) + &stream.finish();
            assert_eq!(text, String::from_utf8_lossy(&bytes));
        }
    }
}
