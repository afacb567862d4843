//! Normalizers of tokenizer.json: what becomes of a text before it is split. They run on the text between added tokens.

pub mod charsmap;
mod quick;
pub mod sentencepiece;

use std::sync::Arc;

use fancy_regex::Regex;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use tokenfoundry_base::stable_hash;

use super::forms;
use crate::byte_alphabet;
use crate::pretokenize::PatternError;
use crate::unicode::{self, bert, older};

#[derive(Clone, Debug)]
pub enum Normalizer {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
    Lowercase,
    StripAccents,
    /// BERT's cleaning: control characters go, and white space becomes a space.
    Clean,
    /// BERT's spaces around each Chinese character.
    SpaceIdeographs,
    /// BERT's accents: nonspacing marks.
    StripNonspacing,
    /// Control characters go, and what is white space in Google's NMT becomes a space.
    Nmt,
    /// SentencePiece's table as `tokenizers` reads it.
    Precompiled(Arc<charsmap::Charsmap>),
    /// All that SentencePiece does to a text, as it does it.
    SentencePiece(Arc<sentencepiece::Rules>),
    /// Bytes become letters of the byte-level alphabet.
    ByteLetters,
    /// Put before a text that is not empty.
    Prepend(String),
    /// Put before a text that does not start with it already.
    PrefixUnless {
        prefix: String,
    },
    /// As `PrefixUnless`, but only at the start of the whole, not after an added token.
    PrefixFirst {
        prefix: String,
    },
    Strip {
        left: bool,
        right: bool,
    },
    Replace {
        source: String,
        pattern: Pattern,
        content: String,
    },
}

#[derive(Clone, Debug)]
pub enum Pattern {
    Literal(String),
    Regex(Arc<Regex>),
}

/// A text and, for each of its bytes, where in the original what it came from starts and ends.
#[derive(Clone, Debug, Default)]
pub struct Aligned {
    pub text: String,
    pub spans: Vec<(usize, usize)>,
}

impl Aligned {
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), spans: (0..text.len()).map(|at| (at, at + 1)).collect() }
    }

    /// Where in the original the bytes from `start` to `end` come from.
    pub fn span(&self, start: usize, end: usize) -> (usize, usize) {
        if start < end {
            (self.spans[start].0, self.spans[end - 1].1)
        } else {
            let at = self.spans.get(start).map_or_else(|| self.spans.last().map_or(0, |span| span.1), |span| span.0);
            (at, at)
        }
    }

    pub fn part(&self, start: usize, end: usize) -> Self {
        Self { text: self.text[start..end].to_owned(), spans: self.spans[start..end].to_vec() }
    }

    pub(super) fn push(&mut self, text: &str, span: (usize, usize)) {
        self.text.push_str(text);
        self.spans.extend(std::iter::repeat_n(span, text.len()));
    }

    pub(super) fn push_from(&mut self, from: &Self, start: usize, end: usize) {
        self.text.push_str(&from.text[start..end]);
        self.spans.extend_from_slice(&from.spans[start..end]);
    }
}

fn is_normalized(form: &Normalizer, text: &str) -> bool {
    match form {
        Normalizer::Nfc => quick::is_nfc(text),
        Normalizer::Nfkc => quick::is_nfkc(text),
        _ => text.is_ascii(),
    }
}

impl Normalizer {
    pub fn replace_literal(literal: &str, content: &str) -> Self {
        Self::Replace {
            source: literal.to_owned(),
            pattern: Pattern::Literal(literal.to_owned()),
            content: content.to_owned(),
        }
    }

    pub fn replace_regex(source: &str, content: &str) -> Result<Self, PatternError> {
        let regex = Regex::new(source)
            .map_err(|error| PatternError(format!("the normalizer's pattern {source:?} does not compile: {error}")))?;
        Ok(Self::Replace {
            source: source.to_owned(),
            pattern: Pattern::Regex(Arc::new(regex)),
            content: content.to_owned(),
        })
    }

    /// What names it in a tokenizer's digest.
    pub fn description(&self) -> String {
        match self {
            Self::Replace { source, pattern, content } => {
                let kind = if matches!(pattern, Pattern::Literal(_)) { "literal" } else { "regex" };
                format!("replace {kind} {source:?} {content:?}")
            }
            Self::Precompiled(table) => format!("precompiled {:032x}", stable_hash::hash128(&table.to_bytes())),
            Self::SentencePiece(rules) => {
                let table = rules.table.as_ref().map(|table| stable_hash::hash128(&table.to_bytes()));
                let sentencepiece::Rules { prefix, remove_extra, escape, kept, .. } = &**rules;
                format!("sentencepiece {table:032x?} {prefix} {remove_extra} {escape} {kept:?}")
            }
            other => format!("{other:?}"),
        }
    }

    /// Whether it leaves `text` as it is, where that is cheap to tell.
    fn is_idle(&self, text: &str, at_start: bool) -> bool {
        match self {
            Self::Nfc | Self::Nfd | Self::Nfkc | Self::Nfkd | Self::StripAccents => is_normalized(self, text),
            Self::Prepend(_) => text.is_empty(),
            Self::PrefixUnless { prefix } => text.is_empty() || text.starts_with(prefix.as_str()),
            Self::PrefixFirst { prefix } => !at_start || text.is_empty() || text.starts_with(prefix.as_str()),
            Self::Replace { pattern: Pattern::Literal(literal), .. } => !text.contains(literal.as_str()),
            _ => false,
        }
    }

    fn apply(&self, text: &str) -> String {
        match self {
            Self::Nfc => between_later(text, |text, to| to.extend(text.nfc())),
            Self::Nfd => between_later(text, |text, to| to.extend(text.nfd())),
            Self::Nfkc => between_later(text, |text, to| to.extend(text.nfkc())),
            Self::Nfkd => between_later(text, |text, to| to.extend(text.nfkd())),
            Self::Lowercase => text.chars().flat_map(char::to_lowercase).collect(),
            Self::StripAccents => text.chars().filter(|&character| !is_accent(character)).collect(),
            Self::Nmt => text.chars().filter_map(nmt).collect(),
            Self::Clean => text.chars().filter_map(clean).collect(),
            Self::StripNonspacing => text.chars().filter(|&character| !is_nonspacing(character)).collect(),
            Self::SpaceIdeographs => {
                let mut spaced = String::with_capacity(text.len() + text.len() / 2);
                for character in text.chars() {
                    if is_ideograph(character) {
                        spaced.extend([' ', character, ' ']);
                    } else {
                        spaced.push(character);
                    }
                }
                spaced
            }
            Self::Precompiled(table) => table.apply(text),
            Self::SentencePiece(rules) => rules.align(&Aligned::new(text)).text,
            Self::ByteLetters => byte_alphabet::encode(text.as_bytes()),
            Self::Prepend(prefix) | Self::PrefixUnless { prefix } | Self::PrefixFirst { prefix } => {
                format!("{prefix}{text}")
            }
            Self::Strip { left, right } => strip(text, *left, *right).to_owned(),
            Self::Replace { pattern: Pattern::Literal(literal), content, .. } => {
                text.replace(literal.as_str(), content)
            }
            Self::Replace { pattern: Pattern::Regex(_), .. } => self.align(Aligned::new(text)).text,
        }
    }

    /// As [`Self::apply`], with the origin of each byte.
    fn align(&self, from: Aligned) -> Aligned {
        let mut to = Aligned::default();
        match self {
            Self::Nfc | Self::Nfd | Self::Nfkc | Self::Nfkd => {
                // What a starter and the characters after it become does not depend on what is around them, but for
                // Hangul jamo, which compose with their neighbours, and for what has a mark or a jamo for its
                // compatible form: they start nothing.
                let mut start = 0;
                let boundaries =
                    from.text.char_indices().filter(|&(at, character)| at > 0 && starts_segment(character));
                let ends: Vec<usize> = boundaries.map(|(at, _)| at).chain([from.text.len()]).collect();
                for end in ends {
                    let segment = &from.text[start..end];
                    let normalized = self.apply(segment);
                    if normalized == segment {
                        to.push_from(&from, start, end);
                    } else {
                        self.push_form(&mut to, &from, start, end, &normalized);
                    }
                    start = end;
                }
            }
            Self::Lowercase => {
                let mut buffer = [0; 4];
                for (at, character) in from.text.char_indices() {
                    let span = from.span(at, at + character.len_utf8());
                    for lower in character.to_lowercase() {
                        to.push(lower.encode_utf8(&mut buffer), span);
                    }
                }
            }
            Self::StripAccents | Self::StripNonspacing => {
                let is_dropped = if matches!(self, Self::StripAccents) { is_accent } else { is_nonspacing };
                for (at, character) in from.text.char_indices() {
                    if !is_dropped(character) {
                        to.push_from(&from, at, at + character.len_utf8());
                    }
                }
            }
            Self::SpaceIdeographs => {
                for (at, character) in from.text.char_indices() {
                    let end = at + character.len_utf8();
                    if is_ideograph(character) {
                        let span = from.span(at, end);
                        to.push(" ", span);
                        to.push(&from.text[at..end], span);
                        to.push(" ", span);
                    } else {
                        to.push_from(&from, at, end);
                    }
                }
            }
            Self::Nmt | Self::Clean => {
                let becomes = if matches!(self, Self::Nmt) { nmt } else { clean };
                let mut buffer = [0; 4];
                for (at, character) in from.text.char_indices() {
                    if let Some(kept) = becomes(character) {
                        to.push(kept.encode_utf8(&mut buffer), from.span(at, at + character.len_utf8()));
                    }
                }
            }
            Self::Precompiled(table) => to = table.align(&from),
            Self::SentencePiece(rules) => to = rules.align(&from),
            Self::ByteLetters => {
                let mut buffer = [0; 4];
                for (at, &byte) in from.text.as_bytes().iter().enumerate() {
                    let letter = byte_alphabet::CHARACTERS[byte as usize];
                    to.push(letter.encode_utf8(&mut buffer), from.spans[at]);
                }
            }
            Self::Prepend(prefix) | Self::PrefixUnless { prefix } | Self::PrefixFirst { prefix } => {
                // Of the first character, as `tokenizers` has it.
                let first = from.text.chars().next().map_or(0, char::len_utf8);
                to.push(prefix, from.span(0, first));
                to.push_from(&from, 0, from.text.len());
            }
            Self::Strip { left, right } => {
                let start = from.text.len() - strip(&from.text, *left, false).len();
                let kept = strip(&from.text[start..], false, *right).len();
                to.push_from(&from, start, start + kept);
            }
            Self::Replace { pattern, content, .. } => {
                let mut after = 0;
                let mut replace = |start: usize, end: usize| {
                    to.push_from(&from, after, start);
                    // Of the last character, as `tokenizers` has it.
                    let last = from.text[..end].chars().next_back().map_or(0, char::len_utf8);
                    to.push(content, from.span(end - last, end));
                    after = end;
                };
                match pattern {
                    Pattern::Literal(literal) => {
                        from.text.match_indices(literal.as_str()).for_each(|(at, found)| replace(at, at + found.len()));
                    }
                    // An engine that gives up leaves the rest as it is.
                    Pattern::Regex(regex) => {
                        regex.find_iter(&from.text).flatten().for_each(|found| replace(found.start(), found.end()));
                    }
                }
                to.push_from(&from, after, from.text.len());
            }
        }
        to
    }
}

impl Normalizer {
    /// The normal form of a stretch of `from`, each character of the place that `tokenizers` gives it.
    fn push_form(&self, to: &mut Aligned, from: &Aligned, start: usize, end: usize, normalized: &str) {
        let compatible = matches!(self, Self::Nfkc | Self::Nfkd);
        let placed = forms::placed(&from.text[start..end], compatible, matches!(self, Self::Nfc | Self::Nfkc));
        if !placed.iter().map(|(character, _)| *character).eq(normalized.chars()) {
            to.push(normalized, from.span(start, end));
            return;
        }
        let mut buffer = [0; 4];
        for (character, place) in placed {
            let at = place.map_or(start.checked_sub(1), |place| Some(start + place));
            let span = at.and_then(|at| from.spans.get(at)).copied().unwrap_or((0, 0));
            to.push(character.encode_utf8(&mut buffer), span);
        }
    }
}

fn starts_segment(character: char) -> bool {
    let jamo = matches!(
        character as u32,
        0x1161..=0x1175 | 0x11A8..=0x11C2 | 0x3131..=0x318E | 0xFF9E..=0xFF9F | 0xFFA0..=0xFFDC
    );
    unicode_normalization::char::canonical_combining_class(character) == 0 && !jamo && !is_combining_mark(character)
}

/// Normalize what is between characters that the tables of `tokenizers` do not know, and which are nothing to it.
fn between_later(text: &str, normalize: impl Fn(&str, &mut String)) -> String {
    let mut normalized = String::with_capacity(text.len());
    let mut start = 0;
    for (at, character) in text.char_indices() {
        if older::contains(&older::NORMALIZED_LATER, character) {
            normalize(&text[start..at], &mut normalized);
            normalized.push(character);
            start = at + character.len_utf8();
        }
    }
    normalize(&text[start..], &mut normalized);
    normalized
}

fn is_accent(character: char) -> bool {
    is_combining_mark(character) != older::contains(&older::MARKS_CHANGED, character)
}

fn is_nonspacing(character: char) -> bool {
    older::contains(&bert::NONSPACING_MARKS, character)
}

fn clean(character: char) -> Option<char> {
    if older::contains(&bert::CLEANED, character) {
        return None;
    }
    Some(if character.is_whitespace() { ' ' } else { character })
}

/// What BERT takes for a Chinese character: the blocks of ideographs but for the extensions E's first pages and later ones.
fn is_ideograph(character: char) -> bool {
    matches!(
        character as u32,
        0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x2A6DF | 0x2A700..=0x2B73F | 0x2B740..=0x2B81F
            | 0x2B920..=0x2CEAF | 0x2F800..=0x2FA1F
    )
}

fn nmt(character: char) -> Option<char> {
    match character as u32 {
        0x01..=0x08 | 0x0B | 0x0E..=0x1F | 0x7F | 0x8F | 0x9F => None,
        0x09 | 0x0A | 0x0C | 0x0D | 0x1680 | 0x200B..=0x200F | 0x2028 | 0x2029 | 0x2581 | 0xFEFF | 0xFFFD => Some(' '),
        _ => Some(character),
    }
}

fn strip(text: &str, left: bool, right: bool) -> &str {
    let text = if left { text.trim_start_matches(unicode::is_white_space) } else { text };
    if right { text.trim_end_matches(unicode::is_white_space) } else { text }
}

/// All of `normalizers` in order; `None` if the text stays as it is. `at_start`: nothing of the whole is before it.
pub fn normalize(normalizers: &[Normalizer], text: &str, at_start: bool) -> Option<String> {
    let mut changed: Option<String> = None;
    for normalizer in normalizers {
        let current = changed.as_deref().unwrap_or(text);
        if !normalizer.is_idle(current, at_start) {
            changed = Some(normalizer.apply(current));
        }
    }
    changed
}

pub fn normalize_aligned(normalizers: &[Normalizer], from: Aligned, at_start: bool) -> Aligned {
    normalizers.iter().fold(from, |aligned, normalizer| {
        if normalizer.is_idle(&aligned.text, at_start) { aligned } else { normalizer.align(aligned) }
    })
}
