//! Rank files: a line for each token, its bytes in base64 and its rank, as tiktoken, Qwen, Llama 3 and 4 and Kimi have them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::vocabulary::{Tokens, Vocabulary, VocabularyError};

/// Whether a file looks like one: its first line is base64, a space, and a number.
pub fn is_rank_file(file: &[u8]) -> bool {
    let line = file.split(|&byte| byte == b'\n').next().unwrap_or(b"");
    line.len() < 1 << 16 && parse_line(line, &mut Vec::new()).is_some()
}

fn parse_line(line: &[u8], token: &mut Vec<u8>) -> Option<u32> {
    let space = line.iter().rposition(|&byte| byte == b' ')?;
    let digits = line[space + 1..].trim_ascii_end();
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    let mut rank = 0u32;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        rank = rank * 10 + (digit - b'0') as u32;
    }
    token.clear();
    STANDARD.decode_vec(&line[..space], token).ok()?;
    Some(rank)
}

pub fn read(file: &[u8]) -> Result<Vocabulary, VocabularyError> {
    let mut ranked: Vec<(u32, u32, u32)> = Vec::with_capacity(file.len() / 16);
    let mut bytes: Vec<u8> = Vec::with_capacity(file.len() / 2);
    let mut token = Vec::new();
    for (number, line) in file.split(|&byte| byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let Some(rank) = parse_line(line, &mut token) else {
            let shown = String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned();
            return Err(VocabularyError(format!(
                "line {} of the rank file is not base64, a space and a rank: {shown:?}; the file is damaged or of another kind",
                number + 1
            )));
        };
        // tiktoken's own files spell the empty token of some vocabularies; it can never be encoded.
        if token.is_empty() {
            continue;
        }
        ranked.push((rank, bytes.len() as u32, token.len() as u32));
        bytes.extend_from_slice(&token);
    }
    from_ranked(ranked, &bytes)
}

/// Tokens as (rank, start, length) of `bytes`, in any order.
fn from_ranked(mut ranked: Vec<(u32, u32, u32)>, bytes: &[u8]) -> Result<Vocabulary, VocabularyError> {
    if !ranked.is_sorted() {
        ranked.sort_unstable();
    }
    let mut tokens = Tokens::default();
    for &(rank, start, length) in &ranked {
        if (rank as usize) < tokens.len() {
            return Err(VocabularyError(format!(
                "rank {rank} stands twice in the rank file; each token needs its own"
            )));
        }
        if rank as usize > ranked.len() * 2 + (1 << 16) {
            return Err(VocabularyError(format!(
                "rank {rank} is far beyond the {} tokens of the rank file; the file is damaged",
                ranked.len()
            )));
        }
        while tokens.len() < rank as usize {
            tokens.push(b"");
        }
        tokens.push(&bytes[start as usize..(start + length) as usize]);
    }
    Ok(Vocabulary::from_ranks(tokens))
}

/// From a mapping of token bytes to ranks.
pub fn from_pairs(pairs: &[(Vec<u8>, u32)]) -> Result<Vocabulary, VocabularyError> {
    let mut bytes = Vec::new();
    let mut ranked = Vec::with_capacity(pairs.len());
    for (token, rank) in pairs {
        ranked.push((*rank, bytes.len() as u32, token.len() as u32));
        bytes.extend_from_slice(token);
    }
    from_ranked(ranked, &bytes)
}
