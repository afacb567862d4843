//! Special tokens: names such as `<|endoftext|>` that stand for one id and are never spelled by merging.

use aho_corasick::{AhoCorasick, MatchKind};

use crate::vocabulary::VocabularyError;

/// Which special tokens a call recognises in a text; all others are ordinary text there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    None,
    All,
    /// By index into [`Specials::tokens`].
    Some(Vec<bool>),
}

/// The special tokens of a tokenizer.
#[derive(Clone, Debug, Default)]
pub struct Specials {
    tokens: Vec<(String, u32)>,
    finder: Option<AhoCorasick>,
}

impl Specials {
    pub fn new(tokens: Vec<(String, u32)>) -> Result<Self, VocabularyError> {
        for (index, (text, id)) in tokens.iter().enumerate() {
            if text.is_empty() {
                return Err(VocabularyError(format!("special token {id} is empty")));
            }
            if let Some((other, _)) = tokens[..index].iter().find(|(other, other_id)| other == text || other_id == id) {
                return Err(VocabularyError(format!("special tokens {other:?} and {text:?} (id {id}) collide")));
            }
        }
        let finder = if tokens.is_empty() {
            None
        } else {
            // The longest of those that begin first, as `tokenizers` finds its added tokens.
            let finder = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(tokens.iter().map(|(text, _)| text))
                .map_err(|error| VocabularyError(format!("special tokens cannot be searched for: {error}")))?;
            Some(finder)
        };
        Ok(Self { tokens, finder })
    }

    pub fn tokens(&self) -> &[(String, u32)] {
        &self.tokens
    }

    pub fn text(&self, id: u32) -> Option<&str> {
        self.tokens.iter().find(|(_, special)| *special == id).map(|(text, _)| text.as_str())
    }

    /// Visit `text` as stretches of ordinary text (`None`) and special tokens (`Some(id)`), in order.
    pub fn split<E>(
        &self,
        text: &str,
        allowed: &Allowed,
        mut visit: impl FnMut(usize, usize, Option<u32>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut done = 0;
        if let (Some(finder), false) = (&self.finder, *allowed == Allowed::None) {
            for found in finder.find_iter(text) {
                let index = found.pattern().as_usize();
                if matches!(allowed, Allowed::Some(mask) if !mask[index]) {
                    continue;
                }
                if found.start() > done {
                    visit(done, found.start(), None)?;
                }
                visit(found.start(), found.end(), Some(self.tokens[index].1))?;
                done = found.end();
            }
        }
        if done < text.len() {
            visit(done, text.len(), None)?;
        }
        Ok(())
    }
}
