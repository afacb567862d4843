//! Regexes of a tokenizer.json as our engine takes them.
//!
//! `tokenizers` runs them in Oniguruma, with the syntax of Ruby: `^` and `$` are ends of lines, and word characters
//! (`\w`, `\b`) are letters, marks, decimal numbers and connectors without the joiners U+200C and U+200D, but with the
//! fractions and superscripts of Latin-1; POSIX brackets are those of Unicode.

use std::borrow::Cow;

/// Word characters in a bracket.
const WORD: &str = r"[\w--[\x{200C}\x{200D}]]";
/// Word characters by themselves, which are a few more.
const WORD_ALONE: &str = r"[[\w--[\x{200C}\x{200D}]]\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE}]";
const BRACKETS: [(&str, &str); 8] = [
    ("[:alpha:]", r"\p{Alphabetic}"),
    ("[:alnum:]", r"\p{Alphabetic}\p{Nd}"),
    ("[:upper:]", r"\p{Uppercase}"),
    ("[:lower:]", r"\p{Lowercase}"),
    ("[:digit:]", r"\p{Nd}"),
    ("[:space:]", r"\s"),
    ("[:punct:]", r"\p{P}\p{S}"),
    ("[:word:]", WORD),
];

pub fn translated(regex: &str) -> Cow<'_, str> {
    if !regex.contains(['^', '$', 'w', 'W', 'b', 'B', 'h', 'H', ':']) {
        return Cow::Borrowed(regex);
    }
    let mut text = String::with_capacity(regex.len() + 64);
    let mut depth = 0usize;
    let mut characters = regex.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('w') => text.push_str(if depth == 0 { WORD_ALONE } else { WORD }),
                Some('W') if depth == 0 => text.push_str(&WORD_ALONE.replacen('[', "[^", 1)),
                Some('W') => text.push_str(&format!("[^{WORD}]")),
                Some('h') => text.push_str("[0-9a-fA-F]"),
                Some('H') => text.push_str("[^0-9a-fA-F]"),
                Some('b') if depth == 0 => {
                    text.push_str(&format!("(?:(?<={WORD_ALONE})(?!{WORD_ALONE})|(?<!{WORD_ALONE})(?={WORD_ALONE}))"));
                }
                Some('B') if depth == 0 => {
                    text.push_str(&format!("(?:(?<={WORD_ALONE})(?={WORD_ALONE})|(?<!{WORD_ALONE})(?!{WORD_ALONE}))"));
                }
                Some('b') => text.push_str(r"\x08"),
                Some(other) => {
                    text.push('\\');
                    text.push(other);
                }
                None => text.push('\\'),
            },
            '[' if depth > 0 && characters.as_str().starts_with(':') => {
                let rest = &regex[regex.len() - characters.as_str().len() - 1..];
                match BRACKETS.iter().find(|(name, _)| rest.starts_with(name)) {
                    Some((name, class)) => {
                        text.push_str(class);
                        characters = rest[name.len()..].chars();
                    }
                    None => {
                        depth += 1;
                        text.push('[');
                    }
                }
            }
            '[' => {
                depth += 1;
                text.push('[');
            }
            ']' if depth > 0 => {
                depth -= 1;
                text.push(']');
            }
            '^' if depth == 0 => text.push_str("(?m:^)"),
            '$' if depth == 0 => text.push_str("(?m:$)"),
            other => text.push(other),
        }
    }
    Cow::Owned(text)
}
