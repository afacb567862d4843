//! A whole tokenizer: added tokens, normalizers, splits, the encoder, what is put around a text, and the way back.
//!
//! Immutable and shared by threads. Each call borrows a [`Memory`] (a cache of pieces) from the tokenizer's own few, so that
//! what one call learned the next one knows, without a lock that a fork could leave locked.

mod decode;
mod decode_chain;
mod decode_table;
mod forms;
mod front;
mod general;
mod marked;
mod memories;
mod normalize;
mod text;
mod whole;

pub use decode::{Decoder, Stream, incomplete_tail};
pub use decode_chain::{Chain, DecoderStep, byte_token, replace};
pub use general::{General, GeneralStep};
pub use marked::Marks;
pub use normalize::charsmap::Charsmap;
pub use normalize::sentencepiece::Rules;
pub use normalize::{Aligned, Normalizer, Pattern, normalize, normalize_aligned};
pub use text::{EncodeError, InFull, Text, groups};

use rustc_hash::FxHashSet;
use tokenfoundry_base::stable_hash;

use crate::encode::{Encoder, Memory, shown};
use crate::formats::hf_json::parts::{SENTENCEPIECE, precompiled_json, sentencepiece_json};
use crate::pretokenize::Pretokenizer;
use crate::special::{AddedToken, AddedTokens, Allowed};
use crate::vocabulary::{Symbols, Tokens, Vocabulary, VocabularyError};
use front::Front;
use marked::Marked;
use memories::Memories;
use whole::Whole;

/// What is put around one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pub before: Vec<u32>,
    pub after: Vec<u32>,
}

/// Parts of a tokenizer.json that are written back as they were read; null where there was none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JsonParts {
    pub normalizer: serde_json::Value,
    pub pre_tokenizer: serde_json::Value,
    pub post_processor: serde_json::Value,
    pub decoder: serde_json::Value,
    /// Tokens of the model's vocabulary that are kept for their ids only.
    pub loose: Vec<(u32, String)>,
    /// There was a file, so what is null there is nothing.
    pub from_file: bool,
}

/// The post-processor that puts a BOS before a text.
pub fn bos_template(id: u32, name: &str) -> serde_json::Value {
    use serde_json::json;
    let special = |kind: u32| json!({"SpecialToken": {"id": name, "type_id": kind}});
    let text = |name: &str, kind: u32| json!({"Sequence": {"id": name, "type_id": kind}});
    json!({
        "type": "TemplateProcessing",
        "single": [special(0), text("A", 0)],
        "pair": [special(0), text("A", 0), special(1), text("B", 1)],
        "special_tokens": {name: {"id": name, "ids": [id], "tokens": [name]}},
    })
}

impl JsonParts {
    /// What a SentencePiece model comes to as a tokenizer.json.
    pub fn sentencepiece(rules: &Rules, bos: Option<(u32, &str)>) -> Self {
        use serde_json::{Value, json};
        let Rules { table, prefix, remove_extra, escape, .. } = rules;
        let mut normalizers = Vec::new();
        if let Some(table) = table {
            normalizers.push(precompiled_json(table));
        }
        let replace =
            |pattern: Value, content: &str| json!({"type": "Replace", "pattern": pattern, "content": content});
        if *remove_extra {
            normalizers.push(replace(json!({"Regex": "^ +| +$"}), ""));
            normalizers.push(replace(json!({"Regex": " {2,}"}), " "));
        }
        if *prefix {
            normalizers.push(json!({"type": "Prepend", "prepend": "\u{2581}"}));
        }
        if *escape {
            normalizers.push(replace(json!({"String": " "}), "\u{2581}"));
        }
        let mut normalizer = json!({"type": "Sequence", "normalizers": normalizers});
        if rules.rewrites() {
            normalizer[SENTENCEPIECE] = sentencepiece_json(rules);
        }
        let mut decoders =
            vec![replace(json!({"String": "\u{2581}"}), " "), json!({"type": "ByteFallback"}), json!({"type": "Fuse"})];
        if *prefix {
            decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
        }
        let post_processor = bos.map_or(Value::Null, |(id, name)| bos_template(id, name));
        Self {
            normalizer,
            pre_tokenizer: Value::Null,
            post_processor,
            decoder: json!({"type": "Sequence", "decoders": decoders}),
            loose: Vec::new(),
            from_file: true,
        }
    }
}

/// What a file or a caller says a tokenizer is; [`Tokenizer::new`] checks it.
#[derive(Clone, Debug)]
pub struct Parts {
    pub vocabulary: Vocabulary,
    pub pretokenizer: Pretokenizer,
    pub normalizers: Vec<Normalizer>,
    /// What the pre-tokenizer does to the text between added tokens before it splits it.
    pub late_normalizers: Vec<Normalizer>,
    /// In place of `pretokenizer` and `late_normalizers`, where changes come between splits.
    pub general: Option<General>,
    /// In place of the vocabulary's merges, with `general`, where symbols are marked by their place in a word.
    pub marks: Option<Marks>,
    pub added: Vec<AddedToken>,
    pub template: Template,
    pub decoder: Decoder,
    /// Special tokens in a text are found where a call does not say.
    pub finds_special: bool,
    /// The parts of a tokenizer.json as they were, for `save`.
    pub json: JsonParts,
}

impl Parts {
    /// A byte-level tokenizer.
    pub fn byte_level(vocabulary: Vocabulary, pretokenizer: Pretokenizer, added: Vec<AddedToken>) -> Self {
        let decoder = byte_level_decoder(&vocabulary.tokens, &added);
        Self {
            vocabulary,
            pretokenizer,
            normalizers: Vec::new(),
            late_normalizers: Vec::new(),
            general: None,
            marks: None,
            added,
            template: Template::default(),
            decoder,
            finds_special: false,
            json: JsonParts::default(),
        }
    }
}

/// The decoder of a byte-level vocabulary whose added tokens stand for their own text.
pub fn byte_level_decoder(tokens: &Tokens, added: &[AddedToken]) -> Decoder {
    Decoder {
        pieces: with_added(tokens, added.iter().map(|token| (token.id, token.content.as_bytes().to_vec()))),
        ..Decoder::default()
    }
}

/// `tokens`, with these ids set to these bytes.
pub fn with_added(tokens: &Tokens, added: impl Iterator<Item = (u32, Vec<u8>)>) -> Tokens {
    let mut added: Vec<(u32, Vec<u8>)> = added.collect();
    added.sort_by_key(|(id, _)| *id);
    if added.is_empty() {
        return tokens.clone();
    }
    let mut all = Tokens::default();
    let mut added = added.into_iter().peekable();
    let mut id = 0;
    while (id as usize) < tokens.len() || added.peek().is_some() {
        let mut own = None;
        while let Some((_, bytes)) = added.next_if(|(added, _)| *added == id) {
            own = Some(bytes);
        }
        match own {
            Some(bytes) => all.push(&bytes),
            None => all.push(tokens.get(id).unwrap_or(b"")),
        }
        id += 1;
    }
    all
}

/// How one call encodes.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Put the template around the text.
    pub add_special_tokens: bool,
    pub allowed: Allowed,
}

/// See the module.
#[derive(Debug)]
pub struct Tokenizer {
    encoder: Encoder,
    pretokenizer: Pretokenizer,
    normalizers: Vec<Normalizer>,
    late_normalizers: Vec<Normalizer>,
    general: Option<General>,
    marked: Option<Box<Marked>>,
    added: AddedTokens,
    template: Template,
    decoder: Decoder,
    finds_special: bool,
    json: JsonParts,
    special_ids: Vec<bool>,
    /// For vocabularies of characters that cut a text nowhere.
    whole: Option<Box<Whole>>,
    memories: Memories<Memory>,
}

impl Tokenizer {
    pub fn new(parts: Parts) -> Result<Self, VocabularyError> {
        let encoder = Encoder::new(parts.vocabulary)?;
        let marked = parts.marks.map(Marked::new).transpose()?.map(Box::new);
        let limit = parts.decoder.pieces.len() as u64 + (1 << 24);
        if let Some(token) = parts.added.iter().find(|token| token.id as u64 >= limit) {
            return Err(VocabularyError(format!(
                "the added token {:?} has id {}, which is too great",
                token.content, token.id
            )));
        }
        if parts.json.from_file || encoder.symbols() != Symbols::Bytes {
            // Their names stand for other text than their spelling; the reader of the file has compared the names.
        } else if let Some((token, other)) = parts.added.iter().find_map(|token| {
            let other = encoder.tokens().get(token.id)?;
            (other != token.content.as_bytes() && encoder.is_reached(token.id)).then_some((token, other))
        }) {
            return Err(VocabularyError(format!(
                "the added token {:?} and the ordinary token {} collide: both have id {}",
                token.content,
                shown(other),
                token.id
            )));
        }
        let mut special_ids = Vec::new();
        for token in parts.added.iter().filter(|token| token.special) {
            if special_ids.len() <= token.id as usize {
                special_ids.resize(token.id as usize + 1, false);
            }
            special_ids[token.id as usize] = true;
        }
        let mut decoder = parts.decoder;
        // As `tokenizers` has it, what is left out is told by text: a special token that is looked for in another form than its own
        // is kept, and one that is not special goes if its form is what a special one is.
        let special: FxHashSet<&str> =
            parts.added.iter().filter(|token| token.special).map(|token| token.content.as_str()).collect();
        let goes = |token: &AddedToken| special.contains(token.pattern.as_deref().unwrap_or(&token.content));
        let skipped: FxHashSet<u32> = parts.added.iter().filter(|token| goes(token)).map(|token| token.id).collect();
        decoder.finish(|id| skipped.contains(&id));
        let added = AddedTokens::new(parts.added)?;
        let front = Front::new(&parts.normalizers, &parts.late_normalizers, &parts.pretokenizer);
        let front = front.filter(|_| parts.general.is_none());
        let whole = front.and_then(|front| Whole::new(&encoder, front, &added)).map(Box::new);
        Ok(Self {
            whole,
            encoder,
            pretokenizer: parts.pretokenizer,
            normalizers: parts.normalizers,
            late_normalizers: parts.late_normalizers,
            general: parts.general,
            marked,
            added,
            template: parts.template,
            decoder,
            finds_special: parts.finds_special,
            json: parts.json,
            special_ids,
            memories: Memories::default(),
        })
    }

    /// Forget what texts before have taught: as a new tokenizer, only loaded.
    pub fn forget(&self) {
        self.memories.forget();
        if let Some(whole) = &self.whole {
            whole.forget();
        }
    }

    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    pub fn added(&self) -> &AddedTokens {
        &self.added
    }

    pub fn template(&self) -> &Template {
        &self.template
    }

    pub fn pretokenizer(&self) -> &Pretokenizer {
        &self.pretokenizer
    }

    /// The regular expressions of the splits, in order.
    pub fn patterns(&self) -> Vec<String> {
        self.general.as_ref().map_or_else(|| self.pretokenizer.regexes(), General::regexes)
    }

    /// The model, where its symbols are marked by their place in a word.
    pub fn marks(&self) -> Option<&Marks> {
        self.marked.as_deref().map(Marked::marks)
    }

    pub fn normalizers(&self) -> &[Normalizer] {
        &self.normalizers
    }

    pub fn json(&self) -> &JsonParts {
        &self.json
    }

    /// Whether special tokens in a text are found where a call does not say.
    pub fn finds_special(&self) -> bool {
        self.finds_special
    }

    /// One more than the greatest id.
    pub fn vocabulary_size(&self) -> usize {
        self.decoder.pieces.len()
    }

    #[inline]
    pub fn is_special(&self, id: u32) -> bool {
        self.special_ids.get(id as usize).copied().unwrap_or(false)
    }

    /// The text of `ids`; the error is the position of an id that does not exist.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String, usize> {
        let mut text = Vec::with_capacity(ids.len() * 4);
        self.decode_into(ids, skip_special, &mut text)?;
        Ok(String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// Append the text of `ids`, in which what is no UTF-8 is still to be replaced by U+FFFD.
    pub fn decode_into(&self, ids: &[u32], skip_special: bool, text: &mut Vec<u8>) -> Result<(), usize> {
        self.decoder.decode(ids, skip_special, text)
    }

    pub fn decode_bytes(&self, ids: &[u32], skip_special: bool) -> Result<Vec<u8>, usize> {
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        self.decoder.decode_bytes(ids, skip_special, &mut bytes)?;
        Ok(bytes)
    }

    /// A hash of everything that decides which tokens a text becomes, the same in every process and version.
    pub fn digest(&self) -> u128 {
        let mut bytes = Vec::with_capacity(1 << 22);
        let mut section = |name: &str, content: &[u8]| {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
            bytes.extend_from_slice(content);
        };
        // Whether an added token is listed in the vocabulary as well is a matter of the file's form.
        let added: FxHashSet<u32> = self.added.all().iter().map(|token| token.id).collect();
        let tokens = self.encoder.tokens().iter().filter(|(id, _)| !added.contains(id));
        let mut listed = Vec::with_capacity(1 << 21);
        for (id, bytes) in tokens {
            listed.extend_from_slice(&id.to_le_bytes());
            listed.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            listed.extend_from_slice(bytes);
        }
        section("tokens", &listed);
        section("merges", &numbers(self.encoder.merges().into_iter().flatten()));
        if let Some(marked) = &self.marked {
            section("marked", marked.description().as_bytes());
        }
        section("rules", self.encoder.rules(|id| added.contains(&id)).as_bytes());
        for step in self.pretokenizer.steps() {
            section("step", step.description().as_bytes());
        }
        if let Some(general) = &self.general {
            section("general", general.description().as_bytes());
        }
        for normalizer in self.normalizers.iter().chain(&self.late_normalizers) {
            section("normalizer", normalizer.description().as_bytes());
        }
        for token in self.added.all() {
            let flags = [token.special, token.lstrip, token.rstrip, token.single_word, token.normalized];
            let flags: Vec<u8> = flags.into_iter().map(u8::from).collect();
            section("added", token.content.as_bytes());
            section("flags", &[&token.id.to_le_bytes()[..], &flags].concat());
        }
        section("before", &numbers(self.template.before.iter().copied()));
        section("after", &numbers(self.template.after.iter().copied()));
        stable_hash::hash128(&bytes)
    }
}

fn numbers(values: impl Iterator<Item = u32>) -> Vec<u8> {
    values.flat_map(u32::to_le_bytes).collect()
}
