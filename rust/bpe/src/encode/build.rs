//! From a vocabulary to the tables of the encoder.
//!
//! Symbols are numbered so that the number is the priority: first the symbols that a text starts as (bytes, or
//! characters), then one for each merge in order. Of all the ways to spell a token only one is ever reached: the merges
//! inside a token's span happen as if the token stood alone, so the pair that merges into it is what encoding the
//! token's own bytes ends with before the last merge. That pair is kept and the others are dropped, which changes no
//! encoding; tokens are visited from short to long so that their parts come first. A token whose own bytes do not end
//! in such a pair is reached by no merge at all.

use rustc_hash::FxHashMap;

use super::merge::{SHORT, merge_bytes, merge_long, merge_short};
use super::pairs::{MAX_SYMBOLS, NONE, Pairs};
use super::pieces::Pieces;
use super::symbols::Start;
use super::{Encoder, split::Splits};
use crate::vocabulary::{Merges, Symbols, Tokens, Vocabulary, VocabularyError};

/// How a message shows a token: as text where it is one.
pub fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("b\"{}\"", bytes.escape_ascii()),
    }
}

fn error<T>(message: String) -> Result<T, VocabularyError> {
    Err(VocabularyError(message))
}

/// All tokens by their bytes; an error names two ids of the same bytes.
fn index_tokens(tokens: &Tokens) -> Result<Pieces, VocabularyError> {
    let mut pieces = Pieces::with_capacity(tokens.len());
    for (id, bytes) in tokens.iter() {
        if let Err(first) = pieces.insert(tokens, id) {
            return error(format!(
                "token {} has two ids, {first} and {id}; a vocabulary maps each token to one",
                shown(bytes)
            ));
        }
    }
    Ok(pieces)
}

/// Listed merges by the ids of their two tokens: the last listed wins, as in `tokenizers`.
fn index_merges(
    listed: &[[u32; 2]],
    tokens: &Tokens,
    by_bytes: &Pieces,
) -> Result<(FxHashMap<u64, u32>, Vec<u32>), VocabularyError> {
    let mut results = Vec::with_capacity(listed.len());
    let mut by_pair = FxHashMap::with_capacity_and_hasher(listed.len(), Default::default());
    let mut joined = Vec::new();
    for (rank, &[left, right]) in listed.iter().enumerate() {
        let (Some(left_bytes), Some(right_bytes)) = (tokens.get(left), tokens.get(right)) else {
            return error(format!("merge {rank} names token {left} or {right}, which the vocabulary does not have"));
        };
        joined.clear();
        joined.extend_from_slice(left_bytes);
        joined.extend_from_slice(right_bytes);
        let Some(result) = by_bytes.get(tokens, &joined) else {
            return error(format!(
                "merge {rank} makes {} of {} and {}, but the vocabulary has no such token",
                shown(&joined),
                shown(left_bytes),
                shown(right_bytes)
            ));
        };
        results.push(result);
        by_pair.insert((left as u64) << 32 | right as u64, rank as u32);
    }
    Ok((by_pair, results))
}

pub fn build(vocabulary: Vocabulary) -> Result<Encoder, VocabularyError> {
    let Vocabulary { tokens, merges, symbols, whole_pieces, unknown, fuse_unknown } = vocabulary;
    if tokens.is_empty() {
        return error("the vocabulary has no tokens".to_owned());
    }
    let by_bytes = index_tokens(&tokens)?;
    let mut start = match symbols {
        Symbols::Bytes => Start::bytes(&tokens, &by_bytes),
        Symbols::Characters | Symbols::CharactersOrBytes => {
            Start::characters(&tokens, &by_bytes, symbols == Symbols::CharactersOrBytes)
        }
    };
    if let (Merges::ByRank, Start::Bytes(bytes)) = (&merges, &start)
        && let Some(missing) = bytes.to_token.iter().position(|&token| token == NONE)
    {
        return error(format!("the vocabulary cannot spell itself: byte 0x{missing:02X} has no token"));
    }
    if let Some(unknown) = unknown
        && tokens.get(unknown).is_none()
    {
        return error(format!("the unknown token has id {unknown}, which the vocabulary does not have"));
    }
    let first_merge = start.count();
    let (by_pair, results) = match &merges {
        Merges::ByRank => (FxHashMap::default(), Vec::new()),
        Merges::Listed(listed) => index_merges(listed, &tokens, &by_bytes)?,
    };
    let merge_count = if let Merges::Listed(listed) = &merges { listed.len() } else { tokens.len() };
    if first_merge as usize + merge_count > MAX_SYMBOLS {
        return error(format!("{merge_count} merges are more than the {MAX_SYMBOLS} that fit"));
    }
    let mut to_token = start.to_token();
    match &merges {
        Merges::ByRank => to_token.extend(0..tokens.len() as u32),
        Merges::Listed(_) => to_token.extend_from_slice(&results),
    }

    // Counting sort of the tokens by length; the parts of a token are shorter than it is.
    let longest = tokens.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0);
    let mut starts = vec![0u32; longest + 2];
    for (_, bytes) in tokens.iter() {
        starts[bytes.len() + 1] += 1;
    }
    for length in 1..starts.len() {
        starts[length] += starts[length - 1];
    }
    let mut by_length = vec![0u32; starts[longest + 1] as usize];
    for (id, bytes) in tokens.iter() {
        by_length[starts[bytes.len()] as usize] = id;
        starts[bytes.len()] += 1;
    }

    let mut pairs = Pairs::with_capacity(tokens.len());
    let mut splits = Splits::with_capacity(first_merge as usize + merge_count);
    // The symbol of each token that merges reach, or that a text starts as.
    let mut symbol_of = vec![NONE; tokens.len()];
    for symbol in 0..first_merge {
        let token = to_token[symbol as usize];
        if token != NONE {
            symbol_of[token as usize] = symbol;
        }
    }
    let mut spelled: Vec<u32> = Vec::with_capacity(longest);
    let mut ranks = [0u32; SHORT];
    for id in by_length {
        let Some(bytes) = tokens.get(id) else { continue };
        spelled.clear();
        if !start.spell_token(bytes, &mut spelled) || spelled.len() < 2 {
            continue;
        }
        let count = if matches!(start, Start::Bytes(_)) && bytes.len() <= SHORT {
            merge_bytes(&pairs, bytes, &mut spelled, &mut ranks)
        } else if spelled.len() <= SHORT {
            merge_short(&pairs, &mut spelled, &mut ranks)
        } else {
            merge_long(&pairs, &mut spelled)
        };
        if count != 2 {
            continue;
        }
        let (left, right) = (spelled[0], spelled[1]);
        let rank = match &merges {
            Merges::ByRank => Some(id),
            Merges::Listed(_) => {
                let pair = (to_token[left as usize] as u64) << 32 | to_token[right as usize] as u64;
                by_pair.get(&pair).copied().filter(|&rank| results[rank as usize] == id)
            }
        };
        if let Some(rank) = rank {
            let symbol = first_merge + rank;
            pairs.insert(left, right, symbol);
            splits.set(symbol, left, right);
            symbol_of[id as usize] = symbol;
        }
    }

    let pieces = if whole_pieces {
        by_bytes
    } else {
        let mut reached = Pieces::with_capacity(tokens.len());
        for (id, bytes) in tokens.iter() {
            // A token of bytes is what `<0x41>` stands for, not its spelling.
            if symbol_of[id as usize] != NONE && !start.is_byte_token(id, bytes) {
                // The same bytes twice were refused above.
                let _ = reached.insert(&tokens, id);
            }
        }
        reached
    };
    start.finish();
    Ok(Encoder { tokens, pairs, splits, pieces, start, to_token, symbol_of, unknown, fuse_unknown, whole_pieces })
}
