//! A text's lines and paragraphs, cut as the published filters cut them.

use memchr::{memchr_iter, memchr3, memmem};

use crate::characters::{LINE_BREAK, TERMINAL, characters, count, trim};
use crate::seen::Seen;
use crate::segment::Masks;
use crate::table::hash;

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

/// A line between newlines, and without white space at either end.
#[derive(Clone, Copy, Debug)]
pub struct Line<'t> {
    pub start: usize,
    pub whole: &'t str,
    pub trimmed: &'t str,
    /// Where the trimmed one starts.
    pub trimmed_start: usize,
}

/// The lines of a text between newlines: Python's `str.split("\n")`.
#[derive(Clone, Debug)]
pub struct Between<'t> {
    text: &'t str,
    masks: &'t Masks,
    next: Option<usize>,
}

impl<'t> Between<'t> {
    pub fn new(text: &'t str, masks: &'t Masks) -> Self {
        Self { text, masks, next: Some(0) }
    }
}

impl<'t> Iterator for Between<'t> {
    type Item = Line<'t>;

    #[inline]
    fn next(&mut self) -> Option<Line<'t>> {
        let start = self.next?;
        let end = self.masks.next_newline(start).min(self.text.len());
        self.next = (end < self.text.len()).then_some(end + 1);
        let bytes = self.text.as_bytes();
        let (mut from, mut to) = (start, end);
        if start < end && !(bytes[start].is_ascii_graphic() & bytes[end - 1].is_ascii_graphic()) {
            from = self.masks.first_written(start, end);
            to = self.masks.behind_last_written(from, end);
            if from < to && !(bytes[from].is_ascii() & bytes[to - 1].is_ascii()) {
                let trimmed = trim(&self.text[from..to]);
                from = trimmed.as_ptr() as usize - self.text.as_ptr() as usize;
                to = from + trimmed.len();
            }
        }
        let (whole, trimmed) = (&self.text[start..end], &self.text[from..to]);
        Some(Line { start, whole, trimmed, trimmed_start: from })
    }
}

/// How much of a list of texts says again what an earlier one said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeats {
    pub elements: usize,
    pub duplicates: usize,
    /// Characters of the duplicates.
    pub duplicate_characters: usize,
}

/// Characters of the longest line that is short for FineWeb.
const SHORT_LINE: usize = 30;

/// What the families count of a text's lines, all in one walk.
#[derive(Debug, Default)]
pub struct Lines {
    /// Whether `str.splitlines` cuts at newlines only, so that its lines are those between them, less an empty last one.
    pub are_pythons: bool,
    /// Gopher's: lines of `str.splitlines`, those that begin with a bullet and those that end in an ellipsis.
    pub all: usize,
    pub bullets: usize,
    pub ellipses: usize,
    /// Among `re.split("\n+", text)`.
    pub repeats: Repeats,
    /// FineWeb's: lines that are not blank, those of them that end a sentence, that are short, and characters of those that repeat.
    pub written: usize,
    pub punctuated: usize,
    pub short: usize,
    pub repeated_characters: usize,
}

impl Lines {
    #[inline(never)]
    pub fn of(text: &str, masks: &Masks, seen: &mut Seen) -> Self {
        let mut lines = Self::default();
        let is_ascii = masks.characters() == text.len();
        lines.are_pythons = !masks.other_breaks() && (is_ascii || !has_foreign_breaks(text.as_bytes()));
        let known = characters();
        seen.reset(masks.newlines() + 1);
        let mut last_is_empty = true;
        for line in Between::new(text, masks) {
            let whole = line.whole.as_bytes();
            last_is_empty = whole.is_empty();
            if lines.are_pythons {
                lines.add_python(line.trimmed);
            }
            let Some(&last) = whole.last() else {
                // Newlines at either end of a text leave nothing beside them, which is an element too.
                let is_end = line.start == 0 || line.start == text.len();
                lines.repeats.duplicates += usize::from(is_end && line.start > 0 && text.starts_with('\n'));
                lines.repeats.elements += usize::from(is_end);
                continue;
            };
            let characters = || if is_ascii { whole.len() } else { count(whole) };
            let repeats = seen.insert(hash(whole));
            lines.repeats.elements += 1;
            let repeated = if repeats { characters() } else { 0 };
            lines.repeats.duplicates += usize::from(repeats);
            lines.repeats.duplicate_characters += repeated;
            if line.trimmed.is_empty() {
                continue;
            }
            let ends_sentence = if last < 0x80 {
                known.ascii(last) & TERMINAL != 0
            } else {
                line.whole.chars().next_back().is_some_and(|last| known.is(last, TERMINAL))
            };
            lines.written += 1;
            lines.punctuated += usize::from(ends_sentence);
            // A character has at most four bytes, so a line of more than four times as many bytes is not short.
            lines.short += usize::from(whole.len() <= 4 * SHORT_LINE && characters() <= SHORT_LINE);
            lines.repeated_characters += repeated;
        }
        if lines.are_pythons {
            lines.all -= usize::from(last_is_empty);
        } else {
            split_lines(text, |line| lines.add_python(trim(line)));
        }
        lines
    }

    #[inline(always)]
    fn add_python(&mut self, trimmed: &str) {
        self.all += 1;
        let bytes = trimmed.as_bytes();
        self.bullets += usize::from(bytes.first() == Some(&b'-') || bytes.starts_with("•".as_bytes()));
        self.ellipses += usize::from(bytes.ends_with(b"...") || bytes.ends_with("…".as_bytes()));
    }
}

/// Repeats among `re.split("\n{2,}", text.strip())`.
#[inline(never)]
pub fn repeated_paragraphs(text: &str, masks: &Masks, seen: &mut Seen) -> Repeats {
    let mut repeats = Repeats::default();
    let trimmed = trim(text);
    let mut start = trimmed.as_ptr() as usize - text.as_ptr() as usize;
    let end = start + trimmed.len();
    seen.reset(masks.newlines() / 2 + 1);
    loop {
        let stop = masks.next_newlines(start).min(end);
        let paragraph = &text.as_bytes()[start..stop];
        repeats.elements += 1;
        if seen.insert(hash(paragraph)) {
            repeats.duplicates += 1;
            repeats.duplicate_characters += count(paragraph);
        }
        if stop == end {
            return repeats;
        }
        start = masks.skip_newlines(stop);
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
        let (mut seen, mut masks) = (Seen::default(), Masks::default());
        let mut measure = |text: &str| {
            masks.fill(text.as_bytes());
            let lines = Lines::of(text, &masks, &mut seen);
            let cut: Vec<String> = Between::new(text, &masks).map(|line| String::from(line.trimmed)).collect();
            (lines.repeats, repeated_paragraphs(text, &masks, &mut seen), lines.all, cut)
        };
        let (of_lines, of_paragraphs, ..) = measure("é\n\né\n\n\né\nx\ny\n\nx\ny");
        assert_eq!(of_paragraphs, Repeats { elements: 4, duplicates: 1, duplicate_characters: 1 });
        assert_eq!(of_lines, Repeats { elements: 7, duplicates: 4, duplicate_characters: 4 });
        let (of_lines, of_paragraphs, pythons, cut) = measure("\n  a b\n\na b \n \n");
        assert_eq!(of_paragraphs, Repeats { elements: 2, duplicates: 1, duplicate_characters: 3 });
        assert_eq!(of_lines, Repeats { elements: 5, duplicates: 1, duplicate_characters: 0 });
        assert_eq!((pythons, cut), (5, ["", "a b", "", "a b", "", ""].map(String::from).to_vec()));
        let (of_lines, of_paragraphs, pythons, _) = measure("");
        assert_eq!((of_lines.elements, of_paragraphs.elements, pythons), (1, 1, 0));
        let (_, _, pythons, cut) = measure(" \u{3000}é\u{a0} \n\u{2003}\n");
        assert_eq!((pythons, cut), (2, ["é", "", ""].map(String::from).to_vec()));
    }
}
