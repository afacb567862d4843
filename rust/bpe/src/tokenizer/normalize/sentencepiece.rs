//! What SentencePiece itself does to a text before its model: the table of a `.model` file, spaces, the space in front.

use std::sync::Arc;

use super::charsmap::Charsmap;
use super::{Aligned, Normalizer};

const SPACE: &str = "\u{2581}";

/// The rules of a `.model` file's NormalizerSpec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `None` is the identity.
    pub table: Option<Charsmap>,
    /// A space before a text.
    pub prefix: bool,
    /// Spaces at the ends go, and of several in a row one stays.
    pub remove_extra: bool,
    /// Spaces become "▁".
    pub escape: bool,
    /// What the table does not change: user-defined symbols.
    pub kept: Vec<String>,
}

impl Rules {
    /// Whether they are more than a "▁" in front and for each space, which the encoder does as it goes along.
    pub fn rewrites(&self) -> bool {
        self.table.is_some() || self.remove_extra || !self.escape
    }

    /// The same as normalizers.
    pub fn normalizers(&self) -> Vec<Normalizer> {
        if self.rewrites() {
            return vec![Normalizer::SentencePiece(Arc::new(self.clone()))];
        }
        let prefix = self.prefix.then(|| Normalizer::Prepend(SPACE.to_owned()));
        prefix.into_iter().chain([Normalizer::replace_literal(" ", SPACE)]).collect()
    }

    /// What the start of `text` becomes, and its length.
    fn first<'a>(&'a self, text: &'a str) -> (usize, &'a str) {
        let starts = |symbol: &&String| text.as_bytes().starts_with(symbol.as_bytes());
        if let Some(symbol) = self.kept.iter().filter(starts).max_by_key(|symbol| symbol.len()) {
            return (symbol.len(), &text[..symbol.len()]);
        }
        let found = self.table.as_ref().and_then(|table| table.longest(text));
        // An entry may end within a character only in a table that nobody made.
        found.filter(|(length, _)| text.is_char_boundary(*length)).unwrap_or_else(|| {
            let length = text.chars().next().map_or(0, char::len_utf8);
            (length, &text[..length])
        })
    }

    pub fn align(&self, from: &Aligned) -> Aligned {
        let mut to = Aligned::default();
        let shown = if self.escape { SPACE } else { " " };
        let mut rest = from.text.as_str();
        if self.remove_extra {
            while let (length @ 1.., " ") = self.first(rest) {
                rest = &rest[length..];
            }
        }
        if rest.is_empty() {
            return to;
        }
        let mut at = from.text.len() - rest.len();
        if self.prefix {
            let first = rest.chars().next().map_or(0, char::len_utf8);
            to.push(shown, from.span(at, at + first));
        }
        let mut after_space = self.remove_extra;
        while !rest.is_empty() {
            let (length, mut becomes) = self.first(rest);
            if after_space {
                becomes = becomes.trim_start_matches(' ');
            }
            let span = from.span(at, at + length);
            if becomes == &rest[..length] && !becomes.contains(' ') {
                to.push_from(from, at, at + length);
            } else {
                let mut buffer = [0; 4];
                for character in becomes.chars() {
                    to.push(if character == ' ' { shown } else { character.encode_utf8(&mut buffer) }, span);
                }
            }
            if !becomes.is_empty() {
                after_space = becomes.ends_with(' ');
            }
            after_space &= self.remove_extra;
            rest = &rest[length..];
            at += length;
        }
        if self.remove_extra {
            let kept = to.text.trim_end_matches(shown).len();
            to.text.truncate(kept);
            to.spans.truncate(kept);
        }
        to
    }
}
