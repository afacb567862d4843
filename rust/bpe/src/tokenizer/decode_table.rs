//! The bytes of every token in slots of 16 bytes, so that a token is copied by one load and one store.
//!
//! A slot holds up to 15 bytes and, last, how many; what is longer, or no ordinary token, is told by flags there and
//! handled apart. Copying 16 bytes whatever the length, and counting on by the length, needs no branch on it: the next
//! token overwrites what was too much. 16 bytes a token: 2.4 MB for a vocabulary of 150,000.

use crate::vocabulary::Tokens;

const SLOT: usize = 16;
const INLINE: usize = SLOT - 1;
/// Tokens whose bytes are longer than a slot: where in [`Table::long`] they start and how many they are.
const LONG: u8 = 0x10;
/// The token of one byte (byte fallback).
const BYTE: u8 = 0x20;
const SPECIAL: u8 = 0x40;
/// No such token.
const HOLE: u8 = 0x80;
/// Bytes that are put together in the first-level cache before they are appended to the text.
const BLOCK: usize = 4096;

/// A cache line holds four slots, and none lies across two.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
struct Slot([u8; SLOT]);

#[derive(Clone, Debug, Default)]
pub struct Table {
    slots: Vec<Slot>,
    long: Vec<u8>,
}

impl Table {
    pub fn new(pieces: &Tokens, is_byte: impl Fn(u32) -> bool, is_special: impl Fn(u32) -> bool) -> Self {
        let mut table = Self { slots: Vec::with_capacity(pieces.len()), long: Vec::new() };
        for id in 0..pieces.len() as u32 {
            let mut slot = [0; SLOT];
            match pieces.get(id) {
                None => slot[INLINE] = HOLE,
                Some(bytes) if bytes.len() <= INLINE => {
                    slot[..bytes.len()].copy_from_slice(bytes);
                    slot[INLINE] = bytes.len() as u8;
                }
                Some(bytes) => {
                    slot[..4].copy_from_slice(&(table.long.len() as u32).to_le_bytes());
                    slot[4..8].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
                    slot[INLINE] = LONG;
                    table.long.extend_from_slice(bytes);
                }
            }
            slot[INLINE] |= if is_byte(id) { BYTE } else { 0 } | if is_special(id) { SPECIAL } else { 0 };
            table.slots.push(Slot(slot));
        }
        table
    }

    /// Append the bytes of `ids` to `text`; the position of an id that does not exist is the error. Special tokens are
    /// left out with `skip_special`. `push_run` appends what a run of byte tokens stands for, and empties it.
    pub fn append(
        &self,
        ids: &[u32],
        skip_special: bool,
        text: &mut Vec<u8>,
        push_run: impl Fn(&mut Vec<u8>, &mut Vec<u8>),
    ) -> Result<(), usize> {
        let mut block = [0u8; BLOCK];
        let mut filled = 0;
        let mut run = Vec::new();
        let mut position = 0;
        while let Some(&id) = ids.get(position) {
            let Some(Slot(slot)) = self.slots.get(id as usize) else { return Err(position) };
            let kind = slot[INLINE];
            if kind as usize <= INLINE {
                if filled > BLOCK - SLOT {
                    text.extend_from_slice(&block[..filled]);
                    filled = 0;
                }
                block[filled..filled + SLOT].copy_from_slice(slot);
                filled += kind as usize;
                position += 1;
                continue;
            }
            text.extend_from_slice(&block[..filled]);
            filled = 0;
            if kind & HOLE != 0 {
                return Err(position);
            }
            if kind & BYTE != 0 {
                while let Some(Slot(slot)) = ids.get(position).and_then(|&id| self.slots.get(id as usize)) {
                    let skipped = skip_special && slot[INLINE] & SPECIAL != 0;
                    if slot[INLINE] & BYTE != 0 && !skipped {
                        run.push(slot[0]);
                    } else if !skipped {
                        break;
                    }
                    position += 1;
                }
                push_run(text, &mut run);
                continue;
            }
            if !(skip_special && kind & SPECIAL != 0) {
                text.extend_from_slice(self.apart_bytes(slot));
            }
            position += 1;
        }
        text.extend_from_slice(&block[..filled]);
        Ok(())
    }

    pub fn is_special(&self, id: u32) -> bool {
        self.slots.get(id as usize).is_some_and(|slot| slot.0[INLINE] & SPECIAL != 0)
    }

    fn apart_bytes<'a>(&'a self, slot: &'a [u8; SLOT]) -> &'a [u8] {
        let length = slot[INLINE];
        if length & LONG == 0 {
            return &slot[..(length & 0x0F) as usize];
        }
        let number = |at: usize| u32::from_le_bytes([slot[at], slot[at + 1], slot[at + 2], slot[at + 3]]) as usize;
        &self.long[number(0)..number(0) + number(4)]
    }
}
