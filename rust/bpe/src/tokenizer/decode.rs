//! Tokens to text.
//!
//! What a token stands for is worked out once, when a tokenizer is built: [`Decoder::pieces`] has the bytes of every id. A
//! text is those bytes one after another, with U+FFFD for what is no UTF-8. Vocabularies with byte fallback differ in
//! two ways: of a run of byte tokens that is no UTF-8 each byte becomes a U+FFFD (all of them in `tokenizers`, those that belong
//! to no character in SentencePiece), and the space that was put before a text goes away again.

use super::decode_chain::Chain;
use super::decode_table::Table;
use crate::vocabulary::Tokens;

#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// The bytes of each id.
    pub pieces: Tokens,
    /// Whether an id is the token of a byte (byte fallback); empty where there are none.
    pub is_byte: Vec<bool>,
    /// Characters within a run of byte tokens that is no UTF-8 as a whole are kept.
    pub keeps_characters: bool,
    /// Spaces to take from the start of a text, at most.
    pub strip_start: usize,
    /// What a decoder that is not just bytes one after another does; `pieces` then only says which ids there are.
    pub chain: Option<Chain>,
    pub(crate) table: Table,
}

impl Decoder {
    pub fn has_fallback(&self) -> bool {
        !self.is_byte.is_empty()
    }

    /// Make the table that decoding reads, once `pieces` is as it should be.
    pub fn finish(&mut self, is_special: impl Fn(u32) -> bool) {
        let is_byte = |id: u32| self.is_byte.get(id as usize).copied().unwrap_or(false);
        self.table = Table::new(&self.pieces, is_byte, is_special);
    }

    /// Append the bytes of `ids`; the position of an id that does not exist is the error.
    pub fn decode_bytes(&self, ids: &[u32], skip_special: bool, bytes: &mut Vec<u8>) -> Result<(), usize> {
        self.table.append(ids, skip_special, bytes, |bytes, run| bytes.append(run))
    }

    /// Append the text of `ids`, in which bytes that are no UTF-8 are still to be replaced.
    pub fn decode(&self, ids: &[u32], skip_special: bool, text: &mut Vec<u8>) -> Result<(), usize> {
        if let Some(chain) = &self.chain {
            return chain.decode(ids, |id| skip_special && self.table.is_special(id), text);
        }
        if !self.has_fallback() {
            return self.decode_bytes(ids, skip_special, text);
        }
        let start = text.len();
        self.table.append(ids, skip_special, text, |text, run| self.push_byte_run(text, run))?;
        let spaces = text[start..].iter().take(self.strip_start).take_while(|&&byte| byte == b' ').count();
        text.drain(start..start + spaces);
        Ok(())
    }

    /// Append what a run of byte tokens is, and empty it.
    fn push_byte_run(&self, text: &mut Vec<u8>, run: &mut Vec<u8>) {
        let replaced = |bytes: usize| std::iter::repeat_n("\u{FFFD}".as_bytes(), bytes).flatten();
        if std::str::from_utf8(run).is_ok() {
            text.append(run);
            return;
        }
        if self.keeps_characters {
            for chunk in run.utf8_chunks() {
                text.extend_from_slice(chunk.valid().as_bytes());
                text.extend(replaced(chunk.invalid().len()));
            }
        } else {
            text.extend(replaced(run.len()));
        }
        run.clear();
    }
}

/// How many bytes at the end of `bytes` may be the start of a character that is not there yet: 0 to 3.
pub fn incomplete_tail(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let needed = match byte {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            0x80..=0xBF => continue,
            _ => 0,
        };
        if needed <= back {
            return 0;
        }
        // Some continuations make the start invalid at once; then there is nothing to wait for.
        return match std::str::from_utf8(&bytes[bytes.len() - back..]) {
            Err(error) if error.error_len().is_none() => back,
            _ => 0,
        };
    }
    0
}

/// Turns ids that come one by one into text, and never gives half a character. What it gives in all is what decoding all
/// ids at once gives, but for a run of byte tokens that was UTF-8 and is no more, where `tokenizers` would take back what was
/// given; a decoder whose steps look across tokens gives its text at the end.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    pending: Vec<u8>,
    pending_bytes_are_tokens: bool,
    to_strip: usize,
    started: bool,
    kept: Vec<u32>,
}

impl Stream {
    /// The text that `id` completes; the error is an id that does not exist.
    pub fn push(&mut self, decoder: &Decoder, id: u32) -> Result<String, u32> {
        let piece = decoder.pieces.get(id).ok_or(id)?;
        let is_first = !std::mem::replace(&mut self.started, true);
        if let Some(chain) = &decoder.chain {
            return Ok(chain.decode_one(id, is_first).unwrap_or_else(|| {
                self.kept.push(id);
                String::new()
            }));
        }
        if is_first {
            self.to_strip = decoder.strip_start;
        }
        let mut text = Vec::new();
        if decoder.has_fallback() {
            if decoder.is_byte[id as usize] {
                self.pending.extend_from_slice(piece);
                self.pending_bytes_are_tokens = true;
                // A run of bytes is valid or not as a whole; a finished character may be given only while it is.
                if std::str::from_utf8(&self.pending).is_ok() {
                    text.append(&mut self.pending);
                }
            } else {
                decoder.push_byte_run(&mut text, &mut self.pending);
                text.extend_from_slice(piece);
            }
        } else {
            self.pending.extend_from_slice(piece);
            let ready = self.pending.len() - incomplete_tail(&self.pending);
            text.extend(self.pending.drain(..ready));
        }
        Ok(self.stripped(&text))
    }

    /// What is left when no more ids come.
    pub fn finish(&mut self, decoder: &Decoder) -> String {
        let mut text = Vec::new();
        if let Some(chain) = &decoder.chain {
            // The ids were looked up when they came.
            let _ = chain.decode(&self.kept, |_| false, &mut text);
        } else if self.pending_bytes_are_tokens {
            decoder.push_byte_run(&mut text, &mut self.pending);
        } else {
            text.append(&mut self.pending);
        }
        let text = self.stripped(&text);
        *self = Self::default();
        text
    }

    fn stripped(&mut self, text: &[u8]) -> String {
        let spaces = text.iter().take(self.to_strip).take_while(|&&byte| byte == b' ').count();
        if !text.is_empty() {
            self.to_strip = if spaces == text.len() { self.to_strip - spaces } else { 0 };
        }
        String::from_utf8_lossy(&text[spaces..]).into_owned()
    }
}
