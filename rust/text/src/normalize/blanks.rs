//! Blanks at the ends of lines, blank lines too many, and the fast look that finds neither.

use tokenfoundry_kernels::clean_ascii as kernel;

use super::Edits;

/// Blank lines in a row that are kept: two, as Python's style guide puts between functions.
const MOST_BLANK_LINES: usize = 2;

/// The text, if it is ASCII and no step of cleaning would change it.
pub fn clean_ascii(text: &[u8]) -> Option<&str> {
    if text.first() == Some(&b'\n') || text.ends_with(b" ") || text.ends_with(b"\t") || text.ends_with(b"\n\n") {
        return None;
    }
    if !kernel::clean_ascii(text) {
        return None;
    }
    std::str::from_utf8(text).ok()
}

/// The text without trailing blanks and surplus blank lines; `None` when it has none.
///
/// A newline at the very end stays, one of them.
pub fn trim(text: &str, edits: &mut Edits) -> Option<String> {
    if is_trim(text) {
        return None;
    }
    let mut trimmed = String::new();
    let before = (edits.trailing_blanks, edits.blank_lines);
    let mut blank = 0;
    let mut started = false;
    for line in text.split('\n') {
        let kept = line.trim_end_matches([' ', '\t', '\u{3000}']);
        if kept.len() < line.len() {
            edits.trailing_blanks += line[kept.len()..].chars().count() as u64;
        }
        if kept.is_empty() {
            blank += 1;
            continue;
        }
        if started {
            let kept = blank.min(MOST_BLANK_LINES);
            edits.blank_lines += (blank - kept) as u64;
            trimmed.extend(std::iter::repeat_n('\n', kept + 1));
        } else {
            trimmed.reserve(text.len());
            edits.blank_lines += blank as u64;
        }
        started = true;
        blank = 0;
        trimmed.push_str(kept);
    }
    // The last of the blank pieces is the place after the final newline; of a text that is all blank, the text.
    edits.blank_lines += blank.saturating_sub(1) as u64;
    if started && blank > 0 {
        trimmed.push('\n');
    }
    ((edits.trailing_blanks, edits.blank_lines) != before).then_some(trimmed)
}

/// Whether there is nothing for [`trim`] to do, looking at newlines only.
fn is_trim(text: &str) -> bool {
    let bytes = text.as_bytes();
    let blank_before = |end: usize| {
        let before = &bytes[..end];
        before.ends_with(b" ") || before.ends_with(b"\t") || before.ends_with("\u{3000}".as_bytes())
    };
    if bytes.first() == Some(&b'\n') || bytes.ends_with(b"\n\n") || blank_before(bytes.len()) || text == "\n" {
        return false;
    }
    let mut run = 0;
    let mut expected = 0;
    for newline in memchr::memchr_iter(b'\n', bytes) {
        run = if newline == expected { run + 1 } else { 1 };
        expected = newline + 1;
        if run > MOST_BLANK_LINES + 1 || blank_before(newline) {
            return false;
        }
    }
    true
}
