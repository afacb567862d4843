//! What a piece is before the first merge: its bytes, or its characters with a way out for those that are no tokens.

use rustc_hash::FxHashMap;

use super::pieces::Pieces;
use crate::vocabulary::Tokens;
use tokenfoundry_kernels::pair_merges::NONE;

#[derive(Clone, Debug)]
pub struct ByteStart {
    /// The token of each byte; [`NONE`] if it has none. The symbol of a byte is the byte.
    pub to_token: Box<[u32; 256]>,
    pub complete: bool,
}

#[derive(Clone, Debug)]
pub struct CharacterStart {
    /// Symbols of characters below 0x3000 by code point, of others in the map.
    low: Vec<u32>,
    high: FxHashMap<u32, u32>,
    /// The symbols of `<0x00>` … `<0xFF>`, or [`NONE`].
    bytes: Option<Box<[u32; 256]>>,
    to_token: Vec<u32>,
}

const LOW: usize = 0x3000;

#[derive(Clone, Debug)]
pub enum Start {
    Bytes(ByteStart),
    Characters(CharacterStart),
}

impl Start {
    pub fn bytes(tokens: &Tokens, by_bytes: &Pieces) -> Self {
        let mut to_token = Box::new([NONE; 256]);
        for byte in 0..=255u8 {
            to_token[byte as usize] = by_bytes.get(tokens, &[byte]).unwrap_or(NONE);
        }
        let complete = to_token.iter().all(|&token| token != NONE);
        Self::Bytes(ByteStart { to_token, complete })
    }

    pub fn characters(tokens: &Tokens, by_bytes: &Pieces, byte_fallback: bool) -> Self {
        let mut start =
            CharacterStart { low: vec![NONE; LOW], high: FxHashMap::default(), bytes: None, to_token: Vec::new() };
        for (id, bytes) in tokens.iter() {
            if bytes.len() > 4 {
                continue;
            }
            let mut characters = std::str::from_utf8(bytes).unwrap_or("").chars();
            if let (Some(character), None) = (characters.next(), characters.next()) {
                let symbol = start.to_token.len() as u32;
                start.to_token.push(id);
                match start.low.get_mut(character as usize) {
                    Some(entry) => *entry = symbol,
                    None => {
                        start.high.insert(character as u32, symbol);
                    }
                }
            }
        }
        if byte_fallback {
            let mut bytes = Box::new([NONE; 256]);
            for byte in 0..=255u8 {
                if let Some(id) = by_bytes.get(tokens, format!("<0x{byte:02X}>").as_bytes()) {
                    bytes[byte as usize] = start.to_token.len() as u32;
                    start.to_token.push(id);
                }
            }
            start.bytes = Some(bytes).filter(|bytes| bytes.iter().any(|&symbol| symbol != NONE));
        }
        Self::Characters(start)
    }

    /// How many symbols a text can start as; they are numbered from 0.
    pub fn count(&self) -> u32 {
        match self {
            Self::Bytes(_) => 256,
            Self::Characters(start) => start.to_token.len() as u32,
        }
    }

    pub fn to_token(&self) -> Vec<u32> {
        match self {
            Self::Bytes(start) => start.to_token.to_vec(),
            Self::Characters(start) => start.to_token.clone(),
        }
    }

    /// Whether a token stands for a byte by its name, `<0x41>`.
    pub fn is_byte_token(&self, id: u32, bytes: &[u8]) -> bool {
        match self {
            Self::Characters(CharacterStart { bytes: Some(symbols), to_token, .. }) => {
                bytes.len() == 6 && symbols.iter().any(|&symbol| symbol != NONE && to_token[symbol as usize] == id)
            }
            _ => false,
        }
    }

    /// The symbols of a token's own bytes; `false` if one of them is unknown.
    pub fn spell_token(&self, bytes: &[u8], symbols: &mut Vec<u32>) -> bool {
        match self {
            Self::Bytes(start) => {
                symbols.extend(bytes.iter().map(|&byte| byte as u32));
                start.complete || bytes.iter().all(|&byte| start.to_token[byte as usize] != NONE)
            }
            Self::Characters(start) => match std::str::from_utf8(bytes) {
                Ok(text) => {
                    symbols.extend(text.chars().map(|character| start.symbol(character)));
                    symbols.iter().all(|&symbol| symbol != NONE)
                }
                Err(_) => false,
            },
        }
    }

    /// Nothing more will be spelled but texts.
    pub fn finish(&mut self) {
        if let Self::Characters(start) = self {
            start.high.shrink_to_fit();
        }
    }
}

impl CharacterStart {
    /// The symbol of a character, or [`NONE`].
    #[inline(always)]
    pub fn symbol(&self, character: char) -> u32 {
        match self.low.get(character as usize) {
            Some(&symbol) => symbol,
            None => self.high.get(&(character as u32)).copied().unwrap_or(NONE),
        }
    }

    /// Append the symbols of `text`; [`NONE`] for what is unknown, once for each character.
    pub fn spell(&self, text: &str, symbols: &mut Vec<u32>) {
        let mut buffer = [0; 4];
        for character in text.chars() {
            let symbol = self.symbol(character);
            match &self.bytes {
                Some(bytes) if symbol == NONE => {
                    let utf8 = character.encode_utf8(&mut buffer).as_bytes();
                    if utf8.iter().all(|&byte| bytes[byte as usize] != NONE) {
                        symbols.extend(utf8.iter().map(|&byte| bytes[byte as usize]));
                    } else {
                        symbols.push(NONE);
                    }
                }
                _ => symbols.push(symbol),
            }
        }
    }

    /// All characters that have a symbol, as code points, with it.
    pub fn characters(&self) -> impl Iterator<Item = (u32, u32)> {
        let low = (0u32..).zip(&self.low).filter(|&(_, &symbol)| symbol != NONE);
        low.chain(self.high.iter().map(|(&character, symbol)| (character, symbol))).map(|(c, &symbol)| (c, symbol))
    }

    /// Whether every character is a symbol, or some: itself, or its bytes.
    pub fn knows_all(&self) -> bool {
        let Some(bytes) = &self.bytes else { return false };
        // Those of characters of several bytes, and ASCII.
        (0x80..=0xBF).chain(0xC2..=0xF4).all(|byte: usize| bytes[byte] != NONE)
            && (0..0x80).all(|byte: usize| bytes[byte] != NONE || self.low[byte] != NONE)
    }

    /// Whether a character that is no symbol is those of its bytes.
    pub fn spells_by_bytes(&self, character: char) -> bool {
        let mut buffer = [0; 4];
        let utf8 = character.encode_utf8(&mut buffer).as_bytes();
        self.bytes.as_ref().is_some_and(|bytes| utf8.iter().all(|&byte| bytes[byte as usize] != NONE))
    }

    pub fn byte_symbols(&self) -> Option<&[u32; 256]> {
        self.bytes.as_deref()
    }
}
