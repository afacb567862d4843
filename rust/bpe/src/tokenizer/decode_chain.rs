//! Decoders of tokenizer.json that are more than bytes one after another, run as `tokenizers` runs them: each step turns
//! the list of token texts into another.
//!
//! The decoders of nearly all files (ByteLevel; Replace, ByteFallback, Fuse, Strip) are worked out token by token when a
//! tokenizer is built and never come here. This costs an allocation a token and a step.

use super::normalize::Pattern;
use crate::byte_alphabet;
use crate::vocabulary::Tokens;

#[derive(Clone, Debug)]
pub enum DecoderStep {
    /// Bytes as the characters of the byte-level alphabet; a token with any other is its own bytes.
    ByteLevel,
    /// `<0x41>` is a byte; a run of them that is no UTF-8 is a U+FFFD for each.
    ByteFallback,
    Fuse,
    Replace {
        pattern: Pattern,
        content: String,
    },
    /// Cut this character from each token, at most so often at its start and end.
    Strip {
        content: char,
        start: usize,
        stop: usize,
    },
    /// The character is a space; with `drops_first`, those of the first token are nothing.
    Metaspace {
        replacement: char,
        drops_first: bool,
    },
    WordPiece {
        prefix: String,
        cleanup: bool,
    },
    /// A suffix that ends words is a space, and nothing at the end of the text.
    Suffix(String),
    Ctc {
        pad: String,
        delimiter: String,
        cleanup: bool,
    },
    /// What `tokenizers` does where there is no decoder: a space between each two tokens.
    JoinWithSpaces,
}

#[derive(Clone, Debug, Default)]
pub struct Chain {
    pub steps: Vec<DecoderStep>,
    /// The tokens as the vocabulary spells them.
    pub texts: Tokens,
}

/// `<0x41>` is 0x41.
pub fn byte_token(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
}

/// Replace what a pattern finds; an engine that gives up leaves the rest as it is.
pub fn replace(pattern: &Pattern, content: &str, text: &str) -> String {
    match pattern {
        Pattern::Literal(literal) if literal.is_empty() => text.to_owned(),
        Pattern::Literal(literal) => text.replace(literal.as_str(), content),
        Pattern::Regex(regex) => {
            let mut replaced = String::with_capacity(text.len());
            let mut after = 0;
            for found in regex.find_iter(text).flatten() {
                replaced.push_str(&text[after..found.start()]);
                replaced.push_str(content);
                after = found.end();
            }
            replaced.push_str(&text[after..]);
            replaced
        }
    }
}

/// The spaces that English does not have, as `tokenizers` takes them away.
fn clean_up(text: &str) -> String {
    const PAIRS: [(&str, &str); 11] = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" do not", " don't"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    PAIRS.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn strip(token: &str, content: char, start: usize, stop: usize) -> String {
    let leading = token.chars().take(start).take_while(|&character| character == content).count();
    let rest = &token[leading * content.len_utf8()..];
    let trailing = rest.chars().rev().take(stop).take_while(|&character| character == content).count();
    rest[..rest.len() - trailing * content.len_utf8()].to_owned()
}

impl DecoderStep {
    fn apply(&self, tokens: Vec<String>) -> Vec<String> {
        match self {
            Self::ByteLevel => {
                let mut bytes = Vec::new();
                for token in &tokens {
                    append_byte_level(token, &mut bytes);
                }
                vec![String::from_utf8_lossy(&bytes).into_owned()]
            }
            Self::ByteFallback => {
                let mut decoded = Vec::with_capacity(tokens.len());
                let mut run = Vec::new();
                let end_run = |decoded: &mut Vec<String>, run: &mut Vec<u8>| {
                    if let Ok(text) = std::str::from_utf8(run) {
                        if !text.is_empty() {
                            decoded.push(text.to_owned());
                        }
                    } else {
                        decoded.extend(std::iter::repeat_n("\u{FFFD}".to_owned(), run.len()));
                    }
                    run.clear();
                };
                for token in tokens {
                    if let Some(byte) = byte_token(&token) {
                        run.push(byte);
                    } else {
                        end_run(&mut decoded, &mut run);
                        decoded.push(token);
                    }
                }
                end_run(&mut decoded, &mut run);
                decoded
            }
            Self::Fuse => vec![tokens.concat()],
            Self::Ctc { pad, delimiter, cleanup } => {
                let mut tokens = tokens;
                tokens.dedup();
                let without_pad =
                    tokens.into_iter().map(|token| if pad.is_empty() { token } else { token.replace(pad, "") });
                let cleaned = without_pad.map(|token| match cleanup {
                    true if delimiter.is_empty() => clean_up(&token),
                    true => clean_up(&token).replace(delimiter, " "),
                    false => token,
                });
                cleaned.filter(|token| !token.is_empty()).collect()
            }
            Self::Suffix(suffix) => {
                let last = tokens.len().saturating_sub(1);
                let replaced = tokens.iter().enumerate().map(|(position, token)| {
                    if suffix.is_empty() {
                        token.clone()
                    } else {
                        token.replace(suffix, if position == last { "" } else { " " })
                    }
                });
                replaced.collect()
            }
            one_by_one => tokens
                .iter()
                .enumerate()
                .map(|(position, token)| one_by_one.apply_to_one(token, position == 0))
                .collect(),
        }
    }

    /// What the steps that look at one token at a time do.
    fn apply_to_one(&self, token: &str, is_first: bool) -> String {
        match self {
            Self::Replace { pattern, content } => replace(pattern, content, token),
            Self::Strip { content, start, stop } => strip(token, *content, *start, *stop),
            Self::Metaspace { replacement, drops_first } => {
                let characters =
                    token.chars().filter(|character| !(is_first && *drops_first && character == replacement));
                characters.map(|character| if character == *replacement { ' ' } else { character }).collect()
            }
            Self::WordPiece { prefix, cleanup } => {
                let token = match token.strip_prefix(prefix.as_str()) {
                    _ if is_first => token.to_owned(),
                    Some(inside) => inside.to_owned(),
                    None => format!(" {token}"),
                };
                if *cleanup { clean_up(&token) } else { token }
            }
            Self::JoinWithSpaces if !is_first => format!(" {token}"),
            _ => token.to_owned(),
        }
    }

    fn is_one_by_one(&self) -> bool {
        matches!(
            self,
            Self::Replace { .. }
                | Self::Strip { .. }
                | Self::Metaspace { .. }
                | Self::WordPiece { .. }
                | Self::JoinWithSpaces
        )
    }
}

fn append_byte_level(token: &str, bytes: &mut Vec<u8>) {
    let before = bytes.len();
    if !byte_alphabet::decode(token, bytes) {
        bytes.truncate(before);
        bytes.extend_from_slice(token.as_bytes());
    }
}

impl Chain {
    /// Append the text of `ids`; the position of an id that does not exist is the error.
    pub fn decode(&self, ids: &[u32], skip: impl Fn(u32) -> bool, text: &mut Vec<u8>) -> Result<(), usize> {
        let mut tokens = Vec::with_capacity(ids.len());
        for (position, &id) in ids.iter().enumerate() {
            let token = self.texts.get(id).ok_or(position)?;
            if !skip(id) {
                tokens.push(String::from_utf8_lossy(token).into_owned());
            }
        }
        let decoded = self.steps.iter().fold(tokens, |tokens, step| step.apply(tokens));
        text.extend_from_slice(decoded.concat().as_bytes());
        Ok(())
    }

    /// What one token adds to a text, where no step looks at more than one token; `None` where any does.
    pub fn decode_one(&self, id: u32, is_first: bool) -> Option<String> {
        let token = String::from_utf8_lossy(self.texts.get(id)?).into_owned();
        self.steps
            .iter()
            .all(DecoderStep::is_one_by_one)
            .then(|| self.steps.iter().fold(token, |token, step| step.apply_to_one(&token, is_first)))
    }
}
