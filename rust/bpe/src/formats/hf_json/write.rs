//! A tokenizer as a tokenizer.json that Hugging Face `tokenizers` loads, with the same ids for every text.

use serde_json::{Map, Value, json};

use crate::byte_alphabet;
use crate::encode::Encoder;
use crate::pretokenize::{Pretokenizer, Step};
use crate::tokenizer::Tokenizer;
use crate::vocabulary::{Symbols, VocabularyError};

/// The file's text. An error if a split step has no counterpart there (which no reader of ours makes).
pub fn write(tokenizer: &Tokenizer) -> Result<String, VocabularyError> {
    let encoder = tokenizer.encoder();
    let byte_level = encoder.symbols() == Symbols::Bytes;
    let spelled = |bytes: &[u8]| {
        if byte_level { byte_alphabet::encode(bytes) } else { String::from_utf8_lossy(bytes).into_owned() }
    };
    let kept = tokenizer.json();
    let mut vocabulary: Vec<(u32, String)> = encoder.tokens().iter().map(|(id, bytes)| (id, spelled(bytes))).collect();
    vocabulary.retain(|(id, _)| !kept.loose.iter().any(|(loose, _)| loose == id));
    vocabulary.extend(kept.loose.iter().cloned());
    // `tokenizers` gives an added token that is not in the vocabulary the next free id, whatever its own id says.
    for token in tokenizer.added().all() {
        if encoder.tokens().get(token.id).is_none() && !kept.loose.iter().any(|(id, _)| *id == token.id) {
            vocabulary.push((token.id, token.content.clone()));
        }
    }
    vocabulary.sort();
    let vocabulary: Map<String, Value> = vocabulary.into_iter().map(|(id, token)| (token, id.into())).collect();
    let token = |id: u32| spelled(encoder.tokens().get(id).unwrap_or(b""));
    let merges: Vec<Value> =
        encoder.merges().into_iter().map(|[left, right, _]| json!([token(left), token(right)])).collect();
    let added: Vec<Value> = tokenizer
        .added()
        .all()
        .iter()
        .map(|token| {
            json!({
                "id": token.id, "content": token.content, "single_word": token.single_word, "lstrip": token.lstrip,
                "rstrip": token.rstrip, "normalized": token.normalized, "special": token.special,
            })
        })
        .collect();
    let from_file = !kept.pre_tokenizer.is_null() || !kept.decoder.is_null() || !kept.normalizer.is_null();
    let byte_level_part =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
    let (pre_tokenizer, decoder) = if from_file {
        (kept.pre_tokenizer.clone(), kept.decoder.clone())
    } else {
        (splits(tokenizer.pretokenizer(), &byte_level_part)?, byte_level_part)
    };
    let file = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": kept.normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": kept.post_processor,
        "decoder": decoder,
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": encoder.unknown().map(token),
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": encoder.fuses_unknown(),
            "byte_fallback": encoder.symbols() == Symbols::CharactersOrBytes,
            "ignore_merges": has_unreached_pieces(encoder),
            "vocab": vocabulary,
            "merges": merges,
        },
    });
    serde_json::to_string(&file).map_err(|error| VocabularyError(error.to_string()))
}

fn has_unreached_pieces(encoder: &Encoder) -> bool {
    encoder.takes_whole_pieces()
}

fn splits(pretokenizer: &Pretokenizer, byte_level: &Value) -> Result<Value, VocabularyError> {
    let split = |regex: &str, behavior: &str, invert: bool| json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": behavior, "invert": invert});
    let mut all = Vec::new();
    for step in pretokenizer.steps() {
        match step {
            Step::Known(known) => all.extend(known.regexes().iter().map(|regex| split(regex, "Isolated", false))),
            Step::Find { source, .. } => all.push(split(source, "Removed", true)),
            Step::Split { source, behaviour, invert, .. } => {
                all.push(split(source, &format!("{behaviour:?}"), *invert))
            }
            other => {
                return Err(VocabularyError(format!(
                    "a split by {} has no form in a tokenizer.json",
                    other.description()
                )));
            }
        }
    }
    all.push(byte_level.clone());
    Ok(json!({"type": "Sequence", "pretokenizers": all}))
}
