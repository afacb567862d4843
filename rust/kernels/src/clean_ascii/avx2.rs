//! The same body, compiled for vectors of 32 bytes.

#[target_feature(enable = "avx2")]
pub fn clean_ascii(text: &[u8]) -> bool {
    super::scalar::body(text)
}
