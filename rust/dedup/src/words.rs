//! The words of a text, lower-cased.
//!
//! A word is a run of letters, digits and underscores; in scripts that write no spaces (Han, kana, Thai, Lao, Khmer,
//! Myanmar, Tibetan) each such character is a word of its own, or a whole sentence would be one.

/// Scripts that put no spaces between words.
fn is_unspaced(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0EFF      // Thai, Lao
        | 0x0F00..=0x109F    // Tibetan, Myanmar
        | 0x1780..=0x17FF    // Khmer
        | 0x3040..=0x30FF | 0x31F0..=0x31FF // kana
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x323AF // Han
    )
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Visit the words of `text`, each lower-cased character by character, in order.
pub fn words(text: &str, mut visit: impl FnMut(&[u8])) {
    let mut word: Vec<u8> = Vec::with_capacity(64);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte < 0x80 {
            if byte.is_ascii_alphanumeric() || byte == b'_' {
                word.push(byte.to_ascii_lowercase());
            } else if !word.is_empty() {
                visit(&word);
                word.clear();
            }
            at += 1;
            continue;
        }
        // `at` is at the start of a character, because every step before was a whole one.
        let Some(character) = text[at..].chars().next() else { break };
        at += character.len_utf8();
        let is_word = is_word(character);
        let alone = is_word && is_unspaced(character);
        if (!is_word || alone) && !word.is_empty() {
            visit(&word);
            word.clear();
        }
        if is_word {
            let mut utf8 = [0; 4];
            for lower in character.to_lowercase() {
                word.extend_from_slice(lower.encode_utf8(&mut utf8).as_bytes());
            }
            if alone {
                visit(&word);
                word.clear();
            }
        }
    }
    if !word.is_empty() {
        visit(&word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut found = Vec::new();
        words("Hello, WORLD_1! Ça va? 敏捷 İ", |word| found.push(String::from_utf8_lossy(word).into_owned()));
        assert_eq!(found, ["hello", "world_1", "ça", "va", "敏", "捷", "i\u{307}"]);
    }
}
