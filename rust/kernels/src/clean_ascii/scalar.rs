//! The definition.

const BLOCK: usize = 4096;

#[inline(always)]
fn is_foreign(byte: u8) -> bool {
    !((b' '..0x7F).contains(&byte) | (byte == b'\n') | (byte == b'\t'))
}

/// One body for all tiers: the caller's instruction set is what it is compiled for.
#[inline(always)]
pub fn body(text: &[u8]) -> bool {
    let head = &text[..text.len().min(3)];
    if head.iter().any(|&byte| is_foreign(byte)) || head.windows(2).any(|pair| matches!(pair, [b' ' | b'\t', b'\n'])) {
        return false;
    }
    let mut start = 3;
    while start < text.len() {
        let end = text.len().min(start + BLOCK);
        let bytes = &text[start..end];
        let one = &text[start - 1..end - 1];
        let two = &text[start - 2..end - 2];
        let three = &text[start - 3..end - 3];
        let mut dirty = 0u8;
        for (((&byte, &one), &two), &three) in bytes.iter().zip(one).zip(two).zip(three) {
            let newline = byte == b'\n';
            let blank = (one == b' ') | (one == b'\t');
            let blank_lines = (one == b'\n') & (two == b'\n') & (three == b'\n');
            dirty |= u8::from(is_foreign(byte)) | u8::from(newline & (blank | blank_lines));
        }
        if dirty != 0 {
            return false;
        }
        start = end;
    }
    true
}

pub fn clean_ascii(text: &[u8]) -> bool {
    body(text)
}
