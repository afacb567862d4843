//! Words as white space parts them, for Dolma and DCLM.

use super::Document;
use crate::characters::{LETTER, SPACE, characters};

/// Call `each` with everything between white space: Python's `str.split()`.
pub fn spaced_words(document: &Document<'_>, mut each: impl FnMut(&str)) {
    let (text, masks) = (document.text, document.masks);
    let known = characters();
    let mut start = masks.first_written(0, text.len());
    while start < text.len() {
        let end = masks.next_space(start).min(text.len());
        if masks.next_foreign(start, end).is_none() {
            each(&text[start..end]);
        } else {
            let words = text[start..end].split(|one| known.is(one, SPACE));
            words.filter(|word| !word.is_empty()).for_each(&mut each);
        }
        start = masks.first_written(end, text.len());
    }
}

/// Whether a word has a letter, of any script.
pub fn has_letter(word: &str) -> bool {
    // Most words begin with one.
    word.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) || word.chars().any(|one| characters().is(one, LETTER))
}
