//! Cutting text into the pieces that BPE merges within: a tokenizer's "pattern".
//!
//! The patterns of the public vocabularies differ in a few choices only ([`rules::Rules`]), so one hand-written
//! scanner follows them all; a pattern that none of them is goes to a backtracking regex engine, at a tenth of the
//! speed. Character classes are those of Unicode 16.0. Cost of the scanner: one table look-up a character; linear.

use std::sync::LazyLock;

mod classes_16_0;
mod regex_engine;
mod rules;
mod scanner;

pub use rules::{Rules, named};

use regex_engine::RegexEngine;

/// What a BPE pattern can ask of a character: `\p{L}` in three parts, `\p{M}`, `\p{N}`, `\s`, anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    Other,
    Space,
    Number,
    Mark,
    /// Lu or Lt
    Upper,
    /// Ll
    Lower,
    /// Lm or Lo
    Caseless,
}

/// Class of every code point; 1.1 MB, filled from the ranges in about 0.1 ms on first use.
static CLASSES: LazyLock<Box<[Class]>> = LazyLock::new(|| {
    let mut classes = vec![Class::Other; char::MAX as usize + 1].into_boxed_slice();
    let ends = classes_16_0::RANGES[1..].iter().map(|range| range.0 as usize).chain([classes.len()]);
    for (&(start, class), end) in classes_16_0::RANGES.iter().zip(ends.collect::<Vec<_>>()) {
        classes[start as usize..end].fill(class);
    }
    classes
});

#[derive(Clone, Debug)]
enum Engine {
    Scanner(Rules),
    Regex(Box<RegexEngine>),
}

/// A tokenizer's pattern, ready to cut text.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    engine: Engine,
}

/// The pattern is not a regular expression, or gave up on a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError(pub String);

impl std::fmt::Display for PatternError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// From a known name (`gpt2`, `cl100k`, `o200k`, `qwen2`, `llama3` …) or from the regular expression itself.
    pub fn new(name_or_regex: &str) -> Result<Self, PatternError> {
        let text = named(name_or_regex).unwrap_or(name_or_regex).to_owned();
        let engine = match Rules::recognise(&text) {
            Some(rules) => Engine::Scanner(rules),
            None => Engine::Regex(Box::new(RegexEngine::new(&text)?)),
        };
        Ok(Self { text, engine })
    }

    /// The same pattern on the regex engine, whatever it is: the scanner's differential test.
    pub fn new_on_regex_engine(name_or_regex: &str) -> Result<Self, PatternError> {
        let text = named(name_or_regex).unwrap_or(name_or_regex).to_owned();
        let engine = Engine::Regex(Box::new(RegexEngine::new(&text)?));
        Ok(Self { text, engine })
    }

    /// The regular expression.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a hand-written scanner follows this pattern.
    pub fn is_fast(&self) -> bool {
        matches!(self.engine, Engine::Scanner(_))
    }

    /// Visit the pieces of `text` in order as byte ranges. Text that the pattern matches nowhere is a piece of its own,
    /// so that the pieces always join to the whole text.
    ///
    /// `visit` returns whether to go on.
    pub fn pieces(&self, text: &str, mut visit: impl FnMut(usize, usize) -> bool) -> Result<(), PatternError> {
        match &self.engine {
            Engine::Scanner(rules) => {
                scanner::pieces(rules, &CLASSES, text, &mut visit);
                Ok(())
            }
            Engine::Regex(engine) => engine.pieces(text, &mut visit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut<'t>(pattern: &Pattern, text: &'t str) -> Vec<&'t str> {
        let mut pieces = Vec::new();
        pattern
            .pieces(text, |start, end| {
                pieces.push(&text[start..end]);
                true
            })
            .expect("the engine finishes");
        pieces
    }

    #[test]
    fn cl100k_by_hand() {
        let pattern = Pattern::new("cl100k").expect("a known name");
        assert!(pattern.is_fast());
        assert_eq!(cut(&pattern, "Hello world"), ["Hello", " world"]);
        assert_eq!(
            cut(&pattern, "I'LL go  there\n\n 12345!?\n"),
            ["I", "'LL", " go", " ", " there", "\n\n", " ", "123", "45", "!?\n"]
        );
        assert_eq!(cut(&pattern, ""), Vec::<&str>::new());
    }

    #[test]
    fn the_scanner_cuts_as_the_regex_engine_does() {
        // Every word over an alphabet with a character of each kind that some rule looks at.
        let alphabet =
            ["a", "B", "ж", "中", "\u{301}", "1", "٣", " ", "\u{a0}", "\n", "\r", "'", "s", "ſ", "L", "/", "!", "ǅ"];
        for name in ["gpt2", "cl100k", "cl100k_tiktoken", "o200k", "qwen2", "llama3"] {
            let fast = Pattern::new(name).expect("a known name");
            assert!(fast.is_fast(), "{name}");
            let slow = Pattern::new_on_regex_engine(name).expect("a regex");
            let mut state = 1u64;
            for round in 0..30_000 {
                let mut text = String::new();
                for _ in 0..1 + round % 9 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    text.push_str(alphabet[(state >> 33) as usize % alphabet.len()]);
                }
                assert_eq!(cut(&fast, &text), cut(&slow, &text), "{name} on {text:?}");
            }
        }
    }

    #[test]
    fn an_unknown_pattern_keeps_what_it_does_not_match() {
        let pattern = Pattern::new(r"\d+(?=x)").expect("a regex");
        assert!(!pattern.is_fast());
        assert_eq!(cut(&pattern, "ab12x34"), ["ab", "12", "x34"]);
        assert!(Pattern::new("(").is_err());
    }
}
