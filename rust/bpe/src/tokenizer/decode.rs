//! Tokens to text.
//!
//! What a token stands for is worked out once, when a tokenizer is built: [`Decoder::pieces`] has the bytes of every id. A
//! text is those bytes one after another, with U+FFFD for what is no UTF-8. Vocabularies with byte fallback differ in
//! two ways, which `tokenizers` sets: a run of byte tokens that is no UTF-8 becomes one U+FFFD for each byte, and the
//! space that was put before a text goes away again.

use crate::vocabulary::Tokens;

#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// The bytes of each id.
    pub pieces: Tokens,
    /// Whether an id is the token of a byte (byte fallback); empty where there are none.
    pub is_byte: Vec<bool>,
    /// Spaces to take from the start of a text, at most.
    pub strip_start: usize,
}

impl Decoder {
    pub fn has_fallback(&self) -> bool {
        !self.is_byte.is_empty()
    }

    /// Append the bytes of `ids`; the position of an id that does not exist is the error.
    pub fn decode_bytes(&self, ids: &[u32], skip: impl Fn(u32) -> bool, bytes: &mut Vec<u8>) -> Result<(), usize> {
        for (position, &id) in ids.iter().enumerate() {
            match self.pieces.get(id) {
                Some(piece) if !skip(id) => bytes.extend_from_slice(piece),
                Some(_) => {}
                None => return Err(position),
            }
        }
        Ok(())
    }

    /// The text of `ids`.
    pub fn decode(&self, ids: &[u32], skip: impl Fn(u32) -> bool) -> Result<String, usize> {
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        if !self.has_fallback() {
            self.decode_bytes(ids, skip, &mut bytes)?;
            return Ok(
                String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
            );
        }
        let mut text = String::with_capacity(ids.len() * 4);
        for (position, &id) in ids.iter().enumerate() {
            let Some(piece) = self.pieces.get(id) else { return Err(position) };
            if skip(id) {
                continue;
            }
            if self.is_byte[id as usize] {
                bytes.extend_from_slice(piece);
            } else {
                push_byte_run(&mut text, &mut bytes);
                text.push_str(&String::from_utf8_lossy(piece));
            }
        }
        push_byte_run(&mut text, &mut bytes);
        let spaces = text.bytes().take(self.strip_start).take_while(|&byte| byte == b' ').count();
        text.drain(..spaces);
        Ok(text)
    }
}

/// Append what a run of byte tokens is, and empty it.
pub fn push_byte_run(text: &mut String, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    match std::str::from_utf8(bytes) {
        Ok(valid) => text.push_str(valid),
        Err(_) => text.extend(std::iter::repeat_n('\u{FFFD}', bytes.len())),
    }
    bytes.clear();
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

/// Turns ids that come one by one into text, and never gives half a character.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    pending: Vec<u8>,
    pending_bytes_are_tokens: bool,
    to_strip: usize,
    started: bool,
}

impl Stream {
    /// The text that `id` completes; the error is an id that does not exist.
    pub fn push(&mut self, decoder: &Decoder, id: u32) -> Result<String, u32> {
        let piece = decoder.pieces.get(id).ok_or(id)?;
        if !self.started {
            self.started = true;
            self.to_strip = decoder.strip_start;
        }
        let mut text = String::new();
        if decoder.has_fallback() {
            if decoder.is_byte[id as usize] {
                self.pending.extend_from_slice(piece);
                self.pending_bytes_are_tokens = true;
                // A run of bytes is valid or not as a whole; a finished character may be given only while it is.
                if std::str::from_utf8(&self.pending).is_ok() {
                    push_byte_run(&mut text, &mut self.pending);
                }
            } else {
                push_byte_run(&mut text, &mut self.pending);
                text.push_str(&String::from_utf8_lossy(piece));
            }
        } else {
            self.pending.extend_from_slice(piece);
            let ready = self.pending.len() - incomplete_tail(&self.pending);
            text.push_str(&String::from_utf8_lossy(&self.pending[..ready]));
            self.pending.drain(..ready);
        }
        Ok(self.stripped(text))
    }

    /// What is left when no more ids come.
    pub fn finish(&mut self) -> String {
        let mut text = String::new();
        if self.pending_bytes_are_tokens {
            push_byte_run(&mut text, &mut self.pending);
        } else {
            text.push_str(&String::from_utf8_lossy(&self.pending));
            self.pending.clear();
        }
        let text = self.stripped(text);
        *self = Self::default();
        text
    }

    fn stripped(&mut self, mut text: String) -> String {
        if self.to_strip > 0 && !text.is_empty() {
            let spaces = text.bytes().take(self.to_strip).take_while(|&byte| byte == b' ').count();
            self.to_strip = if spaces == text.len() { self.to_strip - spaces } else { 0 };
            text.drain(..spaces);
        }
        text
    }
}
