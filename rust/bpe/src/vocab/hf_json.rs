//! Hugging Face's tokenizer.json: byte-level BPE, read and written.
//!
//! What a file may ask for beyond that (SentencePiece-style byte fallback, other normalizers and splits, WordPiece,
//! Unigram) is refused by name, so that no text is ever encoded almost right.

use serde_json::{Value, json};

use super::byte_chars;
use crate::Bpe;
use crate::pretokenize::Pattern;
use crate::specials::Specials;
use crate::vocabulary::{Vocabulary, VocabularyError};

fn error(message: impl Into<String>) -> VocabularyError {
    VocabularyError(message.into())
}

fn kind(value: &Value) -> &str {
    value["type"].as_str().unwrap_or("(none)")
}

/// Normalizer: only none and NFC.
fn read_nfc(normalizer: &Value) -> Result<bool, VocabularyError> {
    match normalizer {
        Value::Null => Ok(false),
        value if kind(value) == "NFC" => Ok(true),
        value if kind(value) == "Sequence" => {
            let steps = value["normalizers"].as_array().map_or(&[][..], Vec::as_slice);
            steps.iter().try_fold(false, |nfc, step| Ok(read_nfc(step)? || nfc))
        }
        value => Err(error(format!(
            "normalizer {:?} is not supported yet; byte-level vocabularies use none or NFC",
            kind(value)
        ))),
    }
}

/// Pre-tokenizer: ByteLevel with GPT-2's own pattern, or one isolated Split and then ByteLevel without.
fn read_pattern(pre_tokenizer: &Value) -> Result<Pattern, VocabularyError> {
    let steps: Vec<&Value> = match pre_tokenizer["pretokenizers"].as_array() {
        Some(steps) if kind(pre_tokenizer) == "Sequence" => steps.iter().collect(),
        _ => vec![pre_tokenizer],
    };
    let unsupported = |what: &str| {
        Err(error(format!(
            "pre_tokenizer {what} is not supported yet; known are ByteLevel, and Split (Regex, Isolated) then ByteLevel"
        )))
    };
    let (split, byte_level) = match steps[..] {
        [byte_level] => (None, byte_level),
        [split, byte_level] => (Some(split), byte_level),
        _ => return unsupported(&format!("with {} steps", steps.len())),
    };
    if kind(byte_level) != "ByteLevel" {
        return unsupported(&format!("{:?}", kind(byte_level)));
    }
    if byte_level["add_prefix_space"].as_bool().unwrap_or(true) {
        return unsupported("ByteLevel with add_prefix_space");
    }
    let own_pattern = byte_level["use_regex"].as_bool().unwrap_or(true);
    let regex = match split {
        None if own_pattern => "gpt2",
        Some(split) if kind(split) == "Split" && !own_pattern => {
            let behavior = split["behavior"].as_str().unwrap_or("(none)");
            if behavior != "Isolated" || split["invert"].as_bool().unwrap_or(false) {
                return unsupported(&format!("Split with behavior {behavior:?} or invert"));
            }
            split["pattern"]["Regex"].as_str().ok_or_else(|| error("pre_tokenizer Split has no pattern.Regex"))?
        }
        Some(split) => return unsupported(&format!("{:?} then ByteLevel", kind(split))),
        None => return unsupported("ByteLevel without a pattern"),
    };
    Pattern::new(regex).map_err(|problem| error(format!("pre_tokenizer: {problem}")))
}

fn read_merges(model: &Value, id_of: impl Fn(&str) -> Option<u32>) -> Result<Vec<(u32, u32)>, VocabularyError> {
    let merges = model["merges"].as_array().ok_or_else(|| error("model.merges is missing"))?;
    let mut pairs = Vec::with_capacity(merges.len());
    for (rank, merge) in merges.iter().enumerate() {
        let sides = match merge {
            Value::String(both) => both.split_once(' '),
            Value::Array(both) => match &both[..] {
                [Value::String(left), Value::String(right)] => Some((left.as_str(), right.as_str())),
                _ => None,
            },
            _ => None,
        };
        let (left, right) = sides.ok_or_else(|| error(format!("model.merges[{rank}] is not a pair: {merge}")))?;
        let id = |side: &str| {
            id_of(side).ok_or_else(|| error(format!("model.merges[{rank}] names {side:?}, which model.vocab lacks")))
        };
        pairs.push((id(left)?, id(right)?));
    }
    Ok(pairs)
}

/// Read the content of a tokenizer.json.
pub fn parse(content: &[u8]) -> Result<Bpe, VocabularyError> {
    let root: Value =
        serde_json::from_slice(content).map_err(|problem| error(format!("tokenizer.json is not JSON: {problem}")))?;
    let model = &root["model"];
    match kind(model) {
        "BPE" => {}
        "WordPiece" | "Unigram" | "WordLevel" => {
            return Err(error(format!("the model is {}, not BPE; use the `tokenizers` library for it", kind(model))));
        }
        _ if model["merges"].is_array() => {}
        other => return Err(error(format!("model.type is {other:?}; a BPE model was expected"))),
    }
    if model["dropout"].as_f64().is_some_and(|dropout| dropout > 0.0) {
        return Err(error("model.dropout is set: its encoding is random; set it to null"));
    }
    if model["byte_fallback"].as_bool().unwrap_or(false) {
        return Err(error("model.byte_fallback (SentencePiece-style BPE) is not supported yet"));
    }
    for affix in ["continuing_subword_prefix", "end_of_word_suffix"] {
        if model[affix].as_str().is_some_and(|value| !value.is_empty()) {
            return Err(error(format!("model.{affix} is not used by byte-level BPE and is not supported")));
        }
    }
    let vocab = model["vocab"].as_object().ok_or_else(|| error("model.vocab is missing"))?;

    let mut specials = Vec::new();
    for (index, added) in root["added_tokens"].as_array().map_or(&[][..], Vec::as_slice).iter().enumerate() {
        let text = added["content"].as_str().ok_or_else(|| error(format!("added_tokens[{index}] has no content")))?;
        let id = added["id"].as_u64().and_then(|id| u32::try_from(id).ok());
        let id = id.ok_or_else(|| error(format!("added_tokens[{index}] ({text:?}) has no id")))?;
        for flag in ["lstrip", "rstrip", "single_word"] {
            if added[flag].as_bool().unwrap_or(false) {
                return Err(error(format!("added_tokens[{index}] ({text:?}) has {flag}, which is not supported yet")));
            }
        }
        specials.push((text.to_owned(), id));
    }
    let mut tokens = Vec::with_capacity(vocab.len());
    for (text, id) in vocab {
        let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
        let id = id.ok_or_else(|| error(format!("model.vocab[{text:?}] is not an id")))?;
        if specials.iter().any(|(special, special_id)| special == text && *special_id == id) {
            continue;
        }
        let bytes = byte_chars::to_bytes(text).ok_or_else(|| {
            error(format!("model.vocab[{text:?}] is not byte-level: one of its characters stands for no byte"))
        })?;
        tokens.push((bytes, id));
    }
    tokens.sort_by_key(|(_, id)| *id);
    let merges = read_merges(model, |side| vocab.get(side)?.as_u64()?.try_into().ok())?;
    let ignore_merges = model["ignore_merges"].as_bool().unwrap_or(false);
    let vocabulary = Vocabulary::from_merges(&tokens, merges, ignore_merges)?;
    let pattern = read_pattern(&root["pre_tokenizer"])?;
    Bpe::new(vocabulary, pattern, Specials::new(specials)?, read_nfc(&root["normalizer"])?)
}

/// The merges that give a rank file's tokens: each token is what its bytes merge to with only lower ranks.
fn merges_of_ranks(vocabulary: &Vocabulary) -> Result<Vec<(u32, u32)>, VocabularyError> {
    let mut merges = Vec::new();
    let mut parts: Vec<u32> = Vec::new();
    for (token, id) in vocabulary.tokens().filter(|(token, _)| token.len() > 1) {
        parts.clear();
        parts.extend(token.iter().map(|&byte| vocabulary.byte_id(byte)));
        while parts.len() > 2 {
            let best = (1..parts.len())
                .filter_map(|index| Some((vocabulary.merge(parts[index - 1], parts[index])?, index)))
                .filter(|(merge, _)| merge.rank < id)
                .min_by_key(|(merge, index)| (merge.rank, *index));
            let Some((merge, index)) = best else { break };
            parts[index - 1] = merge.id;
            parts.remove(index);
        }
        // A token that no merges reach is found as a whole piece only; `ignore_merges` says the same.
        if let [left, right] = parts[..] {
            merges.push((left, right));
        }
    }
    Ok(merges)
}

/// A tokenizer.json that `tokenizers` loads and encodes the same with.
pub fn write(bpe: &Bpe) -> Result<String, VocabularyError> {
    let vocabulary = &bpe.vocabulary;
    let name = |id: u32| byte_chars::to_chars(vocabulary.token(id).unwrap_or_default());
    let computed;
    let merges = match vocabulary.merges() {
        Some(merges) => merges,
        None => {
            computed = merges_of_ranks(vocabulary)?;
            &computed
        }
    };
    let mut vocab: serde_json::Map<String, Value> =
        vocabulary.tokens().map(|(token, id)| (byte_chars::to_chars(token), json!(id))).collect();
    // `tokenizers` numbers added tokens anew unless the model's vocabulary has them.
    for (text, id) in bpe.specials.tokens() {
        vocab.entry(text.clone()).or_insert(json!(id));
    }
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
    let mut added: Vec<&(String, u32)> = bpe.specials.tokens().iter().collect();
    added.sort_by_key(|(_, id)| *id);
    let root = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added.iter().map(|(text, id)| json!({
            "id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true,
        })).collect::<Vec<_>>(),
        "normalizer": if bpe.nfc { json!({"type": "NFC"}) } else { Value::Null },
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": bpe.pattern.as_str()}, "behavior": "Isolated", "invert": false},
            byte_level,
        ]},
        "post_processor": Value::Null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "ignore_merges": vocabulary.whole_pieces(),
            "vocab": vocab,
            "merges": merges.iter().map(|&(left, right)| json!([name(left), name(right)])).collect::<Vec<_>>(),
        },
    });
    serde_json::to_string_pretty(&root).map_err(|problem| error(problem.to_string()))
}
