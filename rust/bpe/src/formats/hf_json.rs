//! `tokenizer.json` of Hugging Face `tokenizers` with a BPE model, byte-level (GPT-2, Llama 3, Qwen, DeepSeek …) or with
//! characters and byte fallback (Llama 2, Mistral, Gemma …).

mod decoders;
mod onig;
pub(crate) mod parts;
mod write;

use std::borrow::Cow;
use std::fmt;

use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::byte_alphabet;
use crate::special::AddedToken;
use crate::tokenizer::{JsonParts, Marks, Normalizer, Parts, normalize, with_added};
use crate::vocabulary::{Merges, Symbols, Tokens, Vocabulary, VocabularyError};

pub use write::write;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Option<Value>,
    #[serde(default)]
    pre_tokenizer: Option<Value>,
    #[serde(default)]
    post_processor: Option<Value>,
    #[serde(default)]
    decoder: Option<Value>,
    #[serde(borrow)]
    model: Model<'a>,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    normalized: Option<bool>,
    #[serde(default)]
    special: bool,
    /// Our own: what is looked for in a text.
    pattern: Option<String>,
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    dropout: Option<f64>,
    #[serde(default)]
    unk_token: Option<String>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    fuse_unk: bool,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    #[serde(borrow, default)]
    vocab: Vocab<'a>,
    #[serde(borrow, default)]
    merges: Option<Pairs<'a>>,
}

impl<'a> Model<'a> {
    fn merges(&self) -> &[(Cow<'a, str>, Cow<'a, str>)] {
        self.merges.as_ref().map_or(&[], |pairs| &pairs.0)
    }
}

/// A string that borrows from the file unless it holds escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// `{"token": id, …}` in the order of the file. A Unigram model has a list here, which is refused later by its type.
#[derive(Default)]
struct Vocab<'a>(Vec<(Cow<'a, str>, u32)>);

impl<'de: 'a, 'a> Deserialize<'de> for Vocab<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct VocabVisitor;
        impl<'de> Visitor<'de> for VocabVisitor {
            type Value = Vocab<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of tokens to ids")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut entries = Vec::with_capacity(1 << 17);
                while let Some((Text(token), id)) = map.next_entry()? {
                    entries.push((token, id));
                }
                Ok(Vocab(entries))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
                while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(Vocab(Vec::new()))
            }
        }
        deserializer.deserialize_any(VocabVisitor)
    }
}

/// Merges, each `"left right"` (until 2024) or `["left", "right"]`.
struct Pairs<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

struct Pair<'a> {
    left: Cow<'a, str>,
    right: Cow<'a, str>,
    /// The first line of a merges.txt.
    is_version: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Pair<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairVisitor;

        fn wrong<E: serde::de::Error>(text: &str) -> E {
            E::custom(format!("the merge {text:?} is not two tokens with one space between"))
        }

        impl<'de> Visitor<'de> for PairVisitor {
            type Value = Pair<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a merge: two tokens")
            }

            fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                match text.split_once(' ') {
                    Some((left, right)) if !right.contains(' ') => {
                        Ok(Pair { left: left.into(), right: right.into(), is_version: text.starts_with("#version") })
                    }
                    _ => Err(wrong(text)),
                }
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let Pair { left, right, is_version } = PairVisitor.visit_borrowed_str(text)?;
                Ok(Pair { left: left.into_owned().into(), right: right.into_owned().into(), is_version })
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
                let missing = || S::Error::custom("a merge is a list of two tokens");
                let Text(left) = seq.next_element()?.ok_or_else(missing)?;
                let Text(right) = seq.next_element()?.ok_or_else(missing)?;
                if seq.next_element::<serde::de::IgnoredAny>()?.is_some() {
                    return Err(missing());
                }
                Ok(Pair { left, right, is_version: false })
            }
        }
        deserializer.deserialize_any(PairVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of merges")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
                let mut pairs = Vec::with_capacity(1 << 17);
                while let Some(Pair { left, right, is_version }) = seq.next_element()? {
                    if !is_version {
                        pairs.push((left, right));
                    }
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_seq(PairsVisitor)
    }
}

/// Whether a file looks like a tokenizer.json.
pub fn is_tokenizer_json(file: &[u8]) -> bool {
    file.trim_ascii_start().starts_with(b"{")
}

fn error<T>(message: impl Into<String>) -> Result<T, VocabularyError> {
    Err(VocabularyError(message.into()))
}

pub fn read(file: &[u8]) -> Result<Parts, VocabularyError> {
    read_parts(file, false)
}

/// A file whose model may still have to be trained, and has its added tokens until then.
pub fn read_untrained(file: &[u8]) -> Result<Parts, VocabularyError> {
    read_parts(file, true)
}

fn read_parts(file: &[u8], may_be_untrained: bool) -> Result<Parts, VocabularyError> {
    // The kind first: another model's vocabulary has another shape, and its error should say so.
    let text = match std::str::from_utf8(file) {
        Ok(text) => text,
        Err(problem) => return error(format!("the tokenizer.json cannot be read: it is not UTF-8, {problem}")),
    };
    let file: File<'_> = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(problem) => return error(format!("the tokenizer.json cannot be read: {problem}")),
    };
    let File { added_tokens, normalizer, pre_tokenizer, post_processor, decoder, model } = file;
    check_model(&model, may_be_untrained)?;
    let normalizers = parts::normalizers(normalizer.as_ref())?;
    let ids = ids_by_text(&model.vocab.0);
    let added = added_with_ids(added_tokens, &ids, &normalizers)?;
    let splits = parts::pre_tokenizer(pre_tokenizer.as_ref(), &normalizers, is_marked(&model))?;
    let byte_level = splits.byte_level;
    if byte_level && model.byte_fallback {
        let missing = byte_alphabet::encode(&std::array::from_fn::<u8, 256, _>(|byte| byte as u8));
        if let Some(letter) = missing.chars().find(|letter| !ids.contains_key(letter.encode_utf8(&mut [0; 4]) as &str))
        {
            return error(format!(
                "the model has byte_fallback for texts that are spelled as bytes, and its vocabulary lacks the letter {letter:?} of a byte; \
                 use the `tokenizers` package for it"
            ));
        }
    }
    let (mut tokens, mut loose) = tokens_by_id(&model.vocab.0, byte_level)?;
    let unknown = match &model.unk_token {
        Some(unknown) => match ids.get(unknown.as_str()) {
            Some(id) => Some(*id),
            None => added.iter().find(|token| token.content == *unknown).map(|token| token.id),
        },
        None => None,
    };
    let (merges, marks) = if is_marked(&model) {
        (Vec::new(), Some(marks(&model, unknown)))
    } else {
        (merges_by_id(&model, &ids, &tokens, byte_level)?, None)
    };
    let json_loose = loose.clone();
    let json_decoder = decoder.clone().unwrap_or_default();
    // The unknown token may be spelled with characters that are no bytes; it is emitted but never merged into.
    loose.extend(added.iter().map(|token| (token.id, token.content.clone())));
    if let Some(unknown) = unknown
        && tokens.get(unknown).is_none()
        && let Some((_, content)) = loose.iter().find(|(id, _)| *id == unknown)
    {
        tokens = with_added(&tokens, std::iter::once((unknown, content.as_bytes().to_vec())));
    }
    let decoder = decoders::decoder(decoder.as_ref(), spelled(&model.vocab.0, &added), byte_level)?;
    let symbols = match (byte_level, model.byte_fallback) {
        (true, _) => Symbols::Bytes,
        (false, true) => Symbols::CharactersOrBytes,
        (false, false) => Symbols::Characters,
    };
    Ok(Parts {
        vocabulary: Vocabulary {
            tokens,
            merges: Merges::Listed(merges),
            symbols,
            whole_pieces: model.ignore_merges,
            unknown,
            fuse_unknown: model.fuse_unk,
        },
        pretokenizer: splits.pretokenizer,
        normalizers,
        late_normalizers: splits.normalizers,
        general: splits.general,
        marks,
        added,
        template: parts::template(post_processor.as_ref())?,
        decoder,
        finds_special: true,
        json: JsonParts {
            normalizer: normalizer.unwrap_or_default(),
            pre_tokenizer: pre_tokenizer.unwrap_or_default(),
            post_processor: post_processor.unwrap_or_default(),
            decoder: json_decoder,
            loose: json_loose,
            from_file: true,
        },
    })
}

/// All tokens by their ids, as the file spells them; an added token's own text comes before the vocabulary's.
fn spelled(vocab: &[(Cow<'_, str>, u32)], added: &[AddedToken]) -> Tokens {
    let last = vocab.iter().map(|(_, id)| *id).chain(added.iter().map(|token| token.id)).max().unwrap_or(0);
    let mut by_id = vec![""; last as usize + 1];
    let mut total = 0;
    for (token, id) in vocab {
        by_id[*id as usize] = token;
        total += token.len();
    }
    for token in added {
        let text = token.pattern.as_ref().unwrap_or(&token.content);
        by_id[token.id as usize] = text;
        total += text.len();
    }
    let mut texts = Tokens::with_capacity(by_id.len(), total);
    by_id.iter().for_each(|text| texts.push(text.as_bytes()));
    texts
}

fn ids_by_text<'a>(vocab: &'a [(Cow<'_, str>, u32)]) -> FxHashMap<&'a str, u32> {
    let mut ids = FxHashMap::with_capacity_and_hasher(vocab.len(), Default::default());
    ids.extend(vocab.iter().map(|(token, id)| (token.as_ref(), *id)));
    ids
}

/// What is looked for in a normalized text instead of the content, if that is something else.
fn normalized_form(normalized: bool, content: &str, normalizers: &[Normalizer]) -> Option<String> {
    if !normalized {
        return None;
    }
    normalize(normalizers, content, true).filter(|form| form != content)
}

/// Added tokens with the ids that `tokenizers` gives them: the vocabulary's own where it has the text, else the next
/// after its size in the order of the file. A file may say otherwise only where that takes no ordinary token's id.
fn added_with_ids(
    listed: Vec<Added>,
    ids: &FxHashMap<&str, u32>,
    normalizers: &[Normalizer],
) -> Result<Vec<AddedToken>, VocabularyError> {
    let by_id: FxHashMap<u32, &str> = if listed.iter().all(|token| ids.get(token.content.as_str()) == Some(&token.id)) {
        FxHashMap::default()
    } else {
        ids.iter().map(|(text, id)| (*id, *text)).collect()
    };
    let mut next = ids.len() as u32;
    let mut added: Vec<AddedToken> = Vec::with_capacity(listed.len());
    let mut places: FxHashMap<String, usize> = FxHashMap::default();
    for token in listed {
        if token.content.is_empty() {
            continue;
        }
        if let Some(other) = by_id.get(&token.id).filter(|other| **other != token.content) {
            return error(format!(
                "the added token {:?} and the ordinary token {other:?} collide: both have id {}",
                token.content, token.id
            ));
        }
        let place = places.get(&token.content).copied();
        let id = match (place, ids.get(token.content.as_str())) {
            (Some(place), _) => added[place].id,
            (None, Some(id)) => *id,
            (None, None) => {
                next += 1;
                next - 1
            }
        };
        let normalized = token.normalized.unwrap_or(!token.special);
        let token = AddedToken {
            pattern: match token.pattern {
                Some(pattern) => Some(pattern).filter(|pattern| *pattern != token.content),
                None => normalized_form(normalized, &token.content, normalizers),
            },
            normalized,
            id,
            special: token.special,
            lstrip: token.lstrip,
            rstrip: token.rstrip,
            single_word: token.single_word,
            content: token.content,
        };
        match place {
            Some(place) => added[place] = token,
            None => {
                places.insert(token.content.clone(), added.len());
                added.push(token);
            }
        }
    }
    Ok(added)
}

fn check_model(model: &Model<'_>, may_be_untrained: bool) -> Result<(), VocabularyError> {
    match model.kind.as_deref() {
        Some("BPE") | None => {}
        Some(other) => {
            return error(format!(
                "the model of this tokenizer.json is {other}, and tokenfoundry reads BPE only; use the `tokenizers` package for it"
            ));
        }
    }
    if model.dropout.is_some_and(|dropout| dropout != 0.0) {
        return error(
            "the model has BPE dropout, which makes encoding random; set \"dropout\" to null, or use the `tokenizers` package to train with it",
        );
    }
    let is_untrained = model.kind.is_some() && model.merges.as_ref().is_some_and(|pairs| pairs.0.is_empty());
    if model.vocab.0.is_empty() && !(may_be_untrained && is_untrained) {
        return error("the tokenizer.json has no vocabulary under model.vocab");
    }
    if model.merges.is_none() {
        // An untyped file may be of any kind of model.
        let what =
            if model.kind.is_some() { "" } else { ", nor says of which type it is; WordLevel and WordPiece have none" };
        return error(format!("the model of this tokenizer.json has no list of merges{what}"));
    }
    Ok(())
}

/// Whether its symbols say where in a word they stand.
fn is_marked(model: &Model<'_>) -> bool {
    let says = |mark: &Option<String>| mark.as_ref().is_some_and(|mark| !mark.is_empty());
    says(&model.continuing_subword_prefix) || says(&model.end_of_word_suffix)
}

fn marks(model: &Model<'_>, unknown: Option<u32>) -> Marks {
    Marks {
        prefix: model.continuing_subword_prefix.clone().unwrap_or_default(),
        suffix: model.end_of_word_suffix.clone().unwrap_or_default(),
        tokens: model.vocab.0.iter().map(|(token, id)| (token.clone().into_owned(), *id)).collect(),
        merges: model
            .merges()
            .iter()
            .map(|(left, right)| (left.clone().into_owned(), right.clone().into_owned()))
            .collect(),
        unknown,
        fuse_unknown: model.fuse_unk,
        byte_fallback: model.byte_fallback,
        whole_pieces: model.ignore_merges,
    }
}

/// Tokens in the order of their ids, and those that a byte-level model can only have as added tokens.
#[allow(clippy::type_complexity)]
fn tokens_by_id(
    vocab: &[(Cow<'_, str>, u32)],
    byte_level: bool,
) -> Result<(Tokens, Vec<(u32, String)>), VocabularyError> {
    // Of no tokens, one that nothing is spelled with.
    let greatest = vocab.iter().map(|(_, id)| *id).max().unwrap_or(0) as usize;
    if greatest > vocab.len() * 2 + (1 << 16) {
        return error(format!("token id {greatest} is far beyond the {} tokens of the vocabulary", vocab.len()));
    }
    let mut by_id: Vec<Option<&str>> = vec![None; greatest + 1];
    for (token, id) in vocab {
        if let Some(first) = by_id[*id as usize] {
            return error(format!("tokens {first:?} and {token:?} have the same id, {id}"));
        }
        by_id[*id as usize] = Some(token);
    }
    let mut tokens = Tokens::default();
    let mut loose = Vec::new();
    let mut bytes = Vec::new();
    for (id, token) in by_id.iter().enumerate() {
        bytes.clear();
        match token {
            Some(token) if !byte_level => tokens.push(token.as_bytes()),
            Some(token) if byte_alphabet::decode(token, &mut bytes) => tokens.push(&bytes),
            Some(token) => {
                tokens.push(b"");
                loose.push((id as u32, (*token).to_owned()));
            }
            None => tokens.push(b""),
        }
    }
    Ok((tokens, loose))
}

fn merges_by_id(
    model: &Model<'_>,
    ids: &FxHashMap<&str, u32>,
    tokens: &Tokens,
    byte_level: bool,
) -> Result<Vec<[u32; 2]>, VocabularyError> {
    let mut merges = Vec::with_capacity(model.merges().len());
    for (rank, (left, right)) in model.merges().iter().enumerate() {
        let find = |token: &str| match ids.get(token) {
            Some(&id) if !byte_level || tokens.get(id).is_some() => Ok(id),
            _ => {
                error(format!("merge {rank} ({left:?} with {right:?}) names {token:?}, which is not in the vocabulary"))
            }
        };
        merges.push([find(left)?, find(right)?]);
    }
    Ok(merges)
}
