//! Files to tokenizers; the kind is recognised from the content.

pub mod hf_json;
pub mod sentencepiece;
pub mod tekken;
pub mod tiktoken;

/// `tokenizer.json`, `tekken.json`, `ranks`, `sentencepiece`, or `unknown`.
pub fn kind_of(file: &[u8]) -> &'static str {
    if hf_json::is_tokenizer_json(file) {
        if tekken::is_tekken(file) { "tekken.json" } else { "tokenizer.json" }
    } else if tiktoken::is_rank_file(file) {
        "ranks"
    } else if sentencepiece::is_model(file) {
        "sentencepiece"
    } else {
        "unknown"
    }
}
