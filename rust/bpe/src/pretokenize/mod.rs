//! Cutting a text into the pieces that BPE merges within, as a vocabulary's split pattern says.
//!
//! [`Pretokenizer::from_pattern`] takes a name (`cl100k`) or a regex. The patterns of the well-known vocabularies are
//! recognised by their exact text and scanned by hand-written code, [`window`]s of 64 bytes at a time; every other one runs in
//! a regex engine, about a hundred times slower. Chains of splits, as tokenizer.json writes them, are lists of [`Step`]s.

mod ascii;
mod cl100k;
mod classes;
mod deepseek;
mod gpt2;
mod known;
mod o200k;
mod step;
pub(crate) mod window;

use std::fmt;

pub use cl100k::Cl100k;
pub use deepseek::DeepSeek;
pub use gpt2::Gpt2;
pub use known::{Known, PATTERNS, pattern_by_name};
pub use o200k::O200k;
pub use step::{Behaviour, Step};
use tokenfoundry_kernels::byte_classes::Classifier;

/// A hand-written scanner: where the piece that starts at `start` ends.
pub trait Scan: Copy {
    /// `text` is UTF-8 and `start` a character boundary before its end; the result is a later boundary.
    fn end(&self, text: &[u8], start: usize) -> usize;

    /// Where pieces start in the window of `length` bytes (64, or fewer and then `last`) that begins at the piece at `at`,
    /// as a mask of the places that nothing beyond the window can change. `None` where [`Self::end`] must decide.
    #[inline(always)]
    fn starts(&self, classifier: impl Classifier, text: &[u8], at: usize, length: usize, last: bool) -> Option<u64> {
        let _ = (classifier, text, at, length, last);
        None
    }
}

/// Run `$body` with `$scanner` bound to the known pattern's own scanner type, so that its loop is compiled for it.
#[macro_export]
macro_rules! with_scanner {
    ($known:expr, $scanner:ident => $body:expr) => {
        match $known {
            $crate::pretokenize::Known::Gpt2 => {
                let $scanner = $crate::pretokenize::Gpt2;
                $body
            }
            $crate::pretokenize::Known::Cl100k => {
                let $scanner = $crate::pretokenize::Cl100k::<false, 3, true>;
                $body
            }
            $crate::pretokenize::Known::Llama3 => {
                let $scanner = $crate::pretokenize::Cl100k::<false, 3, false>;
                $body
            }
            $crate::pretokenize::Known::Qwen2 => {
                let $scanner = $crate::pretokenize::Cl100k::<false, 1, false>;
                $body
            }
            $crate::pretokenize::Known::Qwen35 => {
                let $scanner = $crate::pretokenize::Cl100k::<true, 1, false>;
                $body
            }
            $crate::pretokenize::Known::O200k => {
                let $scanner = $crate::pretokenize::O200k::<true, 3>;
                $body
            }
            $crate::pretokenize::Known::Tekken => {
                let $scanner = $crate::pretokenize::O200k::<false, 1>;
                $body
            }
            $crate::pretokenize::Known::DeepSeek => {
                let $scanner = $crate::pretokenize::DeepSeek;
                $body
            }
        }
    };
}

/// A pattern that does not compile, or whose engine gave up on a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError(pub String);

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PatternError {}

/// Splits a text by one step after another; each step splits the pieces of the one before.
#[derive(Clone, Debug, Default)]
pub struct Pretokenizer {
    steps: Vec<Step>,
}

impl Pretokenizer {
    /// `pattern`: a name of [`PATTERNS`], or a regex as tiktoken takes it (text that it does not match is dropped).
    pub fn from_pattern(pattern: &str) -> Result<Self, PatternError> {
        let regex = pattern_by_name(pattern).unwrap_or(pattern);
        Ok(Self::from_steps(vec![Step::find(regex)?]))
    }

    /// The steps in order; those that a hand-written scanner covers become one.
    pub fn from_steps(steps: Vec<Step>) -> Self {
        Self { steps: known::recognised(steps) }
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The regular expressions of the splits, in order.
    pub fn regexes(&self) -> Vec<String> {
        let mut regexes = Vec::new();
        for step in &self.steps {
            match step {
                Step::Known(known) => regexes.extend(known.regexes().iter().map(|&regex| regex.to_owned())),
                Step::Find { source, .. } | Step::Split { source, .. } => regexes.push(source.clone()),
                _ => {}
            }
        }
        regexes
    }

    /// The scanner, where one covers the whole pretokenizer.
    pub fn known(&self) -> Option<Known> {
        match self.steps.as_slice() {
            [Step::Known(known)] => Some(*known),
            _ => None,
        }
    }

    /// Visit the pieces in order as byte ranges. No pieces at all for an empty text.
    pub fn split(&self, text: &str, mut visit: impl FnMut(usize, usize)) -> Result<(), PatternError> {
        if text.is_empty() {
            return Ok(());
        }
        if let Some(known) = self.known() {
            with_scanner!(known, scanner => {
                let mut start = 0;
                while start < text.len() {
                    let end = scanner.end(text.as_bytes(), start);
                    visit(start, end);
                    start = end;
                }
            });
            return Ok(());
        }
        step::run(&self.steps, text, 0, &mut visit)
    }

    /// The pieces of `text`.
    pub fn pieces<'text>(&self, text: &'text str) -> Result<Vec<&'text str>, PatternError> {
        let mut pieces = Vec::new();
        self.split(text, |start, end| pieces.push(&text[start..end]))?;
        Ok(pieces)
    }
}

/// A pretokenizer of one pattern, whose visitor can stop it.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    pretokenizer: Pretokenizer,
}

impl Pattern {
    /// As [`Pretokenizer::from_pattern`].
    pub fn new(name_or_regex: &str) -> Result<Self, PatternError> {
        let text = pattern_by_name(name_or_regex).unwrap_or(name_or_regex).to_owned();
        Ok(Self { pretokenizer: Pretokenizer::from_pattern(name_or_regex)?, text })
    }

    /// The regular expression.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a hand-written scanner follows this pattern.
    pub fn is_fast(&self) -> bool {
        self.pretokenizer.known().is_some()
    }

    /// Visit the pieces of `text` in order as byte ranges for as long as `visit` says to go on.
    #[inline]
    pub fn pieces(&self, text: &str, mut visit: impl FnMut(usize, usize) -> bool) -> Result<(), PatternError> {
        if let Some(known) = self.pretokenizer.known() {
            with_scanner!(known, scanner => {
                let mut start = 0;
                while start < text.len() {
                    let end = scanner.end(text.as_bytes(), start);
                    if !visit(start, end) {
                        break;
                    }
                    start = end;
                }
            });
            return Ok(());
        }
        let mut goes_on = true;
        self.pretokenizer.split(text, |start, end| goes_on = goes_on && visit(start, end))
    }
}

#[cfg(test)]
mod tests;
