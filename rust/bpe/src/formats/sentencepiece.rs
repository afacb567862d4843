//! SentencePiece `.model` files of type BPE (Llama 2, Mistral v1 to v3): a protobuf of pieces with scores.
//!
//! Two adjacent pieces merge if together they are a piece; the greatest score first, then the leftmost. A normalization table
//! is followed as SentencePiece follows it.

use crate::special::AddedToken;
use crate::tokenizer::{Charsmap, Decoder, Parts, Rules, Template};
use crate::vocabulary::{Merges, Symbols, Tokens, Vocabulary, VocabularyError};
use crate::{pretokenize::Pretokenizer, tokenizer::JsonParts};
use rustc_hash::FxHashMap;

const SPACE: &str = "\u{2581}";

/// One field of a protobuf message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message in order; `None` where it is damaged.
fn fields(mut message: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    fn varint(message: &mut &[u8]) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = message.split_first()?;
            *message = rest;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
    let mut all = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let field = match key & 7 {
            0 => Field::Number(varint(&mut message)?),
            wire @ (1 | 5) => {
                let (bytes, rest) = message.split_at_checked(if wire == 1 { 8 } else { 4 })?;
                message = rest;
                let mut wide = [0; 8];
                wide[..bytes.len()].copy_from_slice(bytes);
                Field::Number(u64::from_le_bytes(wide))
            }
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                let (bytes, rest) = message.split_at_checked(length)?;
                message = rest;
                Field::Bytes(bytes)
            }
            _ => return None,
        };
        all.push((key >> 3, field));
    }
    Some(all)
}

const UNKNOWN: u64 = 2;
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;
const UNUSED: u64 = 5;
const BYTE: u64 = 6;

struct Piece {
    text: String,
    score: f32,
    kind: u64,
}

/// Whether a file looks like one: its first field is a piece.
pub fn is_model(file: &[u8]) -> bool {
    file.first() == Some(&0x0A) && fields(file).is_some()
}

fn piece(message: &[u8]) -> Option<Piece> {
    let mut piece = Piece { text: String::new(), score: 0.0, kind: 1 };
    for (number, field) in fields(message)? {
        match (number, field) {
            (1, Field::Bytes(text)) => piece.text = std::str::from_utf8(text).ok()?.to_owned(),
            (2, Field::Number(score)) => piece.score = f32::from_bits(score as u32),
            (3, Field::Number(kind)) => piece.kind = kind,
            _ => {}
        }
    }
    Some(piece)
}

struct Model {
    pieces: Vec<Piece>,
    kind: u64,
    bos: u64,
    charsmap: Option<Vec<u8>>,
    denormalizes: bool,
    suffix: bool,
    unknown_surface: String,
    prefix: bool,
    remove_extra: bool,
    escape: bool,
}

fn parse(file: &[u8]) -> Option<Model> {
    let mut model = Model {
        pieces: Vec::new(),
        kind: 1,
        bos: 1,
        charsmap: None,
        denormalizes: false,
        suffix: false,
        unknown_surface: " \u{2047} ".to_owned(),
        prefix: true,
        remove_extra: true,
        escape: true,
    };
    for (number, field) in fields(file)? {
        let Field::Bytes(message) = field else { continue };
        match number {
            1 => model.pieces.push(piece(message)?),
            2 => {
                for (number, field) in fields(message)? {
                    match (number, field) {
                        (3, Field::Number(kind)) => model.kind = kind,
                        (24, Field::Number(flag)) => model.suffix = flag != 0,
                        (41, Field::Number(bos)) => model.bos = bos,
                        (44, Field::Bytes(text)) => model.unknown_surface = std::str::from_utf8(text).ok()?.to_owned(),
                        _ => {}
                    }
                }
            }
            3 => {
                for (number, field) in fields(message)? {
                    match (number, field) {
                        (2, Field::Bytes(map)) => model.charsmap = (!map.is_empty()).then(|| map.to_vec()),
                        (3, Field::Number(flag)) => model.prefix = flag != 0,
                        (4, Field::Number(flag)) => model.remove_extra = flag != 0,
                        (5, Field::Number(flag)) => model.escape = flag != 0,
                        _ => {}
                    }
                }
            }
            5 => {
                let map = |(number, field): (u64, Field<'_>)| matches!((number, field), (2, Field::Bytes(map)) if !map.is_empty());
                model.denormalizes = fields(message)?.into_iter().any(map);
            }
            _ => {}
        }
    }
    Some(model)
}

pub fn read(file: &[u8]) -> Result<Parts, VocabularyError> {
    let error = |message: String| Err(VocabularyError(message));
    let Some(model) = parse(file) else {
        return error("the SentencePiece model is damaged: it does not end where its fields do".to_owned());
    };
    if model.kind != 2 {
        let kind = ["unknown", "Unigram", "BPE", "word", "character"].get(model.kind as usize).unwrap_or(&"unknown");
        return error(format!(
            "the SentencePiece model is of type {kind}, and tokenfoundry reads BPE only; use the `sentencepiece` package for it"
        ));
    }
    for (says, what) in
        [(model.suffix, "treats white space as a suffix"), (model.denormalizes, "has a denormalization table")]
    {
        if says {
            return error(format!(
                "the SentencePiece model {what}, which tokenfoundry does not read; use the `sentencepiece` package for it"
            ));
        }
    }
    let mut tokens = Tokens::default();
    let mut decoder = Decoder { keeps_characters: true, strip_start: usize::from(model.prefix), ..Decoder::default() };
    let mut added = Vec::new();
    let mut unknown = None;
    let mut ids: FxHashMap<&str, u32> = FxHashMap::default();
    for (id, piece) in model.pieces.iter().enumerate() {
        let id = id as u32;
        if piece.text.is_empty() {
            return error(format!("piece {id} of the SentencePiece model is empty"));
        }
        if let Some(first) = ids.insert(&piece.text, id) {
            return error(format!("piece {:?} has two ids, {first} and {id}", piece.text));
        }
        let byte = piece.text.strip_prefix("<0x").and_then(|rest| u8::from_str_radix(rest.strip_suffix('>')?, 16).ok());
        // Control pieces are no text; they keep their place by their name.
        tokens.push(if piece.kind == UNUSED { b"" } else { piece.text.as_bytes() });
        decoder.is_byte.push(piece.kind == BYTE);
        match (piece.kind, byte) {
            (BYTE, Some(byte)) => decoder.pieces.push(&[byte]),
            (BYTE, None) => {
                return error(format!("byte piece {id} of the SentencePiece model is named {:?}", piece.text));
            }
            (UNKNOWN, _) => {
                unknown = Some(id);
                decoder.pieces.push(model.unknown_surface.as_bytes());
            }
            _ => decoder.pieces.push(piece.text.replace(SPACE, " ").as_bytes()),
        }
        match piece.kind {
            UNKNOWN | CONTROL => added.push(AddedToken::special(piece.text.clone(), id)),
            USER_DEFINED => added.push(AddedToken {
                normalized: true,
                special: false,
                ..AddedToken::special(piece.text.clone(), id)
            }),
            _ => {}
        }
    }
    let mut by_score: Vec<u32> =
        (0..model.pieces.len() as u32).filter(|&id| model.pieces[id as usize].kind == 1).collect();
    by_score.sort_by(|&a, &b| {
        let score = |id: u32| model.pieces[id as usize].score;
        score(b).total_cmp(&score(a)).then(a.cmp(&b))
    });
    let mut merges = Vec::new();
    for id in by_score {
        let text = model.pieces[id as usize].text.as_str();
        for (at, _) in text.char_indices().skip(1) {
            let part = |text: &str| ids.get(text).copied().filter(|&id| model.pieces[id as usize].kind == 1);
            if let (Some(left), Some(right)) = (part(&text[..at]), part(&text[at..])) {
                merges.push([left, right]);
            }
        }
    }
    let table = match model.charsmap.as_deref().map(Charsmap::new) {
        Some(Ok(table)) => Some(table),
        Some(Err(problem)) => {
            return error(format!("the normalization table of the SentencePiece model is damaged: {problem}"));
        }
        None => None,
    };
    let kept = model.pieces.iter().filter(|piece| piece.kind == USER_DEFINED).map(|piece| piece.text.clone()).collect();
    let rules = Rules { table, prefix: model.prefix, remove_extra: model.remove_extra, escape: model.escape, kept };
    let normalizers = rules.normalizers();
    let has_bytes = model.pieces.iter().any(|piece| piece.kind == BYTE);
    let bos = model.pieces.get(model.bos as usize).filter(|piece| piece.kind == CONTROL).map(|_| model.bos as u32);
    Ok(Parts {
        vocabulary: Vocabulary {
            tokens,
            merges: Merges::Listed(merges),
            symbols: if has_bytes { Symbols::CharactersOrBytes } else { Symbols::Characters },
            whole_pieces: false,
            unknown,
            fuse_unknown: true,
        },
        pretokenizer: Pretokenizer::default(),
        normalizers,
        late_normalizers: Vec::new(),
        general: None,
        marks: None,
        added,
        template: Template { before: bos.into_iter().collect(), after: Vec::new() },
        decoder,
        finds_special: false,
        json: JsonParts::sentencepiece(&rules, bos.map(|bos| (bos, model.pieces[bos as usize].text.as_str()))),
    })
}
