//! Mistral's tekken.json: ranks of byte tokens behind a block of special tokens, and a pattern.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::pretokenize::Pretokenizer;
use crate::special::AddedToken;
use crate::tokenizer::{Parts, Template, bos_template};
use crate::vocabulary::{Tokens, Vocabulary, VocabularyError};

#[derive(Deserialize)]
struct File {
    config: Config,
    vocab: Vec<Token>,
    #[serde(default)]
    special_tokens: Option<Vec<Special>>,
}

#[derive(Deserialize)]
struct Config {
    pattern: String,
    default_vocab_size: usize,
    default_num_special_tokens: usize,
}

#[derive(Deserialize)]
struct Token {
    rank: usize,
    token_bytes: String,
}

#[derive(Deserialize)]
struct Special {
    rank: u32,
    token_str: String,
}

/// The special tokens of files that list none (before 2025), in the order of their ids.
const SPECIAL: [&str; 20] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
];

/// Whether a JSON file is one: its keys, not its name.
pub fn is_tekken(file: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Keys {
        config: Option<serde::de::IgnoredAny>,
        vocab: Option<serde::de::IgnoredAny>,
    }
    // A tokenizer.json has no such keys; most are told apart by their first bytes without a parse of the whole.
    let head = &file[..file.len().min(4096)];
    let mentions = |key: &[u8]| head.windows(key.len()).any(|window| window == key);
    !mentions(b"\"added_tokens\"")
        && (mentions(b"\"default_num_special_tokens\"") || mentions(b"\"config\""))
        && serde_json::from_slice::<Keys>(file).is_ok_and(|keys| keys.config.is_some() && keys.vocab.is_some())
}

pub fn read(file: &[u8]) -> Result<Parts, VocabularyError> {
    let file: File = serde_json::from_slice(file)
        .map_err(|problem| VocabularyError(format!("the tekken.json cannot be read: {problem}")))?;
    let first = file.config.default_num_special_tokens;
    if first > 1 << 20 {
        return Err(VocabularyError(format!("{first} special tokens are more than a tekken.json can have")));
    }
    let Some(ordinary) = file.config.default_vocab_size.checked_sub(first) else {
        return Err(VocabularyError(format!(
            "the tekken.json has a vocabulary of {} tokens, of which {first} are special",
            file.config.default_vocab_size
        )));
    };
    if file.vocab.len() < ordinary {
        return Err(VocabularyError(format!(
            "the tekken.json lists {} tokens and says that it has {ordinary}; it is cut off",
            file.vocab.len()
        )));
    }
    let mut tokens = Tokens::from_ordered((0..first).map(|_| b""));
    for (position, token) in file.vocab.iter().take(ordinary).enumerate() {
        if token.rank != position {
            return Err(VocabularyError(format!(
                "token {position} of the tekken.json has rank {}; they must count up",
                token.rank
            )));
        }
        let bytes = STANDARD.decode(&token.token_bytes).ok().filter(|bytes| !bytes.is_empty());
        match bytes {
            Some(bytes) => tokens.push(&bytes),
            None => {
                return Err(VocabularyError(format!(
                    "token {position} of the tekken.json is not base64 of a token: {:?}",
                    token.token_bytes
                )));
            }
        }
    }
    let mut names: Vec<String> = (0..first).map(|id| format!("<SPECIAL_{id}>")).collect();
    match &file.special_tokens {
        Some(listed) => {
            for special in listed {
                if let Some(name) = names.get_mut(special.rank as usize) {
                    name.clone_from(&special.token_str);
                }
            }
        }
        None => {
            for (name, known) in names.iter_mut().zip(SPECIAL) {
                known.clone_into(name);
            }
        }
    }
    let added: Vec<AddedToken> =
        names.into_iter().enumerate().map(|(id, name)| AddedToken::special(name, id as u32)).collect();
    let bos = added.iter().find(|token| token.content == "<s>").map(|token| token.id);
    let pretokenizer = Pretokenizer::from_pattern(&file.config.pattern)?;
    let mut parts = Parts::byte_level(Vocabulary::from_ranks(tokens), pretokenizer, added);
    parts.json.post_processor = bos.map_or(serde_json::Value::Null, |bos| bos_template(bos, "<s>"));
    parts.template = Template { before: bos.into_iter().collect(), after: Vec::new() };
    Ok(parts)
}
