//! Which patterns have a hand-written scanner, by name and by the exact text that vocabularies carry.

use super::step::{Behaviour, Step};

/// The hand-written scanners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Gpt2,
    /// cl100k as tiktoken writes it: white space at the end of the text is one piece.
    Cl100k,
    /// cl100k as everybody else writes it.
    Llama3,
    Qwen2,
    Qwen35,
    O200k,
    Tekken,
    DeepSeek,
}

const GPT2: &str = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s";
const GPT2_FIRST: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const GPT2_BRACKETS: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const CL100K: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";
/// [`CL100K`] in words that Oniguruma reads the same way: there, `{1,3}+` repeats and `$` is the end of a line.
const CL100K_PORTABLE: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+\z|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Kimi K2: o200k with runs of Han by themselves. It has no scanner of its own.
const KIMI: &str = r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// DeepSeek V3's three splits, in order.
pub const DEEPSEEK: [&str; 3] = [
    r"\p{N}{1,3}",
    "[一-龥\u{3040}-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
];

/// Names that `pattern=` takes, with the regex that each stands for.
pub const PATTERNS: &[(&str, &str)] = &[
    ("gpt2", GPT2),
    ("r50k", GPT2),
    ("p50k", GPT2),
    ("cl100k", CL100K_PORTABLE),
    ("cl100k_tiktoken", CL100K_PORTABLE),
    ("o200k", O200K),
    ("llama3", LLAMA3),
    ("llama4", O200K),
    ("qwen2", QWEN2),
    ("qwen3", QWEN2),
    ("qwen3.5", QWEN35),
    ("qwen3.6", QWEN35),
    ("tekken", TEKKEN),
    ("kimi", KIMI),
];

/// The regex of a name; `deepseek_v3`, a chain of three, has none.
pub fn pattern_by_name(name: &str) -> Option<&'static str> {
    let plain = name.strip_suffix("_base").unwrap_or(name);
    PATTERNS.iter().find(|(known, _)| *known == plain).map(|(_, regex)| *regex)
}

impl Known {
    /// The regexes of the splits that it stands for.
    pub fn regexes(self) -> &'static [&'static str] {
        match self {
            Self::Gpt2 => &[GPT2_FIRST],
            Self::Cl100k => &[CL100K_PORTABLE],
            Self::Llama3 => &[LLAMA3],
            Self::Qwen2 => &[QWEN2],
            Self::Qwen35 => &[QWEN35],
            Self::O200k => &[O200K],
            Self::Tekken => &[TEKKEN],
            Self::DeepSeek => &DEEPSEEK,
        }
    }

    /// By the exact text of a regex that matches every character, so that finding and splitting are the same.
    pub fn from_regex(regex: &str) -> Option<Self> {
        // tokenizer.json files write the line ends as themselves or as escapes.
        let escaped = regex.replace('\r', r"\r").replace('\n', r"\n");
        let table = [
            (GPT2, Self::Gpt2),
            (GPT2_FIRST, Self::Gpt2),
            (GPT2_BRACKETS, Self::Gpt2),
            (CL100K, Self::Cl100k),
            (CL100K_PORTABLE, Self::Cl100k),
            (LLAMA3, Self::Llama3),
            (QWEN2, Self::Qwen2),
            (QWEN35, Self::Qwen35),
            (O200K, Self::O200k),
            (TEKKEN, Self::Tekken),
        ];
        table.into_iter().find(|(known, _)| *known == escaped).map(|(_, known)| known)
    }
}

/// Replace steps by the scanner that does the same.
pub fn recognised(steps: Vec<Step>) -> Vec<Step> {
    let deepseek = steps.len() == 3
        && steps.iter().zip(DEEPSEEK).all(|(step, wanted)| match step {
            Step::Split { source, behaviour: Behaviour::Isolated, invert: false, .. } => source == wanted,
            _ => false,
        });
    if deepseek {
        return vec![Step::Known(Known::DeepSeek)];
    }
    let replaced = |step: Step| match &step {
        Step::Find { source, .. } => Known::from_regex(source).map_or(step, Step::Known),
        // Every character is matched, so isolating and removing the gaps differ in nothing.
        Step::Split { source, behaviour, invert, .. }
            if matches!((behaviour, invert), (Behaviour::Isolated, _) | (Behaviour::Removed, true)) =>
        {
            Known::from_regex(source).map_or(step, Step::Known)
        }
        _ => step,
    };
    // Keeping what a pattern does not not-match is finding it.
    let found = |step: Step| match step {
        Step::Split { source, regex, behaviour: Behaviour::Removed, invert: true } => Step::Find { source, regex },
        other => other,
    };
    steps.into_iter().map(replaced).map(found).collect()
}
