//! RefinedWeb's line rules (Penedo et al. 2023, appendix G.2), which DCLM applies again (Li et al. 2024): lines that are a page's
//! furniture, and how many of its words stand in them.
//!
//! Words here are what white space parts. A line is flagged when it is mainly capitals, only digits, a counter (`3 likes`),
//! one word, or has at most ten words and begins, ends or goes on as buttons and carts do.

use super::lines::split_lines;
use super::{Document, ratio};
use crate::characters::{DECIMAL, SPACE, UPPER, characters, trim};

pub const SIGNALS: &[&str] = &["lines", "flagged_lines", "flagged_words", "symbol_ratio"];

const MOST_WORDS: usize = 10;
const COUNTED: [&str; 14] = [
    "likes",
    "like",
    "shares",
    "share",
    "comments",
    "comment",
    "retweets",
    "reposts",
    "quotes",
    "bookmarks",
    "upvotes",
    "downvotes",
    "downloads",
    "views",
];
const BEGINS: [&str; 4] = ["sign-in", "sign in", "log in", "sign up"];
const ENDS: [&str; 3] = ["read more...", "read more…", "read more"];
const HOLDS: [&str; 2] = ["items in cart", "items in your cart"];

/// Why a line is flagged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    Uppercase,
    Numeric,
    Counter,
    OneWord,
    Pattern,
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    let table = characters();
    line.split(move |one| table.is(one, SPACE)).filter(|word| !word.is_empty())
}

/// `12`, `1,234`, `3.4k`.
fn is_number(word: &str) -> bool {
    let digits = word.strip_suffix(['k', 'K', 'm', 'M', 'b', 'B']).unwrap_or(word);
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.'))
}

fn is_counter(line: &str) -> bool {
    let outside = |one: char| !one.is_alphanumeric();
    let mut words = words(line.trim_matches(outside));
    let (Some(number), Some(thing), None) = (words.next(), words.next(), words.next()) else { return false };
    is_number(number) && COUNTED.iter().any(|known| thing.eq_ignore_ascii_case(known))
}

fn ends_with_ignoring_case(line: &str, end: &str) -> bool {
    let start = line.len().checked_sub(end.len());
    start.and_then(|start| line.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

fn is_furniture(line: &str) -> bool {
    let begins = |start: &str| line.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    if BEGINS.iter().any(|start| begins(start)) || ENDS.iter().any(|end| ends_with_ignoring_case(line, end)) {
        return true;
    }
    let lower = line.to_ascii_lowercase();
    HOLDS.iter().any(|part| lower.contains(part))
}

/// What is wrong with a line, and its words. Blank lines have nothing wrong.
pub fn flag(line: &str) -> (Option<Flag>, usize) {
    let table = characters();
    let line = trim(line);
    let count = words(line).count();
    if count == 0 {
        return (None, 0);
    }
    let (mut all, mut upper, mut digits) = (0usize, 0usize, 0usize);
    for character in line.chars() {
        let flags = table.flags(character);
        all += 1;
        upper += usize::from(flags & UPPER != 0);
        digits += usize::from(flags & DECIMAL != 0);
    }
    let flag = if 2 * upper > all {
        Some(Flag::Uppercase)
    } else if digits == all {
        Some(Flag::Numeric)
    } else if is_counter(line) {
        Some(Flag::Counter)
    } else if count < 2 {
        Some(Flag::OneWord)
    } else if count <= MOST_WORDS && is_furniture(line) {
        Some(Flag::Pattern)
    } else {
        None
    };
    (flag, count)
}

pub(super) fn measure(document: &Document<'_>, values: &mut [f64]) {
    let (mut lines, mut flagged, mut all_words, mut flagged_words) = (0, 0, 0, 0);
    split_lines(document.text, |line| {
        let (flag, words) = flag(line);
        lines += usize::from(words > 0);
        all_words += words;
        if flag.is_some() {
            flagged += 1;
            flagged_words += words;
        }
    });
    let symbols = super::gopher::symbols(document);
    values.copy_from_slice(&[
        lines as f64,
        ratio(flagged, lines),
        ratio(flagged_words, all_words),
        ratio(symbols.0 + symbols.1, document.words.len()),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn furniture_is_flagged() {
        for (line, expected) in [
            ("A good sentence of a page.", None),
            ("  ", None),
            ("SIGN UP NOW TODAY", Some(Flag::Uppercase)),
            ("2,5 1", None),
            ("123456", Some(Flag::Numeric)),
            ("(1,234 likes)", Some(Flag::Counter)),
            ("3.4k Views", Some(Flag::Counter)),
            ("Home", Some(Flag::OneWord)),
            ("Sign-in to your account", Some(Flag::Pattern)),
            ("It goes on here. Read more...", Some(Flag::Pattern)),
            ("You have 3 Items in Cart now", Some(Flag::Pattern)),
            ("sign in one two three four five six seven eight nine", None),
        ] {
            assert_eq!(flag(line).0, expected, "{line}");
        }
    }
}
