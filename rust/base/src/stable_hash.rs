//! Hashes that may be written to disk: xxh3 with fixed seeds, the same on every CPU and in every version.
//!
//! Rust's own `Hash` promises neither. Use these for content ids, checksums and digests; they are not
//! cryptographic (files are guarded against malice by the manifest's sha256).

use xxhash_rust::xxh3;

/// 64-bit hash of `bytes`, seed 0.
#[inline]
pub fn hash64(bytes: &[u8]) -> u64 {
    xxh3::xxh3_64(bytes)
}

#[inline]
pub fn hash64_seeded(bytes: &[u8], seed: u64) -> u64 {
    xxh3::xxh3_64_with_seed(bytes, seed)
}

/// 128-bit hash of `bytes`, seed 0: the identity of a document's content.
#[inline]
pub fn hash128(bytes: &[u8]) -> u128 {
    xxh3::xxh3_128(bytes)
}

/// SplitMix64's finalizer (Steele, Lea, Flood 2014): a bijection of `u64` whose output bits all depend on all input bits.
#[inline]
pub const fn mix64(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids of documents are on disk: these numbers may never change.
    #[test]
    fn golden() {
        assert_eq!(hash64(b""), 0x2D06_8005_38D3_94C2);
        assert_eq!(hash128(b""), 0x99AA_06D3_0147_98D8_6001_C324_468D_497F);
        assert_eq!(mix64(0), 0xE220_A839_7B1D_CDAF);
    }
}
