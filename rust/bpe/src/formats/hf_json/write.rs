//! A tokenizer as a tokenizer.json that Hugging Face `tokenizers` loads, with the same ids for every text.

use rustc_hash::FxHashSet;
use serde_json::{Map, Value, json};

use crate::byte_alphabet;
use crate::encode::Encoder;
use crate::pretokenize::{Pretokenizer, Step};
use crate::tokenizer::{Marks, Tokenizer};
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
    let loose: FxHashSet<u32> = kept.loose.iter().map(|(id, _)| *id).collect();
    vocabulary.retain(|(id, _)| !loose.contains(id));
    vocabulary.extend(kept.loose.iter().cloned());
    // `tokenizers` gives an added token that is not in the vocabulary the next id after its size, whatever the file says.
    let missing = |id: u32| encoder.tokens().get(id).is_none() && !loose.contains(&id);
    let beyond: Vec<_> = tokenizer.added().all().iter().filter(|token| missing(token.id)).collect();
    if !beyond.iter().zip(vocabulary.len()..).all(|(token, next)| token.id as usize == next) {
        vocabulary.extend(beyond.iter().map(|token| (token.id, token.content.clone())));
    }
    vocabulary.sort();
    let vocabulary: Map<String, Value> = vocabulary.into_iter().map(|(id, token)| (token, id.into())).collect();
    let token = |id: u32| spelled(encoder.tokens().get(id).unwrap_or(b""));
    let marks = tokenizer.marks();
    let merges: Vec<Value> = match marks {
        Some(marks) => marks.merges.iter().map(|(left, right)| json!([left, right])).collect(),
        None => encoder.merges().into_iter().map(|[left, right, _]| json!([token(left), token(right)])).collect(),
    };
    let mark = |mark: fn(&Marks) -> &String| marks.map(mark).filter(|mark| !mark.is_empty());
    let added: Vec<Value> = tokenizer
        .added()
        .all()
        .iter()
        .map(|token| {
            let mut entry = json!({
                "id": token.id, "content": token.content, "single_word": token.single_word, "lstrip": token.lstrip,
                "rstrip": token.rstrip, "normalized": token.normalized, "special": token.special,
            });
            // Others pass over what they do not know.
            let as_read = super::normalized_form(token.normalized, &token.content, tokenizer.normalizers());
            if as_read != token.pattern {
                entry["pattern"] = token.pattern.as_deref().unwrap_or(&token.content).into();
            }
            entry
        })
        .collect();
    let byte_level_part =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
    let (pre_tokenizer, decoder) = if kept.from_file {
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
            "continuing_subword_prefix": mark(|marks| &marks.prefix),
            "end_of_word_suffix": mark(|marks| &marks.suffix),
            "fuse_unk": encoder.fuses_unknown(),
            "byte_fallback": marks.map_or(encoder.symbols() == Symbols::CharactersOrBytes, |marks| marks.byte_fallback),
            "ignore_merges": marks.map_or(has_unreached_pieces(encoder), |marks| marks.whole_pieces),
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
