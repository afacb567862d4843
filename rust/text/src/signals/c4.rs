//! C4's rules (Raffel et al. 2020, section 2.2), as datatrove 0.10's `C4QualityFilter` counts them.
//!
//! Lines go one by one; a page goes at the first line that would have been kept but holds "lorem ipsum" or a curly bracket.
//! [`signals`](SIGNALS) tell what would happen; [`keep_lines`] does it. Sentences are counted as spaCy's sentencizer
//! does, on [`crate::segment`]'s words: one begins after a sentence end, at the first word that is no punctuation.

use std::borrow::Cow;
use std::sync::OnceLock;

use aho_corasick::packed::Searcher;
use aho_corasick::{AhoCorasick, MatchKind};

use super::lines::split_lines;
use super::{Document, ratio};
use crate::characters::{PUNCTUATION, SENTENCE_END, SPACE, characters, count, trim};
use crate::segment::{self, Word};

pub const SIGNALS: &[&str] = &["lines", "kept_lines", "kept_characters", "sentences", "lorem_ipsum", "curly_bracket"];

/// Words of a line that is long enough.
const LEAST_WORDS: usize = 3;
/// Characters of the longest word that may be in a line.
const LONGEST_WORD: usize = 1000;
const ENDS: [char; 5] = ['.', '?', '!', '"', '\''];

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Kept,
    LongWord,
    NoTerminalPunctuation,
    FewWords,
    Javascript,
    Policy,
}

impl Fate {
    /// Names of the fates of lines that go.
    pub const NAMES: [&str; 5] = ["long_word", "no_terminal_punctuation", "few_words", "javascript", "policy"];

    fn index(self) -> Option<usize> {
        match self {
            Fate::Kept => None,
            Fate::LongWord => Some(0),
            Fate::NoTerminalPunctuation => Some(1),
            Fate::FewWords => Some(2),
            Fate::Javascript => Some(3),
            Fate::Policy => Some(4),
        }
    }
}

/// Why a whole page goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fatal {
    LoremIpsum,
    CurlyBracket,
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Lines must end in `.`, `?`, `!` or a quotation mark, but not in `...`.
    pub terminal_punctuation: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { terminal_punctuation: true }
    }
}

const LONGEST_PHRASE: usize = 14;
const PHRASES: [&str; 8] = [
    "lorem ipsum",
    "javascript",
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
];

/// Which phrases a text holds, in any case: bit 0 lorem ipsum, bit 1 javascript, bit 2 one of the policy phrases.
///
/// In small letters a few fixed strings are found by SIMD, which is faster than an automaton that knows both cases.
fn phrases(text: &str) -> u8 {
    static SEARCH: OnceLock<Option<(Searcher, AhoCorasick)>> = OnceLock::new();
    let search = SEARCH.get_or_init(|| {
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(PHRASES).ok()?;
        Some((Searcher::new(PHRASES)?, automaton))
    });
    let Some((packed, automaton)) = search else {
        return PHRASES.iter().enumerate().fold(0, |found, (index, phrase)| {
            found | u8::from(text.to_ascii_lowercase().contains(phrase)) << index.min(2)
        });
    };
    let mut found = 0;
    let mut lower = [0; 4096];
    let mut start = 0;
    loop {
        let end = text.len().min(start + lower.len());
        let part = &mut lower[..end - start];
        part.copy_from_slice(&text.as_bytes()[start..end]);
        part.make_ascii_lowercase();
        if packed.find(&*part).is_some() {
            // Phrases that overlap are of one kind, so that none is missed.
            found |= automaton.find_iter(&*part).fold(0, |found, one| found | 1 << one.pattern().as_usize().min(2));
        }
        if found == 7 || end == text.len() {
            return found;
        }
        // A phrase may lie across the end of a part.
        start = end - (LONGEST_PHRASE - 1);
    }
}

/// Python's `line.lower()` makes an ASCII letter of one other: the Kelvin sign.
fn line_phrases(line: &str) -> u8 {
    if line.contains('\u{212A}') { phrases(&line.replace('\u{212A}', "k")) } else { phrases(line) }
}

/// A line without Wikipedia's citation marks: `[1]`, `[]`, `[edit]`, `[citation needed]`.
fn without_citations(line: &str) -> Cow<'_, str> {
    let mut rest = line;
    let mut kept: Option<String> = None;
    let mut pending = 0;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'[', rest.as_bytes()) {
        let open = at + found;
        let inside = &line[open + 1..];
        let digits = inside.chars().take_while(|&one| is_decimal(one)).map(char::len_utf8).sum::<usize>();
        let length = if inside[digits..].starts_with(']') {
            Some(digits + 2)
        } else {
            ["edit]", "citation needed]"].iter().find(|mark| inside.starts_with(**mark)).map(|mark| mark.len() + 1)
        };
        at = open + length.unwrap_or(1);
        if length.is_some() {
            kept.get_or_insert_default().push_str(&line[pending..open]);
            pending = at;
        }
        rest = &line[at..];
    }
    match kept {
        Some(mut kept) => {
            kept.push_str(&line[pending..]);
            Cow::Owned(kept)
        }
        None => Cow::Borrowed(line),
    }
}

/// Python's `\d`: general category Nd.
fn is_decimal(character: char) -> bool {
    character.is_ascii_digit() || (!character.is_ascii() && characters().is(character, crate::characters::DECIMAL))
}

/// The text that is left of a line, and what becomes of it; an error when the page goes.
fn judge<'t>(line: &'t str, page_phrases: u8, options: &Options) -> Result<(Cow<'t, str>, Fate), Fatal> {
    let table = characters();
    let line = trim(line);
    let is_space = |character| table.is(character, SPACE);
    let long = line.len() > LONGEST_WORD && line.split(is_space).any(|word| count(word.as_bytes()) > LONGEST_WORD);
    if long {
        return Ok((Cow::Borrowed(line), Fate::LongWord));
    }
    let words = first_words(line);
    let line = without_citations(line);
    if options.terminal_punctuation && (!line.ends_with(ENDS) || line.ends_with("...")) {
        return Ok((line, Fate::NoTerminalPunctuation));
    }
    if words < LEAST_WORDS {
        return Ok((line, Fate::FewWords));
    }
    // Citation marks can stand inside a phrase, so a changed line is looked at whatever the page holds.
    let found = if page_phrases != 0 || matches!(line, Cow::Owned(_)) { line_phrases(&line) } else { 0 };
    if found & 1 != 0 {
        return Err(Fatal::LoremIpsum);
    }
    if found & 2 != 0 {
        return Ok((line, Fate::Javascript));
    }
    if memchr::memchr(b'{', line.as_bytes()).is_some() {
        return Err(Fatal::CurlyBracket);
    }
    let fate = if found & 4 != 0 { Fate::Policy } else { Fate::Kept };
    Ok((line, fate))
}

/// Words of a line between white space, counted up to [`LEAST_WORDS`].
fn first_words(line: &str) -> usize {
    let table = characters();
    let mut words = 0;
    let mut inside = false;
    for (at, &byte) in line.as_bytes().iter().enumerate() {
        if byte >= 0x80 {
            // From here on character by character; what was counted is counted again.
            let is_space = |character| table.is(character, SPACE);
            let head = if inside { words - 1 } else { words };
            let start = if inside { line[..at].rfind(is_space).map_or(0, |space| space + 1) } else { at };
            let rest = line[start..].split(is_space).filter(|word| !word.is_empty());
            return head + rest.take(LEAST_WORDS - head).count();
        }
        let space = matches!(byte, 0x09..=0x0D | 0x1C..=0x20);
        words += usize::from(!space & !inside);
        if words == LEAST_WORDS {
            break;
        }
        inside = !space;
    }
    words
}

/// Sentences among words of one line.
fn sentences(text: &str, words: &[Word]) -> usize {
    let table = characters();
    let mut sentences = usize::from(!words.is_empty());
    let mut ended = false;
    for word in words {
        if word.plain {
            sentences += usize::from(ended);
            ended = false;
            continue;
        }
        let start = word.start as usize;
        let word = &text[start..word.end as usize];
        let mut letters = word.chars();
        let first = letters.next().unwrap_or(' ');
        let flags = table.flags(first);
        if letters.as_str().is_empty() && flags & SENTENCE_END != 0 {
            ended = true;
        } else if ended && !word.chars().all(|one| table.is(one, PUNCTUATION)) {
            sentences += 1;
            ended = false;
        }
    }
    sentences
}

fn page_phrases(text: &str) -> u8 {
    if !text.is_ascii() && text.contains('\u{212A}') { 7 } else { phrases(text) }
}

pub(super) fn measure(document: &Document<'_>, values: &mut [f64]) {
    let options = Options::default();
    let text = document.text;
    let found = page_phrases(text);
    let (mut lines, mut kept, mut kept_characters, mut all_sentences) = (0, 0, 0, 0);
    let mut fatal = None;
    let mut next_word = 0;
    let mut spare = Vec::new();
    split_lines(text, |line| {
        if fatal.is_some() {
            return;
        }
        lines += 1;
        match judge(line, found, &options) {
            Err(reason) => fatal = Some(reason),
            Ok((left, Fate::Kept)) => {
                kept += 1;
                kept_characters += count(left.as_bytes());
                all_sentences += match left {
                    Cow::Borrowed(left) => {
                        let start = (left.as_ptr() as usize - text.as_ptr() as usize) as u32;
                        let end = start + left.len() as u32;
                        // Lines come in order, and so do words.
                        let behind = |from: usize, limit: u32| {
                            from + document.words[from..].iter().take_while(|word| word.start < limit).count()
                        };
                        let first = behind(next_word, start);
                        next_word = behind(first, end);
                        sentences(text, &document.words[first..next_word])
                    }
                    Cow::Owned(left) => {
                        spare.clear();
                        segment::words(&left, &mut spare);
                        sentences(&left, &spare)
                    }
                };
            }
            Ok(_) => {}
        }
    });
    values.copy_from_slice(&[
        lines as f64,
        kept as f64,
        ratio(kept_characters, document.characters),
        all_sentences as f64,
        f64::from(u8::from(fatal == Some(Fatal::LoremIpsum))),
        f64::from(u8::from(fatal == Some(Fatal::CurlyBracket))),
    ]);
}

/// The lines of a page that C4 keeps, without citation marks, and how many went for each of [`Fate::NAMES`].
///
/// Pages that C4 drops as a whole lose lines like the others here; [`measure`] tells about them.
pub fn keep_lines(text: &str, options: &Options) -> (String, [u64; Fate::NAMES.len()]) {
    let found = page_phrases(text);
    let mut kept = String::with_capacity(text.len());
    let mut dropped = [0; Fate::NAMES.len()];
    let mut first = true;
    split_lines(text, |line| {
        let (left, fate) = judge(line, found, options).unwrap_or_else(|_| (without_citations(trim(line)), Fate::Kept));
        match fate.index() {
            Some(index) => dropped[index] += 1,
            None => {
                if !std::mem::take(&mut first) {
                    kept.push('\n');
                }
                kept.push_str(&left);
            }
        }
    });
    let trimmed = trim(&kept);
    if trimmed.len() < kept.len() {
        kept = String::from(trimmed);
    }
    (kept, dropped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_go() {
        for (line, left) in
            [("a[1] b[] c[edit][citation needed].", "a b c."), ("a[x] [1 [", "a[x] [1 ["), ("[[2]]", "[]")]
        {
            assert_eq!(without_citations(line), left);
        }
    }

    #[test]
    fn lines_and_their_fates() {
        let page = "A whole good sentence.\nno end\nToo short.\nPlease enable JavaScript now.\nWe use cookies on it.\n  Quoted \"so it is\"  \nTo be continued...\n";
        let (kept, dropped) = keep_lines(page, &Options::default());
        assert_eq!(kept, "A whole good sentence.\nQuoted \"so it is\"");
        assert_eq!(dropped, [0, 2, 1, 1, 1]);
        let (kept, _) = keep_lines(page, &Options { terminal_punctuation: false });
        assert_eq!(kept, "A whole good sentence.\nQuoted \"so it is\"\nTo be continued...");
    }
}
