//! Blanks at the ends of lines, blank lines too many, and the fast look that finds neither.

use super::Edits;

/// Blank lines in a row that are kept: two, as Python's style guide puts between functions.
const MOST_BLANK_LINES: usize = 2;

/// The text, if it is ASCII and no step of cleaning would change it.
///
/// Every byte is looked at together with the three before it, without branches, so that the compiler can use vectors.
pub fn clean_ascii(text: &[u8]) -> Option<&str> {
    const BLOCK: usize = 4096;
    if text.first() == Some(&b'\n') || text.ends_with(b" ") || text.ends_with(b"\t") || text.ends_with(b"\n\n") {
        return None;
    }
    let head = &text[..text.len().min(3)];
    if head.iter().any(|&byte| is_foreign(byte)) || head.windows(2).any(is_trailing) {
        return None;
    }
    let mut start = 3;
    while start < text.len() {
        let end = text.len().min(start + BLOCK);
        let bytes = &text[start..end];
        let one = &text[start - 1..end - 1];
        let two = &text[start - 2..end - 2];
        let three = &text[start - 3..end - 3];
        let mut dirty = false;
        for (((&byte, &one), &two), &three) in bytes.iter().zip(one).zip(two).zip(three) {
            let newline = byte == b'\n';
            dirty |= is_foreign(byte);
            dirty |= newline & ((one == b' ') | (one == b'\t'));
            dirty |= newline & (one == b'\n') & (two == b'\n') & (three == b'\n');
        }
        if dirty {
            return None;
        }
        start = end;
    }
    std::str::from_utf8(text).ok()
}

#[inline(always)]
fn is_foreign(byte: u8) -> bool {
    !((b' '..0x7F).contains(&byte) | (byte == b'\n') | (byte == b'\t'))
}

fn is_trailing(pair: &[u8]) -> bool {
    matches!(pair, [b' ' | b'\t', b'\n'])
}

/// The text without trailing blanks and surplus blank lines; `None` when it has none.
///
/// A newline at the very end stays, one of them.
pub fn trim(text: &str, edits: &mut Edits) -> Option<String> {
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
