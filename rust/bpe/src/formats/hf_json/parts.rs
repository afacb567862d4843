//! The parts of a tokenizer.json around its model: normalizers, pre-tokenizers, post-processors, decoders.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

use super::onig::translated;
use crate::pretokenize::{Behaviour, Known, PatternError, Pretokenizer, Step};
use crate::tokenizer::{Charsmap, General, GeneralStep, Normalizer, Rules, Template};
use crate::vocabulary::VocabularyError;

pub type Fields = Map<String, Value>;

pub fn error<T>(message: impl Into<String>) -> Result<T, VocabularyError> {
    Err(VocabularyError(message.into()))
}

impl From<PatternError> for VocabularyError {
    fn from(error: PatternError) -> Self {
        Self(error.0)
    }
}

pub fn fields<'a>(value: Option<&'a Value>, part: &str) -> Result<Option<(&'a str, &'a Fields)>, VocabularyError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(fields)) => match fields.get("type").and_then(Value::as_str) {
            Some(kind) => Ok(Some((kind, fields))),
            None => error(format!("the {part} of the tokenizer.json has no type")),
        },
        Some(_) => error(format!("the {part} of the tokenizer.json is no object")),
    }
}

pub fn unread<T>(part: &str, kind: &str) -> Result<T, VocabularyError> {
    error(format!(
        "the tokenizer.json has a {part} of type {kind}, which tokenfoundry does not read; use the `tokenizers` package for it"
    ))
}

pub fn flag(fields: &Fields, name: &str, default: bool) -> bool {
    fields.get(name).and_then(Value::as_bool).unwrap_or(default)
}

pub fn text<'a>(fields: &'a Fields, name: &str, part: &str) -> Result<&'a str, VocabularyError> {
    match fields.get(name).and_then(Value::as_str) {
        Some(text) => Ok(text),
        None => error(format!("the {part} of the tokenizer.json has no text under {name:?}")),
    }
}

pub fn list<'a>(fields: &'a Fields, name: &str, part: &str) -> Result<&'a [Value], VocabularyError> {
    match fields.get(name).and_then(Value::as_array) {
        Some(list) => Ok(list),
        None => error(format!("the {part} of the tokenizer.json has no list under {name:?}")),
    }
}

/// `{"String": …}` or `{"Regex": …}`.
pub fn pattern<'a>(fields: &'a Fields, part: &str) -> Result<(&'a str, bool), VocabularyError> {
    let pattern = fields.get("pattern");
    if let Some(literal) = pattern.and_then(|pattern| pattern.get("String")).and_then(Value::as_str) {
        return Ok((literal, false));
    }
    if let Some(regex) = pattern.and_then(|pattern| pattern.get("Regex")).and_then(Value::as_str) {
        return Ok((regex, true));
    }
    error(format!("the {part} of the tokenizer.json has neither a String nor a Regex for its pattern"))
}

/// Our own, beside the steps that come nearest in `tokenizers`: what SentencePiece does to a text.
pub const SENTENCEPIECE: &str = "sentencepiece";

fn sentencepiece_rules(value: &Value) -> Result<Normalizer, VocabularyError> {
    let flag = |name: &str| value.get(name).and_then(Value::as_bool).unwrap_or(true);
    let coded = value.get("precompiled_charsmap").and_then(Value::as_str);
    let kept = value.get("kept").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let refused = |problem: String| VocabularyError(format!("the precompiled_charsmap of the normalizer: {problem}"));
    let table = match coded {
        Some(coded) => {
            let bytes = BASE64.decode(coded).map_err(|problem| refused(problem.to_string()))?;
            Some(Charsmap::new(&bytes).map_err(refused)?)
        }
        None => None,
    };
    Ok(Normalizer::SentencePiece(Arc::new(Rules {
        table,
        prefix: flag("prefix"),
        remove_extra: flag("remove_extra"),
        escape: flag("escape"),
        kept: kept.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    })))
}

pub fn precompiled_json(table: &Charsmap) -> Value {
    serde_json::json!({"type": "Precompiled", "precompiled_charsmap": BASE64.encode(table.to_bytes())})
}

/// What is read back as `rules`.
pub fn sentencepiece_json(rules: &Rules) -> Value {
    let table = rules.table.as_ref().map(|table| BASE64.encode(table.to_bytes()));
    serde_json::json!({
        "precompiled_charsmap": table, "prefix": rules.prefix, "remove_extra": rules.remove_extra,
        "escape": rules.escape, "kept": rules.kept,
    })
}

pub fn normalizers(value: Option<&Value>) -> Result<Vec<Normalizer>, VocabularyError> {
    const PART: &str = "normalizer";
    let Some((kind, fields)) = fields(value, PART)? else { return Ok(Vec::new()) };
    Ok(match kind {
        "Sequence" if fields.contains_key(SENTENCEPIECE) => vec![sentencepiece_rules(&fields[SENTENCEPIECE])?],
        "Sequence" => {
            let mut all = Vec::new();
            for one in list(fields, "normalizers", PART)? {
                all.extend(normalizers(Some(one))?);
            }
            all
        }
        "NFC" => vec![Normalizer::Nfc],
        "NFD" => vec![Normalizer::Nfd],
        "NFKC" => vec![Normalizer::Nfkc],
        "NFKD" => vec![Normalizer::Nfkd],
        "Lowercase" => vec![Normalizer::Lowercase],
        "StripAccents" => vec![Normalizer::StripAccents],
        "Strip" => {
            vec![Normalizer::Strip { left: flag(fields, "strip_left", true), right: flag(fields, "strip_right", true) }]
        }
        "Prepend" => vec![Normalizer::Prepend(text(fields, "prepend", PART)?.to_owned())],
        "Replace" => {
            let content = text(fields, "content", PART)?;
            let (pattern, is_regex) = pattern(fields, PART)?;
            vec![if is_regex {
                Normalizer::replace_regex(&translated(pattern), content)?
            } else {
                Normalizer::replace_literal(pattern, content)
            }]
        }
        "Nmt" => vec![Normalizer::Nmt],
        "BertNormalizer" => {
            let lowercase = flag(fields, "lowercase", true);
            let mut all = Vec::new();
            if flag(fields, "clean_text", true) {
                all.push(Normalizer::Clean);
            }
            if flag(fields, "handle_chinese_chars", true) {
                all.push(Normalizer::SpaceIdeographs);
            }
            if flag(fields, "strip_accents", lowercase) {
                all.extend([Normalizer::Nfd, Normalizer::StripNonspacing]);
            }
            if lowercase {
                all.push(Normalizer::Lowercase);
            }
            all
        }
        "Precompiled" => {
            let coded = text(fields, "precompiled_charsmap", PART)?;
            let refused =
                |problem: String| VocabularyError(format!("the precompiled_charsmap of the {PART}: {problem}"));
            let bytes = BASE64.decode(coded).map_err(|problem| refused(problem.to_string()))?;
            vec![Normalizer::Precompiled(Arc::new(Charsmap::new(&bytes).map_err(refused)?))]
        }
        "ByteLevel" => vec![Normalizer::ByteLetters],
        other => return unread(PART, other),
    })
}

/// What the pre-tokenizer comes to: splits, text changes that belong before them, and whether the model sees bytes.
pub struct Splits {
    pub pretokenizer: Pretokenizer,
    pub normalizers: Vec<Normalizer>,
    pub general: Option<General>,
    pub byte_level: bool,
}

/// `marked`: the model looks at its pieces as they are spelled.
pub fn pre_tokenizer(
    value: Option<&Value>,
    normalizers: &[Normalizer],
    marked: bool,
) -> Result<Splits, VocabularyError> {
    let mut collected = Collected(Vec::new());
    collected.add(value)?;
    let mut steps = collected.0;
    let is_letters = |step: &Part| matches!(step, Part::Change(Normalizer::ByteLetters));
    let is_change = |step: &Part| matches!(step, Part::Change(_));
    let letters_before = normalizers.iter().any(|normalizer| matches!(normalizer, Normalizer::ByteLetters));
    let letters = letters_before || steps.iter().any(is_letters);
    let after_letters = steps.iter().position(is_letters).is_some_and(|at| at + 1 < steps.len());
    let ordinary = &steps[..steps.len() - usize::from(steps.last().is_some_and(is_letters))];
    let first_split = ordinary.iter().position(|step| !is_change(step)).unwrap_or(ordinary.len());
    // What the start of a text is, a normalizer may have changed.
    let asks_for_start = ordinary.iter().any(|step| matches!(step, Part::Change(Normalizer::PrefixFirst { .. })));
    let general = marked
        || letters_before
        || after_letters
        || ordinary[first_split..].iter().any(is_change)
        || (asks_for_start && !normalizers.is_empty());
    if general {
        let steps = steps.into_iter().map(|step| match step {
            Part::Split(step) => GeneralStep::split(step),
            Part::Change(change) => GeneralStep::Change(change),
        });
        return Ok(Splits {
            pretokenizer: Pretokenizer::default(),
            normalizers: Vec::new(),
            general: Some(General { steps: steps.collect(), letters: letters && !marked }),
            byte_level: letters,
        });
    }
    steps.retain(|step| !is_letters(step));
    let (mut splits, mut changes) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Part::Split(step) => splits.push(step),
            Part::Change(change) => changes.push(change),
        }
    }
    Ok(Splits {
        pretokenizer: Pretokenizer::from_steps(splits),
        normalizers: changes,
        general: None,
        byte_level: letters,
    })
}

enum Part {
    Split(Step),
    Change(Normalizer),
}

/// The parts of a pre-tokenizer in order, sequences laid out flat.
struct Collected(Vec<Part>);

fn behaviour(fields: &Fields) -> Result<Behaviour, VocabularyError> {
    Ok(match text(fields, "behavior", "pre_tokenizer")? {
        "Removed" => Behaviour::Removed,
        "Isolated" => Behaviour::Isolated,
        "MergedWithPrevious" => Behaviour::MergedWithPrevious,
        "MergedWithNext" => Behaviour::MergedWithNext,
        "Contiguous" => Behaviour::Contiguous,
        other => return error(format!("the pre_tokenizer of the tokenizer.json has the unknown behavior {other:?}")),
    })
}

impl Collected {
    fn add(&mut self, value: Option<&Value>) -> Result<(), VocabularyError> {
        const PART: &str = "pre_tokenizer";
        let Some((kind, fields)) = fields(value, PART)? else { return Ok(()) };
        match kind {
            "Sequence" => {
                for one in list(fields, "pretokenizers", PART)? {
                    self.add(Some(one))?;
                }
            }
            "ByteLevel" => {
                if flag(fields, "add_prefix_space", true) {
                    self.change(Normalizer::PrefixUnless { prefix: " ".to_owned() });
                }
                if flag(fields, "use_regex", true) {
                    self.split(Step::Known(Known::Gpt2));
                }
                self.change(Normalizer::ByteLetters);
            }
            "Split" => {
                let (pattern, is_regex) = pattern(fields, PART)?;
                let (behaviour, invert) = (behaviour(fields)?, flag(fields, "invert", false));
                self.split(if is_regex {
                    Step::split(&translated(pattern), behaviour, invert)?
                } else {
                    Step::split_literal(pattern, behaviour, invert)?
                });
            }
            "Digits" => self.split(Step::Digits { individual: flag(fields, "individual_digits", false) }),
            "Punctuation" => self.split(Step::Punctuation { behaviour: behaviour(fields)? }),
            "WhitespaceSplit" => self.split(Step::WhitespaceSplit),
            "Whitespace" => self.split(Step::split(r"\w+|[^\w\s]+", Behaviour::Removed, true)?),
            "CharDelimiterSplit" => {
                let delimiter = text(fields, "delimiter", PART)?;
                self.split(Step::split_literal(delimiter, Behaviour::Removed, false)?);
            }
            "UnicodeScripts" => self.split(Step::Scripts),
            "FixedLength" => {
                let characters = fields.get("length").and_then(Value::as_u64).unwrap_or(5) as usize;
                self.split(Step::FixedLength { characters });
            }
            "BertPreTokenizer" => {
                self.split(Step::WhitespaceSplit);
                self.split(Step::Punctuation { behaviour: Behaviour::Isolated });
            }
            "Metaspace" => self.metaspace(fields)?,
            other => return unread(PART, other),
        }
        Ok(())
    }

    fn split(&mut self, step: Step) {
        self.0.push(Part::Split(step));
    }

    fn change(&mut self, change: Normalizer) {
        self.0.push(Part::Change(change));
    }

    fn metaspace(&mut self, fields: &Fields) -> Result<(), VocabularyError> {
        let replacement = fields.get("replacement").and_then(Value::as_str).unwrap_or("▁").to_owned();
        let scheme = match fields.get("prepend_scheme").and_then(Value::as_str) {
            Some(scheme) => scheme,
            // Files from before 2024 have a flag instead.
            None if flag(fields, "add_prefix_space", true) => "always",
            None => "never",
        };
        self.change(Normalizer::replace_literal(" ", &replacement));
        match scheme {
            "always" => self.change(Normalizer::PrefixUnless { prefix: replacement.clone() }),
            "first" => self.change(Normalizer::PrefixFirst { prefix: replacement.clone() }),
            "never" => {}
            other => return error(format!("the Metaspace pre_tokenizer has the unknown prepend_scheme {other:?}")),
        }
        if flag(fields, "split", true) {
            self.split(Step::split_literal(&replacement, Behaviour::MergedWithNext, false)?);
        }
        Ok(())
    }
}

/// The text, or a token that a post-processor adds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    Text,
    Token(u32),
}

/// What the post-processor puts around one text.
pub fn template(value: Option<&Value>) -> Result<Template, VocabularyError> {
    let items = processed(value, vec![vec![Item::Text]])?.concat();
    let Some(at) = items.iter().position(|&item| item == Item::Text) else {
        return error("the post_processor of the tokenizer.json has no place for the text");
    };
    let ids = |items: &[Item]| {
        let ids = items.iter().filter_map(|&item| if let Item::Token(id) = item { Some(id) } else { None });
        ids.collect::<Vec<u32>>()
    };
    let (before, after) = (&items[..at], &items[at + 1..]);
    if after.contains(&Item::Text) {
        return error("the post_processor of the tokenizer.json has two places for the text");
    }
    Ok(Template { before: ids(before), after: ids(after) })
}

/// The encodings that a post-processor makes of others. A template makes one of each of its parts; BERT's and
/// RoBERTa's ways take the second and later ones for the second text of a pair.
fn processed(value: Option<&Value>, encodings: Vec<Vec<Item>>) -> Result<Vec<Vec<Item>>, VocabularyError> {
    const PART: &str = "post_processor";
    let Some((kind, fields)) = fields(value, PART)? else { return Ok(encodings) };
    match kind {
        // Offsets only.
        "ByteLevel" => Ok(encodings),
        "Sequence" => {
            let all = list(fields, "processors", PART)?;
            all.iter().try_fold(encodings, |encodings, one| processed(Some(one), encodings))
        }
        "BertProcessing" | "RobertaProcessing" => {
            let id = |name: &str| {
                let pair = fields.get(name).and_then(Value::as_array);
                match pair.and_then(|pair| pair.get(1)).and_then(Value::as_u64) {
                    Some(id) => Ok(Item::Token(id as u32)),
                    None => error(format!("the {PART} of the tokenizer.json has no id under {name:?}")),
                }
            };
            let (first, last) = (id("cls")?, id("sep")?);
            let between = if kind == "RobertaProcessing" { vec![last] } else { Vec::new() };
            let around = |(position, encoding): (usize, Vec<Item>)| {
                let mut longer = if position == 0 { vec![first] } else { between.clone() };
                longer.extend(encoding);
                longer.push(last);
                longer
            };
            Ok(encodings.into_iter().enumerate().map(around).collect())
        }
        "TemplateProcessing" => {
            // `tokenizers` takes two encodings for the texts of a pair, and stops where there are more.
            let (name, texts) = match encodings.as_slice() {
                [_] => ("single", &encodings),
                [_, _] => ("pair", &encodings),
                more => {
                    return error(format!(
                        "the {PART} of the tokenizer.json has a template after another that makes {} parts, of which `tokenizers` takes two at most",
                        more.len()
                    ));
                }
            };
            let part = |item: &Value| {
                if let Some(sequence) = item.get("Sequence") {
                    let first = sequence.get("id").and_then(Value::as_str) == Some("A");
                    return Ok(texts[usize::from(!first).min(texts.len() - 1)].clone());
                }
                let name = item.get("SpecialToken").and_then(|token| token.get("id")).and_then(Value::as_str);
                let name = name.unwrap_or_default();
                let ids = fields.get("special_tokens").and_then(|all| all.get(name)).and_then(|token| token.get("ids"));
                match ids.and_then(Value::as_array) {
                    Some(ids) => Ok(ids.iter().filter_map(Value::as_u64).map(|id| Item::Token(id as u32)).collect()),
                    None => error(format!(
                        "the {PART} of the tokenizer.json uses {name:?}, which its special_tokens do not have"
                    )),
                }
            };
            list(fields, name, PART)?.iter().map(part).collect()
        }
        other => unread(PART, other),
    }
}
