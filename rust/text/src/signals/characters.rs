//! Shares of characters by kind, over all code points of a text; Unicode 16.0 general categories.

use super::{Document, ratio};
use crate::characters::{DECIMAL, LETTER, MARK, PUNCTUATION, SPACE, UPPER, characters};

pub const SIGNALS: &[&str] = &["letters", "upper", "digits", "spaces", "punctuation", "others", "not_ascii"];

pub fn measure(document: &Document<'_>, values: &mut [f64]) {
    let table = characters();
    // ASCII is counted by byte value first, which needs one addition each.
    let mut bytes = [0u32; 256];
    document.text.bytes().for_each(|byte| bytes[usize::from(byte)] += 1);
    let (mut letters, mut upper, mut digits, mut spaces, mut punctuation) = (0, 0, 0, 0, 0);
    let mut add = |flags: u16, count: usize| {
        letters += if flags & (LETTER | MARK) != 0 { count } else { 0 };
        upper += if flags & UPPER != 0 { count } else { 0 };
        digits += if flags & DECIMAL != 0 { count } else { 0 };
        spaces += if flags & SPACE != 0 { count } else { 0 };
        punctuation += if flags & PUNCTUATION != 0 { count } else { 0 };
    };
    let ascii: usize = (0..0x80u8)
        .map(|byte| {
            let count = bytes[usize::from(byte)] as usize;
            add(table.ascii(byte), count);
            count
        })
        .sum();
    if ascii < document.text.len() {
        document.text.chars().filter(|one| !one.is_ascii()).for_each(|one| add(table.flags(one), 1));
    }
    let all = document.characters;
    let others = all - letters - digits - spaces - punctuation;
    for (value, part) in values.iter_mut().zip([letters, upper, digits, spaces, punctuation, others, all - ascii]) {
        *value = ratio(part, all);
    }
}
