//! GPT-2's way of writing any byte as a printable character, which tokenizer.json files use.
//!
//! Bytes that are printable in Latin-1 stand for themselves; the others are U+0100 and on, in order.

use std::sync::LazyLock;

fn is_itself(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF)
}

static CHARS: LazyLock<[char; 256]> = LazyLock::new(|| {
    let mut others = 0x100..;
    std::array::from_fn(|byte| {
        let byte = byte as u8;
        if is_itself(byte) {
            char::from(byte)
        } else {
            others.next().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
    })
});

/// The character that stands for `byte`.
pub fn char_of(byte: u8) -> char {
    CHARS[byte as usize]
}

/// The byte that `character` stands for, if any.
pub fn byte_of(character: char) -> Option<u8> {
    let code_point = u32::from(character);
    match code_point {
        0x100..0x144 => CHARS.iter().position(|&other| other == character).map(|byte| byte as u8),
        0..=0xFF if is_itself(code_point as u8) => Some(code_point as u8),
        _ => None,
    }
}

/// Bytes as characters.
pub fn to_chars(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char_of(byte)).collect()
}

/// Characters as bytes; `None` if one stands for no byte.
pub fn to_bytes(chars: &str) -> Option<Vec<u8>> {
    chars.chars().map(byte_of).collect()
}

/// All bytes, in the order of their characters: the order in which a trainer numbers its alphabet.
pub fn alphabet() -> [u8; 256] {
    let mut bytes: [u8; 256] = std::array::from_fn(|byte| byte as u8);
    bytes.sort_by_key(|&byte| char_of(byte));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_its_own_character() {
        for byte in 0..=255u8 {
            assert_eq!(byte_of(char_of(byte)), Some(byte));
        }
        assert_eq!(to_chars(b" a\n"), "ĠaĊ");
        assert_eq!(to_bytes("Ġé中"), None);
        assert_eq!(alphabet()[0], b'!');
    }
}
