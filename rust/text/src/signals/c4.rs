//! C4's rules (Raffel et al. 2020, section 2.2), as datatrove 0.10's `C4QualityFilter` counts them.
//!
//! Lines go one by one; a page goes at the first line that would have been kept but holds "lorem ipsum" or a curly bracket.
//! [`signals`](SIGNALS) tell what would happen; [`keep_lines`] does it. Sentences are counted as spaCy's sentencizer
//! does, on [`crate::segment`]'s words: one begins after a sentence end, at the first word that is no punctuation.

use std::borrow::Cow;
use std::sync::OnceLock;

use aho_corasick::packed::Searcher;
use aho_corasick::{AhoCorasick, MatchKind};

use super::lines::{Between, split_lines};
use super::{Asked, Document, ratio};
use crate::characters::{PUNCTUATION, SENTENCE_END, SPACE, characters, count, trim};
use crate::segment::{Word, Words};

pub const SIGNALS: &[&str] = &["lines", "kept_lines", "kept_characters", "sentences", "lorem_ipsum", "curly_bracket"];

/// Words of a line that is long enough.
const LEAST_WORDS: usize = 3;
/// Characters of the longest word that may be in a line.
const LONGEST_WORD: usize = 1000;
/// Ends of a line that is kept, besides the dot.
const ENDS: [u8; 4] = *b"?!\"'";

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

/// What is known of a whole page, which spares looking for it in each line.
struct Page {
    /// Phrases that it holds; see [`phrases`].
    phrases: u8,
    square_brackets: bool,
    curly_brackets: bool,
}

impl Page {
    fn new(text: &str) -> Self {
        Self {
            phrases: page_phrases(text),
            square_brackets: memchr::memchr(b'[', text.as_bytes()).is_some(),
            curly_brackets: memchr::memchr(b'{', text.as_bytes()).is_some(),
        }
    }

    /// The text that is left of a line without white space at its ends, and what becomes of it; an error when the page goes.
    fn judge<'t>(&self, line: &'t str, options: &Options) -> Result<(Cow<'t, str>, Fate), Fatal> {
        let table = characters();
        let is_space = |character| table.is(character, SPACE);
        let long = line.len() > LONGEST_WORD && line.split(is_space).any(|word| count(word.as_bytes()) > LONGEST_WORD);
        if long {
            return Ok((Cow::Borrowed(line), Fate::LongWord));
        }
        let left = if self.square_brackets { without_citations(line) } else { Cow::Borrowed(line) };
        if options.terminal_punctuation && !ends_sentence(&left) {
            return Ok((left, Fate::NoTerminalPunctuation));
        }
        if first_words(line) < LEAST_WORDS {
            return Ok((left, Fate::FewWords));
        }
        // Citation marks can stand inside a phrase, so a changed line is looked at whatever the page holds.
        let found = if self.phrases != 0 || matches!(left, Cow::Owned(_)) { line_phrases(&left) } else { 0 };
        if found & 1 != 0 {
            return Err(Fatal::LoremIpsum);
        }
        if found & 2 != 0 {
            return Ok((left, Fate::Javascript));
        }
        if self.curly_brackets && memchr::memchr(b'{', left.as_bytes()).is_some() {
            return Err(Fatal::CurlyBracket);
        }
        let fate = if found & 4 != 0 { Fate::Policy } else { Fate::Kept };
        Ok((left, fate))
    }
}

/// Whether a line ends as sentences and quotations do, but not in `...`.
#[inline]
fn ends_sentence(line: &str) -> bool {
    let bytes = line.as_bytes();
    match bytes.last() {
        Some(b'.') => !bytes.ends_with(b"..."),
        Some(last) => ENDS.contains(last),
        None => false,
    }
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

/// What a word does to the count of sentences.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Ends a sentence.
    End,
    /// Neither ends nor begins one.
    Mark,
    /// Begins one after an end.
    Word,
}

fn role(word: &str) -> Role {
    let table = characters();
    let mut letters = word.chars();
    let first = letters.next().unwrap_or(' ');
    if letters.as_str().is_empty() && table.is(first, SENTENCE_END) {
        Role::End
    } else if word.chars().all(|one| table.is(one, PUNCTUATION)) {
        Role::Mark
    } else {
        Role::Word
    }
}

/// [`role`] of words of one ASCII byte.
fn ascii_roles() -> &'static [Role; 128] {
    static ROLES: OnceLock<[Role; 128]> = OnceLock::new();
    ROLES.get_or_init(|| std::array::from_fn(|byte| role(char::from(byte as u8).encode_utf8(&mut [0; 4]))))
}

/// Sentences among words of one line.
fn sentences(text: &str, words: impl Iterator<Item = Word>) -> usize {
    let (bytes, roles) = (text.as_bytes(), ascii_roles());
    // One begins with the first word, whatever it is.
    let (mut sentences, mut ended, mut any) = (0, false, false);
    for word in words {
        any = true;
        let role = if word.plain {
            Role::Word
        } else if word.end - word.start == 1 {
            roles[usize::from(bytes[word.start] & 0x7F)]
        } else {
            role(word.of(text))
        };
        sentences += usize::from(ended & (role == Role::Word));
        ended = (role == Role::End) | (ended & (role == Role::Mark));
    }
    sentences + usize::from(any)
}

fn page_phrases(text: &str) -> u8 {
    if !text.is_ascii() && text.contains('\u{212A}') { 7 } else { phrases(text) }
}

/// Counts what becomes of a page's lines.
struct Count<'d> {
    document: &'d Document<'d>,
    page: Page,
    lines: usize,
    kept: usize,
    kept_characters: usize,
    sentences: usize,
    fatal: Option<Fatal>,
}

impl Count<'_> {
    /// A line from byte `start` on, without white space at its ends; false when the page goes.
    fn add(&mut self, start: usize, line: &str) -> bool {
        self.lines += 1;
        match self.page.judge(line, &Options { terminal_punctuation: true }) {
            Err(reason) => {
                self.fatal = Some(reason);
                return false;
            }
            Ok((left, Fate::Kept)) => {
                self.kept += 1;
                self.kept_characters += if self.document.is_ascii() { left.len() } else { count(left.as_bytes()) };
                self.sentences += match left {
                    Cow::Borrowed(line) => {
                        let words = self.document.words.from(start);
                        sentences(self.document.text, words.take_while(|word| word.start < start + line.len()))
                    }
                    Cow::Owned(left) => sentences(&left, Words::of(&left).iter()),
                };
            }
            Ok(_) => {}
        }
        true
    }
}

/// Whether sentences are asked for: the others do without words.
pub fn needs_words(asked: Asked) -> bool {
    asked & 1 << 3 != 0
}

pub(super) fn measure(document: &Document<'_>, values: &mut [f64]) {
    let text = document.text;
    let mut count =
        Count { document, page: Page::new(text), lines: 0, kept: 0, kept_characters: 0, sentences: 0, fatal: None };
    if document.lines.are_pythons {
        let _ = Between::new(text, document.masks)
            .take(document.lines.all)
            .all(|line| count.add(line.trimmed_start, line.trimmed));
    } else {
        split_lines(text, |line| {
            if count.fatal.is_none() {
                let line = trim(line);
                count.add(line.as_ptr() as usize - text.as_ptr() as usize, line);
            }
        });
    }
    values.copy_from_slice(&[
        count.lines as f64,
        count.kept as f64,
        ratio(count.kept_characters, document.characters),
        count.sentences as f64,
        f64::from(u8::from(count.fatal == Some(Fatal::LoremIpsum))),
        f64::from(u8::from(count.fatal == Some(Fatal::CurlyBracket))),
    ]);
}

/// The lines of a page that C4 keeps, without citation marks, and how many went for each of [`Fate::NAMES`].
///
/// Pages that C4 drops as a whole lose lines like the others here; [`measure`] tells about them.
pub fn keep_lines(text: &str, options: &Options) -> (String, [u64; Fate::NAMES.len()]) {
    let page = Page::new(text);
    let mut kept = String::with_capacity(text.len());
    let mut dropped = [0; Fate::NAMES.len()];
    let mut first = true;
    split_lines(text, |line| {
        let line = trim(line);
        let (left, fate) = page.judge(line, options).unwrap_or_else(|_| (without_citations(line), Fate::Kept));
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
