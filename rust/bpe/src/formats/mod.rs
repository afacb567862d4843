//! Files to tokenizers; the kind is recognised from the content.

pub mod hf_json;
pub mod tiktoken;

/// `tokenizer.json`, `ranks`, or `unknown`.
pub fn kind_of(file: &[u8]) -> &'static str {
    if hf_json::is_tokenizer_json(file) {
        "tokenizer.json"
    } else if tiktoken::is_rank_file(file) {
        "ranks"
    } else {
        "unknown"
    }
}
