//! Characters that are dropped or replaced, one by one.

use super::Edits;

enum Fate {
    Keep,
    Control,
    ZeroWidth,
    Space,
    LineEnd,
}

#[inline]
fn fate(character: char) -> Fate {
    match character {
        '\t' | '\n' | ' '..='~' => Fate::Keep,
        '\r' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Fate::LineEnd,
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{FDD0}'..='\u{FDEF}' => Fate::Control,
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' => Fate::Space,
        // Not U+200C to U+200F: joiners shape Persian, Indic scripts and emoji, marks order Hebrew and Arabic.
        '\u{AD}'
        | '\u{180E}'
        | '\u{200B}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E007F}' => Fate::ZeroWidth,
        _ if (character as u32) & 0xFFFE == 0xFFFE => Fate::Control,
        _ => Fate::Keep,
    }
}

/// A flag of tag characters is up to six letters or digits and the cancel tag after a black flag: England is `gbeng`.
fn flag_length(after_flag: &str) -> usize {
    let mut length = 0;
    for (index, character) in after_flag.chars().enumerate() {
        length += character.len_utf8();
        match character {
            '\u{E007F}' if index > 0 => return length,
            '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}' if index < 6 => {}
            _ => return 0,
        }
    }
    0
}

const SKIPPED: usize = 32;

#[inline(always)]
fn is_plain(byte: u8) -> bool {
    (b' '..0x7F).contains(&byte) | (byte == b'\n')
}

/// The text without what does not belong in it; `None` when all of it does.
pub fn replace(text: &str, edits: &mut Edits) -> Option<String> {
    let bytes = text.as_bytes();
    let mut replaced: Option<String> = None;
    // Start of what was read but not yet copied.
    let mut pending = 0;
    let mut at = 0;
    while at < bytes.len() {
        if is_plain(bytes[at]) {
            // Most text is plain for long.
            while bytes
                .get(at..at + SKIPPED)
                .is_some_and(|block| block.iter().fold(true, |plain, &byte| plain & is_plain(byte)))
            {
                at += SKIPPED;
            }
            at += bytes[at..].iter().take(SKIPPED).take_while(|&&byte| is_plain(byte)).count();
            continue;
        }
        let Some(character) = text[at..].chars().next() else { break };
        let mut after = at + character.len_utf8();
        let instead = match fate(character) {
            Fate::Keep => {
                if character == '🏴' {
                    after += flag_length(&text[after..]);
                }
                at = after;
                continue;
            }
            Fate::Control => {
                edits.control_characters += 1;
                ""
            }
            Fate::ZeroWidth => {
                edits.zero_width += 1;
                ""
            }
            Fate::Space => {
                edits.spaces += 1;
                " "
            }
            Fate::LineEnd => {
                if character == '\r' && bytes.get(after) == Some(&b'\n') {
                    after += 1;
                }
                edits.line_ends += 1;
                "\n"
            }
        };
        let replaced = replaced.get_or_insert_with(|| String::with_capacity(text.len()));
        replaced.push_str(&text[pending..at]);
        replaced.push_str(instead);
        pending = after;
        at = after;
    }
    replaced.map(|mut replaced| {
        replaced.push_str(&text[pending..]);
        replaced
    })
}
