//! Whether text is printable ASCII with tabs and newlines, no blanks before a newline and no more than two blank lines.
//!
//! What cleaning would leave as it is, told without a branch a byte: every byte is looked at together with the three before it,
//! over whole blocks, so that the compiler uses the widest vectors the tier has.

mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;

use crate::tier::{self, Tier};

/// Whether all of `text` is so. Its beginning and end are the caller's to look at: bytes before the first are letters here.
pub fn clean_ascii(text: &[u8]) -> bool {
    clean_ascii_on(tier::current(), text)
}

/// [`clean_ascii`] on a given tier, or the best below it that this CPU has.
pub fn clean_ascii_on(tier: Tier, text: &[u8]) -> bool {
    match tier.min(tier::detected()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is at most what was detected on this CPU, so it has AVX2.
        Tier::Avx2 | Tier::Avx512 => unsafe { avx2::clean_ascii(text) },
        _ => scalar::clean_ascii(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &[u8]) -> bool {
        let allowed = text.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'));
        let blanks = text.windows(2).any(|pair| pair == b" \n" || pair == b"\t\n");
        allowed && !blanks && !text.windows(4).any(|four| four == b"\n\n\n\n")
    }

    #[test]
    fn every_tier_and_place() {
        for length in [0, 1, 2, 3, 4, 31, 64, 200, 9000] {
            let clean = vec![b'a'; length];
            for tier in tier::available() {
                assert!(clean_ascii_on(tier, &clean));
            }
            for place in (0..length).step_by(1 + length / 100) {
                for dirt in
                    [&b"\x7F"[..], b"\x80", b"\r", b"\x1F", b"\xFF", b" \n", b"\t\n", b"\n\n\n\n", b"\n\n\n", b"\t"]
                {
                    let mut text = clean.clone();
                    let end = length.min(place + dirt.len());
                    text[place..end].copy_from_slice(&dirt[..end - place]);
                    for tier in tier::available() {
                        assert_eq!(clean_ascii_on(tier, &text), plain(&text), "{} {place} {dirt:?}", tier.name());
                    }
                }
            }
        }
    }
}
