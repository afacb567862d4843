//! The choices in which the public patterns differ, and the patterns by name.

/// How a run of letters is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letters {
    /// ` ?\p{L}+`
    AfterSpace,
    /// `[^\r\n\p{L}\p{N}]?\p{L}+`
    AfterAny,
    /// o200k's two alternatives: lower-case tails and upper-case runs are words of their own.
    ByCase,
}

/// Where `'s`, `'ll` … are pieces or parts of pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contractions {
    /// First alternative, lower case only.
    Lower,
    /// First alternative, `(?i:…)`, in which ſ is an s.
    AnyCase,
    /// Part of the word before them.
    InWord,
}

/// One member of the family of public patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub contractions: Contractions,
    pub letters: Letters,
    /// Digits in one piece; `usize::MAX` for `\p{N}+`.
    pub number_length: usize,
    /// GPT-2 alone lets a space lead a number.
    pub space_before_number: bool,
    /// Newlines (and for o200k slashes) that a run of punctuation takes along.
    pub punctuation_takes_newlines: bool,
    pub punctuation_takes_slashes: bool,
    /// `\s*[\r\n]+`: white space up to its last newline is a piece.
    pub newline_rule: bool,
    /// `\s++$` before the newline rule: white space at the end of the text is one piece.
    pub trailing_space_rule: bool,
}

const GPT2: &str = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const GPT2_HUGGING_FACE: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const GPT2_POSSESSIVE: &str = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s";
const CL100K: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const CL100K_TIKTOKEN: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const NAMES: [(&str, &str); 10] = [
    ("gpt2", GPT2),
    ("r50k", GPT2),
    ("p50k", GPT2),
    ("cl100k", CL100K),
    ("cl100k_tiktoken", CL100K_TIKTOKEN),
    ("llama3", CL100K),
    ("qwen2", QWEN2),
    ("qwen2.5", QWEN2),
    ("qwen3", QWEN2),
    ("o200k", O200K),
];

/// The regular expression of a pattern's short name.
pub fn named(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, regex)| *regex)
}

impl Rules {
    const GPT2_RULES: Self = Self {
        contractions: Contractions::Lower,
        letters: Letters::AfterSpace,
        number_length: usize::MAX,
        space_before_number: true,
        punctuation_takes_newlines: false,
        punctuation_takes_slashes: false,
        newline_rule: false,
        trailing_space_rule: false,
    };

    const CL100K_RULES: Self = Self {
        contractions: Contractions::AnyCase,
        letters: Letters::AfterAny,
        number_length: 3,
        space_before_number: false,
        punctuation_takes_newlines: true,
        punctuation_takes_slashes: false,
        newline_rule: true,
        trailing_space_rule: false,
    };

    /// The rules of a pattern that is, letter for letter, one of the public ones.
    pub fn recognise(regex: &str) -> Option<Self> {
        match regex {
            // `\s++$` changes nothing where no newline rule precedes it.
            GPT2 | GPT2_HUGGING_FACE | GPT2_POSSESSIVE => Some(Self::GPT2_RULES),
            CL100K => Some(Self::CL100K_RULES),
            CL100K_TIKTOKEN => Some(Self { trailing_space_rule: true, ..Self::CL100K_RULES }),
            QWEN2 => Some(Self { number_length: 1, ..Self::CL100K_RULES }),
            O200K => Some(Self {
                contractions: Contractions::InWord,
                letters: Letters::ByCase,
                punctuation_takes_slashes: true,
                ..Self::CL100K_RULES
            }),
            _ => None,
        }
    }
}
