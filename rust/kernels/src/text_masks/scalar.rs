//! The definition, a byte at a time.

use super::{BLOCK, Masks};

pub fn block(block: &[u8]) -> Masks {
    let mut masks = Masks::default();
    for (index, &byte) in block.iter().enumerate() {
        masks.alphanumeric |= u64::from(byte.is_ascii_alphanumeric()) << index;
        masks.space |= u64::from(matches!(byte, 0x09..=0x0D | 0x1C..=0x20)) << index;
        masks.foreign |= u64::from(byte >> 7) << index;
    }
    masks
}

pub fn text_masks(text: &[u8], masks: &mut [Masks]) {
    for (part, masks) in text.chunks_exact(BLOCK).zip(masks) {
        *masks = block(part);
    }
}
