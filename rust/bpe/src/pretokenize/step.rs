//! One step of a pretokenizer, and the general way to run a chain of them: a regex engine, or a test of characters.
//!
//! The kinds and behaviours are those of Hugging Face `tokenizers`; [`Step::Find`] is tiktoken's, which drops what the
//! pattern does not match.

use std::sync::Arc;

use fancy_regex::{Regex, RegexBuilder};

use super::known::{DEEPSEEK, Known};
use super::{PatternError, Scan};
use crate::{unicode, with_scanner};

/// What becomes of the text between two gaps that a pattern matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It is dropped.
    Removed,
    /// It is a piece.
    Isolated,
    /// It is the end of the piece before it.
    MergedWithPrevious,
    /// It is the start of the piece after it.
    MergedWithNext,
    /// It is a piece together with the matches beside it.
    Contiguous,
}

#[derive(Clone, Debug)]
pub enum Step {
    Known(Known),
    /// Pieces are the matches of the pattern, and nothing else is kept.
    Find {
        source: String,
        regex: Arc<Regex>,
    },
    Split {
        source: String,
        regex: Arc<Regex>,
        behaviour: Behaviour,
        invert: bool,
    },
    /// Runs of numbers, or each by itself.
    Digits {
        individual: bool,
    },
    /// ASCII punctuation and general category P.
    Punctuation {
        behaviour: Behaviour,
    },
    /// White space is dropped.
    WhitespaceSplit,
    /// Runs of one script; what is of any script goes with those before it.
    Scripts,
    /// Pieces of this many characters.
    FixedLength {
        characters: usize,
    },
}

fn compile(source: &str) -> Result<Arc<Regex>, PatternError> {
    RegexBuilder::new(source)
        // The usual patterns need a few steps a character; only a pattern that explodes meets the limit.
        .backtrack_limit(100_000_000)
        .build()
        .map(Arc::new)
        .map_err(|error| PatternError(format!("the split pattern {source:?} does not compile: {error}")))
}

impl Step {
    /// tiktoken's way with a pattern. Also takes `deepseek_v3`, the name of a chain.
    pub fn find(source: &str) -> Result<Self, PatternError> {
        if source == "deepseek_v3" || source == "deepseek" {
            return Ok(Self::Known(Known::DeepSeek));
        }
        if let Some(known) = Known::from_regex(source) {
            return Ok(Self::Known(known));
        }
        Ok(Self::Find { source: source.to_owned(), regex: compile(source)? })
    }

    pub fn split(source: &str, behaviour: Behaviour, invert: bool) -> Result<Self, PatternError> {
        Ok(Self::Split { source: source.to_owned(), regex: compile(source)?, behaviour, invert })
    }

    /// Split at a literal text.
    pub fn split_literal(literal: &str, behaviour: Behaviour, invert: bool) -> Result<Self, PatternError> {
        Self::split(&fancy_regex::escape(literal), behaviour, invert)
    }

    /// DeepSeek's three splits as regexes: what its scanner is compared with.
    pub fn deepseek_chain() -> Result<Vec<Self>, PatternError> {
        DEEPSEEK.into_iter().map(|source| Self::split(source, Behaviour::Isolated, false)).collect()
    }

    /// What names this step in a tokenizer's digest.
    pub fn description(&self) -> String {
        match self {
            Self::Find { source, .. } => format!("find {source}"),
            Self::Split { source, behaviour, invert, .. } => format!("split {behaviour:?} {invert} {source}"),
            other => format!("{other:?}"),
        }
    }
}

/// Split `text`, which lies at `base` of the whole, by the first step, and each of its pieces by the rest.
pub fn run(steps: &[Step], text: &str, base: usize, visit: &mut dyn FnMut(usize, usize)) -> Result<(), PatternError> {
    let Some((step, rest)) = steps.split_first() else {
        visit(base, base + text.len());
        return Ok(());
    };
    let mut failure = Ok(());
    let mut pass_on = |start: usize, end: usize| {
        if start < end && failure.is_ok() {
            if rest.is_empty() {
                visit(base + start, base + end);
            } else {
                failure = run(rest, &text[start..end], base + start, visit);
            }
        }
    };
    match step {
        Step::Known(known) => with_scanner!(*known, scanner => {
            let mut start = 0;
            while start < text.len() {
                let end = scanner.end(text.as_bytes(), start);
                pass_on(start, end);
                start = end;
            }
        }),
        Step::Find { source, regex } => {
            for found in regex.find_iter(text) {
                let found = found.map_err(|error| gave_up(source, &error))?;
                pass_on(found.start(), found.end());
            }
        }
        Step::Split { source, regex, behaviour, invert } => {
            let mut parts = Vec::new();
            let mut after = 0;
            for found in regex.find_iter(text) {
                let found = found.map_err(|error| gave_up(source, &error))?;
                if after < found.start() {
                    parts.push((after, found.start(), *invert));
                }
                parts.push((found.start(), found.end(), !*invert));
                after = found.end();
            }
            if after < text.len() {
                parts.push((after, text.len(), *invert));
            }
            arrange(parts, *behaviour, &mut pass_on);
        }
        Step::Digits { individual } => {
            let behaviour = if *individual { Behaviour::Isolated } else { Behaviour::Contiguous };
            arrange(by_character(text, unicode::is_number), behaviour, &mut pass_on);
        }
        Step::Punctuation { behaviour } => {
            let punctuation = |c: char| c.is_ascii_punctuation() || unicode::is_punctuation(c);
            arrange(by_character(text, punctuation), *behaviour, &mut pass_on);
        }
        Step::WhitespaceSplit => {
            arrange(by_character(text, unicode::is_white_space), Behaviour::Removed, &mut pass_on);
        }
        Step::Scripts => {
            // As in `tokenizers`, what comes before the first character of a script is dropped.
            let mut last = None;
            let mut start = None;
            for (at, character) in text.char_indices() {
                let Some(script) = unicode::scripts::script(character) else { continue };
                if last != Some(script) {
                    if let Some(start) = start {
                        pass_on(start, at);
                    }
                    start = Some(at);
                    last = Some(script);
                }
            }
            if let Some(start) = start {
                pass_on(start, text.len());
            }
        }
        Step::FixedLength { characters } => {
            let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by((*characters).max(1)).collect();
            for (index, &start) in boundaries.iter().enumerate() {
                pass_on(start, boundaries.get(index + 1).copied().unwrap_or(text.len()));
            }
        }
    }
    failure
}

fn gave_up(source: &str, error: &fancy_regex::Error) -> PatternError {
    PatternError(format!("the split pattern {source:?} gave up on a text: {error}"))
}

/// Each matching character, and each run of others.
fn by_character(text: &str, matches: impl Fn(char) -> bool) -> Vec<(usize, usize, bool)> {
    let mut parts: Vec<(usize, usize, bool)> = Vec::new();
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        let matched = matches(character);
        match parts.last_mut() {
            Some(last) if !matched && !last.2 => last.1 = end,
            _ => parts.push((at, end, matched)),
        }
    }
    parts
}

/// Visit parts, which cover the text in order and know whether they are matches, as `behaviour` joins or drops them.
fn arrange(parts: Vec<(usize, usize, bool)>, behaviour: Behaviour, visit: &mut dyn FnMut(usize, usize)) {
    let mut joined: Vec<(usize, usize)> = Vec::with_capacity(parts.len());
    match behaviour {
        Behaviour::Isolated => joined.extend(parts.iter().map(|part| (part.0, part.1))),
        Behaviour::Removed => joined.extend(parts.iter().filter(|part| !part.2).map(|part| (part.0, part.1))),
        Behaviour::Contiguous => {
            let mut last_matched = None;
            for (start, end, matched) in parts {
                match joined.last_mut() {
                    Some(last) if last_matched == Some(matched) => last.1 = end,
                    _ => joined.push((start, end)),
                }
                last_matched = Some(matched);
            }
        }
        Behaviour::MergedWithPrevious => {
            let mut after_match = false;
            for (start, end, matched) in parts {
                match joined.last_mut() {
                    Some(last) if matched && !after_match => last.1 = end,
                    _ => joined.push((start, end)),
                }
                after_match = matched;
            }
        }
        Behaviour::MergedWithNext => {
            let mut before_match = false;
            for (start, end, matched) in parts.into_iter().rev() {
                match joined.last_mut() {
                    Some(last) if matched && !before_match => last.0 = start,
                    _ => joined.push((start, end)),
                }
                before_match = matched;
            }
            joined.reverse();
        }
    }
    for (start, end) in joined {
        visit(start, end);
    }
}
