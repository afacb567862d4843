//! GPT-2's alphabet, in which tokenizer.json writes bytes as characters: printable ones as themselves, the rest from U+0100 on.

/// Whether a byte is written as the character of the same number.
const fn is_itself(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF)
}

/// The character of each byte.
pub const CHARACTERS: [char; 256] = {
    let mut characters = ['\0'; 256];
    let mut byte = 0;
    let mut beyond = 0;
    while byte < 256 {
        characters[byte] = if is_itself(byte as u8) {
            byte as u8 as char
        } else {
            beyond += 1;
            match char::from_u32(0xFF + beyond) {
                Some(character) => character,
                None => '\0',
            }
        };
        byte += 1;
    }
    characters
};

/// The byte of each character below U+0144; -1 for characters that are no byte.
const BYTES: [i16; 0x144] = {
    let mut bytes = [-1; 0x144];
    let mut byte = 0;
    while byte < 256 {
        bytes[CHARACTERS[byte] as usize] = byte as i16;
        byte += 1;
    }
    bytes
};

/// Append the bytes that `token` spells; `false`, with nothing appended, if a character of it is no byte.
pub fn decode(token: &str, bytes: &mut Vec<u8>) -> bool {
    let before = bytes.len();
    for character in token.chars() {
        match BYTES.get(character as usize) {
            Some(&byte) if byte >= 0 => bytes.push(byte as u8),
            _ => {
                bytes.truncate(before);
                return false;
            }
        }
    }
    true
}

/// `bytes` as tokenizer.json spells them.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| CHARACTERS[byte as usize]).collect()
}

/// All bytes in the order of their characters: the order in which a trainer numbers its alphabet.
pub fn alphabet() -> [u8; 256] {
    let mut bytes: [u8; 256] = std::array::from_fn(|byte| byte as u8);
    bytes.sort_by_key(|&byte| CHARACTERS[byte as usize]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_round_trips() {
        let all: Vec<u8> = (0..=255).collect();
        let mut back = Vec::new();
        assert!(decode(&encode(&all), &mut back));
        assert_eq!(back, all);
        assert_eq!(encode(b" a\n"), "ĠaĊ");
        assert!(!decode("a b", &mut back));
    }
}
