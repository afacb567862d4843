//! How far a text can be compressed: what repeats, repeats in the eyes of DEFLATE too.
//!
//! Raw DEFLATE at level 6 of `miniz_oxide`, in Rust, so that the number is the same on every machine; zlib's differs by
//! a few parts in a hundred. Cost: 20 to 60 MB/s, by far the slowest signal; ask for it when it is needed.

use super::Document;

pub const SIGNALS: &[&str] = &["ratio"];

pub fn measure(document: &Document<'_>, values: &mut [f64]) {
    let text = document.text.as_bytes();
    let packed = if text.is_empty() { 0 } else { miniz_oxide::deflate::compress_to_vec(text, 6).len() };
    values[0] = super::ratio(text.len(), packed);
}
