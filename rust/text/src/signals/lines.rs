//! A text's lines and paragraphs, cut as the published filters cut them.

use memchr::{memchr_iter, memchr3, memmem};

use crate::characters::{LINE_BREAK, characters, count, trim};
use crate::segment::Masks;
use crate::table::{Table, hash, mix};

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
        && (text.is_ascii() || !has_foreign_breaks(bytes))
}

/// Whether a text that is not ASCII has one of the line breaks that are not.
fn has_foreign_breaks(text: &[u8]) -> bool {
    // NEL, and the line and paragraph separators.
    memmem::find(text, b"\xC2\x85").is_some()
        || memmem::find(text, b"\xE2\x80\xA8").is_some()
        || memmem::find(text, b"\xE2\x80\xA9").is_some()
}

/// A line between newlines.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub start: u32,
    pub end: u32,
    /// The same without white space at either end.
    pub trimmed_start: u32,
    pub trimmed_end: u32,
    /// Of a line that is not empty.
    hash: u64,
    /// Whether an earlier line that is not empty was the same.
    pub repeats: bool,
}

impl Line {
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub fn is_blank(&self) -> bool {
        self.trimmed_start == self.trimmed_end
    }

    pub fn trimmed<'t>(&self, text: &'t str) -> &'t str {
        &text[self.trimmed_start as usize..self.trimmed_end as usize]
    }

    pub fn of<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start as usize..self.end as usize]
    }
}

/// The lines of a text between newlines (Python's `str.split("\n")`), looked at once for all families.
#[derive(Debug, Default)]
pub struct Lines {
    pub lines: Vec<Line>,
    /// Whether `str.splitlines` cuts at newlines only, so that its lines are these, less an empty last one.
    pub are_pythons: bool,
}

impl Lines {
    pub fn fill(&mut self, text: &str, masks: &Masks, table: &mut Table) {
        let newlines = masks.newlines();
        let is_ascii = masks.characters() == text.len();
        self.are_pythons = !masks.other_breaks() && (is_ascii || !has_foreign_breaks(text.as_bytes()));
        table.reset(newlines.len() + 1, 1);
        self.lines.clear();
        self.lines.reserve(newlines.len() + 1);
        let mut start = 0;
        for &end in newlines.iter().chain([&(text.len() as u32)]) {
            let mut line = Line { start, end, trimmed_start: start, trimmed_end: start, hash: 0, repeats: false };
            if start < end {
                let whole = &text[start as usize..end as usize];
                let trimmed = trim_line(whole);
                line.trimmed_start = (trimmed.as_ptr() as usize - text.as_ptr() as usize) as u32;
                line.trimmed_end = line.trimmed_start + trimmed.len() as u32;
                line.hash = hash(whole.as_bytes());
                line.repeats = table.seen(line.hash);
            }
            self.lines.push(line);
            start = end + 1;
        }
    }

    /// The lines of Python's `str.splitlines`; only where [`Lines::are_pythons`].
    pub fn pythons(&self) -> &[Line] {
        match self.lines.split_last() {
            Some((last, before)) if last.is_empty() => before,
            _ => &self.lines,
        }
    }
}

/// [`trim`] for lines, which may begin with many spaces.
#[inline]
fn trim_line(line: &str) -> &str {
    let bytes = line.as_bytes();
    let start = bytes.iter().take_while(|&&byte| byte == b' ').count();
    let end = bytes.len() - bytes[start..].iter().rev().take_while(|&&byte| byte == b' ').count();
    trim(&line[start..end])
}

/// How much of a list of texts says again what an earlier one said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeats {
    pub elements: usize,
    pub duplicates: usize,
    /// Characters of the duplicates.
    pub duplicate_characters: usize,
}

/// Repeats among `re.split("\n+", text)`.
pub fn repeated_lines(text: &str, lines: &[Line]) -> Repeats {
    let mut repeats = Repeats::default();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        repeats.elements += 1;
        if line.repeats {
            repeats.duplicates += 1;
            repeats.duplicate_characters += count(line.of(text).as_bytes());
        }
    }
    // Newlines at either end of a text leave nothing beside them, which is an element too.
    let ends = match lines {
        [only] => usize::from(only.is_empty()),
        [first, .., last] => usize::from(first.is_empty()) + usize::from(last.is_empty()),
        [] => 0,
    };
    repeats.elements += ends;
    repeats.duplicates += usize::from(ends == 2);
    repeats
}

/// Repeats among `re.split("\n{2,}", text.strip())`: paragraphs are runs of lines that are not empty.
pub fn repeated_paragraphs(text: &str, lines: &[Line], table: &mut Table) -> Repeats {
    let mut repeats = Repeats::default();
    let written = |line: &Line| !line.is_blank();
    let (Some(first), Some(last)) = (lines.iter().position(written), lines.iter().rposition(written)) else {
        return Repeats { elements: 1, ..repeats };
    };
    table.reset(last - first + 1, 1);
    let lines = &lines[first..=last];
    for paragraph in lines.split(Line::is_empty).filter(|paragraph| !paragraph.is_empty()) {
        let (mut start, mut end) = (paragraph[0].start, paragraph[paragraph.len() - 1].end);
        let mut key = 0;
        for (index, line) in paragraph.iter().enumerate() {
            let mut line_key = line.hash;
            let is_first = std::ptr::eq(line, &lines[0]) && line.trimmed_start > line.start;
            let is_last = std::ptr::eq(line, &lines[lines.len() - 1]) && line.trimmed_end < line.end;
            if is_first || is_last {
                // The ends of the text are trimmed.
                let from = if is_first { line.trimmed_start } else { line.start };
                let to = if is_last { line.trimmed_end } else { line.end };
                (start, end) = (if is_first { from } else { start }, if is_last { to } else { end });
                line_key = hash(&text.as_bytes()[from as usize..to as usize]);
            }
            key = if index == 0 { line_key } else { mix(key, line_key) };
        }
        repeats.elements += 1;
        if table.seen(key) {
            repeats.duplicates += 1;
            repeats.duplicate_characters += count(&text.as_bytes()[start as usize..end as usize]);
        }
    }
    repeats
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
        let (mut table, mut lines, mut masks) = (Table::default(), Lines::default(), Masks::default());
        let mut measure = |text: &str| {
            masks.fill(text.as_bytes());
            lines.fill(text, &masks, &mut table);
            let pythons: Vec<String> = lines.pythons().iter().map(|line| String::from(line.of(text))).collect();
            (repeated_lines(text, &lines.lines), repeated_paragraphs(text, &lines.lines, &mut table), pythons)
        };
        let (of_lines, of_paragraphs, _) = measure("é\n\né\n\n\né\nx\ny\n\nx\ny");
        assert_eq!(of_paragraphs, Repeats { elements: 4, duplicates: 1, duplicate_characters: 1 });
        assert_eq!(of_lines, Repeats { elements: 7, duplicates: 4, duplicate_characters: 4 });
        let (of_lines, of_paragraphs, pythons) = measure("\n  a b\n\na b \n \n");
        assert_eq!(of_paragraphs, Repeats { elements: 2, duplicates: 1, duplicate_characters: 3 });
        assert_eq!(of_lines, Repeats { elements: 5, duplicates: 1, duplicate_characters: 0 });
        assert_eq!(pythons, ["", "  a b", "", "a b ", " "]);
        let (of_lines, of_paragraphs, pythons) = measure("");
        assert_eq!((of_lines.elements, of_paragraphs.elements, pythons.len()), (1, 1, 0));
    }
}
