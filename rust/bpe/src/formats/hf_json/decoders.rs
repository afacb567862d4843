//! The decoder of a tokenizer.json: worked out token by token where it can be, else kept as a chain of steps.

use serde_json::Value;

use super::onig::translated;
use super::parts::{error, fields, flag, list, pattern, text, unread};
use crate::byte_alphabet;
use crate::tokenizer::{Chain, Decoder, DecoderStep, Normalizer, Pattern, byte_token, replace};
use crate::vocabulary::{Tokens, VocabularyError};

const PART: &str = "decoder";

/// `texts` are all tokens, added ones too, as the file spells them.
pub fn decoder(value: Option<&Value>, texts: Tokens, byte_level: bool) -> Result<Decoder, VocabularyError> {
    let mut steps = Vec::new();
    collect(value, &mut steps)?;
    if fields(value, PART)?.is_none() {
        steps.push(DecoderStep::JoinWithSpaces);
    }
    // Not where Fuse comes first: then one character that is no byte leaves all of the text as it is spelled.
    if let [DecoderStep::ByteLevel] | [DecoderStep::ByteLevel, DecoderStep::Fuse] = steps.as_slice() {
        let pieces = byte_level_pieces(&texts);
        return Ok(Decoder { pieces, ..Decoder::default() });
    }
    if let Some(decoder) = token_by_token(&steps, &texts) {
        return Ok(decoder);
    }
    let pieces = if byte_level { byte_level_pieces(&texts) } else { texts.clone() };
    Ok(Decoder { pieces, chain: Some(Chain { steps, texts }), ..Decoder::default() })
}

fn byte_level_pieces(texts: &Tokens) -> Tokens {
    let mut pieces = Tokens::with_capacity(texts.len(), texts.total_bytes());
    let mut bytes = Vec::new();
    for id in 0..texts.len() as u32 {
        let text = texts.get(id).unwrap_or(b"");
        bytes.clear();
        let spelled = std::str::from_utf8(text).is_ok_and(|text| byte_alphabet::decode(text, &mut bytes));
        pieces.push(if spelled { &bytes } else { text });
    }
    pieces
}

/// Replace, ByteFallback, Fuse, Strip of leading spaces, each of them or not: what Llama 2, Mistral and Gemma have.
fn token_by_token(steps: &[DecoderStep], texts: &Tokens) -> Option<Decoder> {
    let replaces = steps.iter().take_while(|step| matches!(step, DecoderStep::Replace { .. })).count();
    let (replaces, rest) = steps.split_at(replaces);
    let (byte_fallback, rest) = match rest {
        [DecoderStep::ByteFallback, rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let strip_start = match rest {
        [] | [DecoderStep::Fuse] => 0,
        [DecoderStep::Fuse, DecoderStep::Strip { content: ' ', start, stop: 0 }] => *start,
        _ => return None,
    };
    let mut decoder = Decoder { strip_start, ..Decoder::default() };
    for id in 0..texts.len() as u32 {
        let Some(text) = texts.get(id) else {
            decoder.pieces.push(b"");
            decoder.is_byte.push(false);
            continue;
        };
        let mut piece = String::from_utf8_lossy(text);
        for step in replaces {
            if let DecoderStep::Replace { pattern, content } = step
                && !matches!(pattern, Pattern::Literal(literal) if !piece.contains(literal.as_str()))
            {
                piece = replace(pattern, content, &piece).into();
            }
        }
        let byte = byte_token(&piece).filter(|_| byte_fallback);
        match byte {
            Some(byte) => decoder.pieces.push(&[byte]),
            // In the table an empty piece is a hole.
            None if piece.is_empty() => return None,
            None => decoder.pieces.push(piece.as_bytes()),
        }
        decoder.is_byte.push(byte.is_some());
    }
    if !byte_fallback && strip_start == 0 {
        decoder.is_byte.clear();
    }
    Some(decoder)
}

fn collect(value: Option<&Value>, steps: &mut Vec<DecoderStep>) -> Result<(), VocabularyError> {
    let Some((kind, fields)) = fields(value, PART)? else { return Ok(()) };
    let count = |name: &str| fields.get(name).and_then(Value::as_u64).unwrap_or(0) as usize;
    let word = |name: &str, default: &str| fields.get(name).and_then(Value::as_str).unwrap_or(default).to_owned();
    steps.push(match kind {
        "Sequence" => {
            for one in list(fields, "decoders", PART)? {
                collect(Some(one), steps)?;
            }
            return Ok(());
        }
        "ByteLevel" => DecoderStep::ByteLevel,
        "ByteFallback" => DecoderStep::ByteFallback,
        "Fuse" => DecoderStep::Fuse,
        "Replace" => {
            let content = text(fields, "content", PART)?;
            let (source, is_regex) = pattern(fields, PART)?;
            let normalizer = if is_regex {
                Normalizer::replace_regex(&translated(source), content)?
            } else {
                Normalizer::replace_literal(source, content)
            };
            let Normalizer::Replace { pattern, content, .. } = normalizer else { return unread(PART, kind) };
            DecoderStep::Replace { pattern, content }
        }
        "Strip" => {
            let mut characters = text(fields, "content", PART)?.chars();
            match (characters.next(), characters.next()) {
                (Some(content), None) => DecoderStep::Strip { content, start: count("start"), stop: count("stop") },
                _ => return error("the Strip decoder of the tokenizer.json strips more or less than one character"),
            }
        }
        "Metaspace" => {
            let replacement = word("replacement", "\u{2581}");
            let Some(replacement) = replacement.chars().next() else {
                return error("the Metaspace decoder of the tokenizer.json has no replacement");
            };
            let scheme = fields.get("prepend_scheme").and_then(Value::as_str);
            let never = scheme == Some("never") || (scheme.is_none() && !flag(fields, "add_prefix_space", true));
            DecoderStep::Metaspace { replacement, drops_first: !never }
        }
        "WordPiece" => DecoderStep::WordPiece { prefix: word("prefix", "##"), cleanup: flag(fields, "cleanup", true) },
        "BPEDecoder" => DecoderStep::Suffix(word("suffix", "</w>")),
        "CTC" => DecoderStep::Ctc {
            pad: word("pad_token", "<pad>"),
            delimiter: word("word_delimiter_token", "|"),
            cleanup: flag(fields, "cleanup", true),
        },
        other => return unread(PART, other),
    });
    Ok(())
}
