//! A text's lines and paragraphs, cut as the published filters cut them.

use memchr::{memchr_iter, memchr3, memmem};

use crate::characters::{LINE_BREAK, characters, count, trim};
use crate::table::{Table, hash};

/// Call `each` with every line of Python's `str.splitlines()`.
pub fn split_lines<'t>(text: &'t str, mut each: impl FnMut(&'t str)) {
    if only_newlines(text) {
        if text.is_empty() {
            return;
        }
        let text = text.strip_suffix('\n').unwrap_or(text);
        let mut start = 0;
        for end in memchr_iter(b'\n', text.as_bytes()) {
            each(&text[start..end]);
            start = end + 1;
        }
        each(&text[start..]);
        return;
    }
    let table = characters();
    let mut rest = text;
    while !rest.is_empty() {
        let Some((end, breaker)) = rest.char_indices().find(|&(_, character)| table.is(character, LINE_BREAK)) else {
            each(rest);
            return;
        };
        each(&rest[..end]);
        let after = &rest[end + breaker.len_utf8()..];
        rest = if breaker == '\r' { after.strip_prefix('\n').unwrap_or(after) } else { after };
    }
}

/// Whether `\n` is the only line break of a text, which spares looking at its characters.
fn only_newlines(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr3(0x0B, 0x0C, 0x0D, bytes).is_none()
        && memchr3(0x1C, 0x1D, 0x1E, bytes).is_none()
        && (text.is_ascii()
            || ["\u{85}", "\u{2028}", "\u{2029}"].iter().all(|one| memmem::find(bytes, one.as_bytes()).is_none()))
}

/// How much of a list of texts says again what an earlier one said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeats {
    pub elements: usize,
    pub duplicates: usize,
    /// Characters of the duplicates.
    pub duplicate_characters: usize,
}

impl Repeats {
    #[inline]
    fn add(&mut self, table: &mut Table, element: &[u8]) {
        self.elements += 1;
        if table.seen(hash(element)) {
            self.duplicates += 1;
            self.duplicate_characters += count(element);
        }
    }
}

/// Repeats among `re.split("\n{at_least,}", text)`, with `at_least` 1 (lines) or 2 (paragraphs).
pub fn repeats_between_newlines(text: &str, at_least: usize, newlines: usize, table: &mut Table) -> Repeats {
    table.reset(newlines + 1, 1);
    let mut repeats = Repeats::default();
    let bytes = text.as_bytes();
    let mut start = 0;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\n', &bytes[at..]) {
        let first = at + found;
        let run = bytes[first..].iter().take_while(|&&byte| byte == b'\n').count();
        at = first + run;
        if run >= at_least {
            repeats.add(table, &bytes[start..first]);
            start = at;
        }
    }
    repeats.add(table, &bytes[start..]);
    repeats
}

/// Repeats among the lines (`str.split("\n")`) that are not blank; `each` sees every such line.
pub fn repeats_among_lines<'t>(
    text: &'t str,
    newlines: usize,
    table: &mut Table,
    mut each: impl FnMut(&'t str),
) -> Repeats {
    table.reset(newlines + 1, 1);
    let mut repeats = Repeats::default();
    let mut add = |line: &'t str| {
        if !is_blank(line) {
            each(line);
            repeats.add(table, line.as_bytes());
        }
    };
    let mut start = 0;
    for end in memchr_iter(b'\n', text.as_bytes()) {
        add(&text[start..end]);
        start = end + 1;
    }
    add(&text[start..]);
    repeats
}

#[inline]
fn is_blank(line: &str) -> bool {
    match line.as_bytes().first() {
        None => true,
        Some(first) if first.is_ascii_graphic() => false,
        Some(_) => trim(line).is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_pythons() {
        let lines = |text| {
            let mut lines = Vec::new();
            split_lines(text, |line| lines.push(line));
            lines
        };
        assert_eq!(lines(""), Vec::<&str>::new());
        assert_eq!(lines("\n"), [""]);
        assert_eq!(lines("a\n\nb\n"), ["a", "", "b"]);
        assert_eq!(lines("a\r\nb\rc\u{2028}d\x0B\x0Ce\u{85}"), ["a", "b", "c", "d", "", "e"]);
        assert_eq!(lines("\n\n"), ["", ""]);
    }

    #[test]
    fn paragraphs_and_lines_repeat() {
        let mut table = Table::default();
        let text = "é\n\né\n\n\né\nx\ny\n\nx\ny";
        let paragraphs = repeats_between_newlines(text, 2, 20, &mut table);
        assert_eq!(paragraphs, Repeats { elements: 4, duplicates: 1, duplicate_characters: 1 });
        let lines = repeats_between_newlines(text, 1, 20, &mut table);
        assert_eq!(lines, Repeats { elements: 7, duplicates: 4, duplicate_characters: 4 });
        let mut kept = Vec::new();
        let nonblank = repeats_among_lines("a\n \n\na\nb", 9, &mut table, |line| kept.push(line));
        assert_eq!((nonblank.elements, nonblank.duplicates, kept), (3, 1, vec!["a", "a", "b"]));
    }
}
