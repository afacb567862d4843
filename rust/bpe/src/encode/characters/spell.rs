//! The symbols that a text starts as, with a space as what it is shown as.

use rustc_hash::FxHashMap;

use super::super::symbols::CharacterStart;
use crate::unicode;
use tokenfoundry_kernels::pair_merges::NONE;

/// Code points that have their symbol in a table.
const TABLE: usize = 1 << 16;

#[derive(Clone, Debug)]
pub struct Spelling {
    table: Vec<u32>,
    /// Those from U+10000 on.
    others: FxHashMap<u32, u32>,
    bytes: Box<[u32; 256]>,
    space: u32,
    shown_as: Option<char>,
}

impl Spelling {
    /// `None` if a character may be unknown.
    pub fn new(start: &CharacterStart, shown_as: Option<char>) -> Option<Self> {
        let bytes = Box::new(*start.byte_symbols().filter(|_| start.knows_all())?);
        let mut table = vec![NONE; TABLE];
        let mut others = FxHashMap::default();
        for (character, symbol) in start.characters() {
            match table.get_mut(character as usize) {
                Some(entry) => *entry = symbol,
                None => {
                    others.insert(character, symbol);
                }
            }
        }
        // What a space is shown as must be known as well.
        let space = shown_as.unwrap_or(' ');
        if start.symbol(space) == NONE && !start.spells_by_bytes(space) {
            return None;
        }
        Some(Self { table, others, bytes, space: shown_as.map_or(u32::from(' '), u32::from), shown_as })
    }

    /// Append the symbols of `text`, which is UTF-8 but for what is at its end, and for each the place after it.
    pub fn spell(&self, text: &[u8], symbols: &mut Vec<u32>, ends: &mut Vec<u32>) {
        let mut at = 0;
        while at < text.len() {
            let (mut character, length) =
                if text[at] < 0x80 { (text[at] as u32, 1) } else { unicode::decode(text, at) };
            at += length;
            if character == u32::from(' ') {
                character = self.space;
            }
            let symbol = match self.table.get(character as usize) {
                Some(&symbol) => symbol,
                None => self.others.get(&character).copied().unwrap_or(NONE),
            };
            if symbol != NONE {
                symbols.push(symbol);
                ends.push(at as u32);
                continue;
            }
            let mut buffer = [0; 4];
            let utf8 = char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut buffer);
            for &byte in utf8.as_bytes() {
                symbols.push(self.bytes[byte as usize]);
                ends.push(at as u32);
            }
        }
    }

    /// `unit` with every space as what it is shown as; `unit` itself where that is nothing else.
    pub fn shown<'a>(&self, unit: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
        let Some(shown_as) = self.shown_as.filter(|_| unit.contains(&b' ')) else { return unit };
        let mut utf8 = [0; 4];
        let utf8 = shown_as.encode_utf8(&mut utf8).as_bytes();
        buffer.clear();
        for &byte in unit {
            if byte == b' ' {
                buffer.extend_from_slice(utf8);
            } else {
                buffer.push(byte);
            }
        }
        buffer
    }
}
