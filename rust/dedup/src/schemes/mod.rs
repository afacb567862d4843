//! Signatures equal to those of other libraries, so that stored ones stay of use.
//!
//! * `datasketch` (2.0, "affine32"): SHA-1 of each n-gram, its first 4 bytes mixed, affine permutations mod 2^32.
//! * `datasketch-legacy` (1.x): the same bytes, permutations mod 2^61 - 1, the low 32 bits.
//! * `datatrove` (64 bits) and `datatrove-32`: its text simplification, xxh64 or xxh32 of each n-gram, mod 2^61 - 1.
//!
//! datasketch hashes what it is given; here an n-gram is given as its lower-cased words joined by blanks. datatrove
//! splits words by a tokenizer for the language, spaCy's for English if nobody says otherwise: that is [`Split::Scheme`]
//! here (`english`). For others give their words with [`Split::Prepared`].

mod english;
mod properties;
mod random_state;
mod simplify;

use sha1::block_api;
use tokenfoundry_kernels::permute_min::permute_min;
use tokenfoundry_kernels::permute_min_p61::permute_min_p61;
use xxhash_rust::{xxh32::xxh32, xxh64::xxh64};

use crate::words::Words;
use random_state::RandomState;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Datasketch,
    DatasketchLegacy,
    Datatrove64,
    Datatrove32,
}

impl Scheme {
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "datasketch" => Self::Datasketch,
            "datasketch-legacy" => Self::DatasketchLegacy,
            "datatrove" => Self::Datatrove64,
            "datatrove-32" => Self::Datatrove32,
            _ => return None,
        })
    }
}

/// Where words come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// As the scheme does it by default.
    Scheme,
    /// datatrove's simplified text at its blanks only.
    Blanks,
    /// The text is words already, one a line.
    Prepared,
}

enum Permutations {
    Affine32 { multipliers: Vec<u32>, increments: Vec<u32> },
    Prime61 { multipliers: Vec<u64>, increments: Vec<u64>, mask: u64 },
}

const PRIME: u64 = (1 << 61) - 1;
const LOW_32: u64 = 0xFFFF_FFFF;
const HASHES_AT_ONCE: usize = 4096;

pub struct ForeignMinHash {
    scheme: Scheme,
    split: Split,
    ngram: usize,
    num_perm: usize,
    permutations: Permutations,
}

/// Scratch of one thread: the words joined by blanks, and where each starts and ends.
#[derive(Default)]
pub struct Scratch {
    words: Words,
    joined: Vec<u8>,
    spans: Vec<(usize, usize)>,
    hashes: Vec<u64>,
    low: Vec<u32>,
}

/// The first bytes of a SHA-1, little-endian: one compression for what most n-grams are, 55 bytes or fewer.
fn sha1_low_32(bytes: &[u8]) -> u32 {
    const INITIAL: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
    let mut state = INITIAL;
    let whole = bytes.len() / 64 * 64;
    for block in bytes[..whole].chunks_exact(64) {
        let mut copy = [0; 64];
        copy.copy_from_slice(block);
        block_api::compress(&mut state, &[copy]);
    }
    let rest = &bytes[whole..];
    let mut blocks = [[0u8; 64]; 2];
    blocks[0][..rest.len()].copy_from_slice(rest);
    blocks[0][rest.len()] = 0x80;
    let count = if rest.len() < 56 { 1 } else { 2 };
    blocks[count - 1][56..].copy_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());
    block_api::compress(&mut state, &blocks[..count]);
    state[0].swap_bytes()
}

/// MurmurHash3's 32-bit finalizer.
fn fmix32(mut hash: u32) -> u32 {
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85EB_CA6B);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xC2B2_AE35);
    hash ^ hash >> 16
}

impl ForeignMinHash {
    pub fn new(scheme: Scheme, split: Split, num_perm: usize, ngram: usize, seed: u32) -> Self {
        let mut random = RandomState::new(seed);
        let permutations = match scheme {
            Scheme::Datasketch => {
                let multipliers = (0..num_perm).map(|_| random.up_to((1 << 31) - 1) as u32 * 2 + 1).collect();
                let increments = (0..num_perm).map(|_| random.next_u32()).collect();
                Permutations::Affine32 { multipliers, increments }
            }
            Scheme::DatasketchLegacy => {
                let (multipliers, increments) =
                    (0..num_perm).map(|_| (random.up_to(PRIME - 2) + 1, random.up_to(PRIME - 1))).unzip();
                Permutations::Prime61 { multipliers, increments, mask: LOW_32 }
            }
            Scheme::Datatrove64 | Scheme::Datatrove32 => {
                let multipliers = (0..num_perm).map(|_| random.up_to(PRIME - 2) + 1).collect();
                let increments = (0..num_perm).map(|_| random.up_to(PRIME - 1)).collect();
                let mask = if scheme == Scheme::Datatrove32 { LOW_32 } else { u64::MAX };
                Permutations::Prime61 { multipliers, increments, mask }
            }
        };
        Self { scheme, split, ngram, num_perm, permutations }
    }

    pub fn num_perm(&self) -> usize {
        self.num_perm
    }

    /// The value of every slot of a text without an n-gram.
    pub fn empty(&self) -> u64 {
        match self.scheme {
            Scheme::Datatrove64 => u64::MAX,
            _ => LOW_32,
        }
    }

    fn split(&self, text: &str, scratch: &mut Scratch) {
        let Scratch { words, joined, spans, .. } = scratch;
        joined.clear();
        spans.clear();
        let mut push = |word: &[u8]| {
            if !spans.is_empty() {
                joined.push(b' ');
            }
            spans.push((joined.len(), joined.len() + word.len()));
            joined.extend_from_slice(word);
        };
        match (self.split, self.scheme) {
            (Split::Prepared, _) => {
                text.split('\n').filter(|word| !word.is_empty()).for_each(|word| push(word.as_bytes()));
            }
            (_, Scheme::Datasketch | Scheme::DatasketchLegacy) => words.visit(text.as_bytes(), push),
            (Split::Blanks, _) => simplify::words(text, |word| push(word.as_bytes())),
            (Split::Scheme, _) => simplify::words(text, |chunk| english::split(chunk, |word| push(word.as_bytes()))),
        }
    }

    /// Write the signature of `text`. Returns the number of n-grams.
    pub fn signature(&self, text: &str, scratch: &mut Scratch, signature: &mut [u64]) -> usize {
        self.split(text, scratch);
        let Scratch { joined, spans, hashes, low, .. } = scratch;
        let mut narrow = vec![u32::MAX; if matches!(self.scheme, Scheme::Datasketch) { self.num_perm } else { 0 }];
        signature.fill(self.empty());
        let mut count = 0;
        for windows in spans.windows(self.ngram).collect::<Vec<_>>().chunks(HASHES_AT_ONCE) {
            count += windows.len();
            let ngrams = windows.iter().map(|words| &joined[words[0].0..words[words.len() - 1].1]);
            match &self.permutations {
                Permutations::Affine32 { multipliers, increments } => {
                    low.clear();
                    low.extend(ngrams.map(|ngram| fmix32(sha1_low_32(ngram))));
                    permute_min(low, multipliers, increments, &mut narrow);
                }
                Permutations::Prime61 { multipliers, increments, mask } => {
                    hashes.clear();
                    match self.scheme {
                        Scheme::Datatrove64 => hashes.extend(ngrams.map(|ngram| xxh64(ngram, 0))),
                        Scheme::Datatrove32 => hashes.extend(ngrams.map(|ngram| u64::from(xxh32(ngram, 0)))),
                        _ => hashes.extend(ngrams.map(|ngram| u64::from(sha1_low_32(ngram)))),
                    }
                    permute_min_p61(hashes, multipliers, increments, *mask, signature);
                }
            }
        }
        if !narrow.is_empty() {
            signature.iter_mut().zip(&narrow).for_each(|(slot, &value)| *slot = u64::from(value));
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha1_of_known_texts() {
        // FIPS 180 and RFC 3174 examples; digests begin a9993e36, 84983e44, da39a3ee.
        assert_eq!(sha1_low_32(b"abc"), u32::from_le_bytes([0xa9, 0x99, 0x3e, 0x36]));
        let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(sha1_low_32(two_blocks), u32::from_le_bytes([0x84, 0x98, 0x3e, 0x44]));
        assert_eq!(sha1_low_32(b""), u32::from_le_bytes([0xda, 0x39, 0xa3, 0xee]));
        let million = vec![b'a'; 1_000_000];
        assert_eq!(sha1_low_32(&million), u32::from_le_bytes([0x34, 0xaa, 0x97, 0x3c]));
    }

    #[test]
    fn coefficients_are_numpys() {
        let ForeignMinHash { permutations, .. } = ForeignMinHash::new(Scheme::Datatrove64, Split::Scheme, 112, 5, 1);
        let Permutations::Prime61 { multipliers, increments, .. } = permutations else { panic!("datatrove is mod p") };
        assert_eq!(multipliers[..2], [775_169_054_918_279_404, 1_758_426_461_858_698_313]);
        assert_eq!(increments[..2], [1_062_448_801_025_099_917, 1_324_811_268_927_594_100]);
    }
}
