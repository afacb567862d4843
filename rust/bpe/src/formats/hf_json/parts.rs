//! The parts of a tokenizer.json around its model: normalizers, pre-tokenizers, post-processors, decoders.

use serde_json::{Map, Value};

use crate::pretokenize::{Behaviour, Known, PatternError, Pretokenizer, Step};
use crate::tokenizer::{Normalizer, Template};
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

pub fn normalizers(value: Option<&Value>) -> Result<Vec<Normalizer>, VocabularyError> {
    const PART: &str = "normalizer";
    let Some((kind, fields)) = fields(value, PART)? else { return Ok(Vec::new()) };
    Ok(match kind {
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
                Normalizer::replace_regex(pattern, content)?
            } else {
                Normalizer::replace_literal(pattern, content)
            }]
        }
        // Bytes as characters: what a byte-level model does by itself.
        "ByteLevel" => Vec::new(),
        other => return unread(PART, other),
    })
}

/// What the pre-tokenizer comes to: splits, text changes that belong before them, and whether the model sees bytes.
pub struct Splits {
    pub pretokenizer: Pretokenizer,
    pub normalizers: Vec<Normalizer>,
    pub byte_level: bool,
}

pub fn pre_tokenizer(value: Option<&Value>) -> Result<Splits, VocabularyError> {
    let mut collected = Collected { steps: Vec::new(), normalizers: Vec::new(), byte_level: false };
    collected.add(value)?;
    let Collected { steps, normalizers, byte_level } = collected;
    let pretokenizer = Pretokenizer::from_steps(steps);
    Ok(Splits { pretokenizer, normalizers, byte_level })
}

struct Collected {
    steps: Vec<Step>,
    normalizers: Vec<Normalizer>,
    byte_level: bool,
}

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
                self.byte_level = true;
                if flag(fields, "add_prefix_space", true) {
                    if !self.steps.is_empty() {
                        return error(
                            "a ByteLevel pre_tokenizer with add_prefix_space after other splits is not read; use the `tokenizers` package for it",
                        );
                    }
                    self.normalizers.push(Normalizer::PrefixUnless { prefix: " ".to_owned() });
                }
                if flag(fields, "use_regex", true) {
                    self.steps.push(Step::Known(Known::Gpt2));
                }
            }
            "Split" => {
                let (pattern, is_regex) = pattern(fields, PART)?;
                let (behaviour, invert) = (behaviour(fields)?, flag(fields, "invert", false));
                self.steps.push(if is_regex {
                    Step::split(pattern, behaviour, invert)?
                } else {
                    Step::split_literal(pattern, behaviour, invert)?
                });
            }
            "Digits" => self.steps.push(Step::Digits { individual: flag(fields, "individual_digits", false) }),
            "Punctuation" => self.steps.push(Step::Punctuation { behaviour: behaviour(fields)? }),
            "WhitespaceSplit" => self.steps.push(Step::WhitespaceSplit),
            "Whitespace" => self.steps.push(Step::split(r"\w+|[^\w\s]+", Behaviour::Removed, true)?),
            "CharDelimiterSplit" => {
                let delimiter = text(fields, "delimiter", PART)?;
                self.steps.push(Step::split_literal(delimiter, Behaviour::Removed, false)?);
            }
            "FixedLength" => {
                let characters = fields.get("length").and_then(Value::as_u64).unwrap_or(5) as usize;
                self.steps.push(Step::FixedLength { characters });
            }
            "BertPreTokenizer" => {
                self.steps.push(Step::WhitespaceSplit);
                self.steps.push(Step::Punctuation { behaviour: Behaviour::Isolated });
            }
            "Metaspace" => self.metaspace(fields)?,
            other => return unread(PART, other),
        }
        Ok(())
    }

    fn metaspace(&mut self, fields: &Fields) -> Result<(), VocabularyError> {
        if !self.steps.is_empty() {
            return error(
                "a Metaspace pre_tokenizer after other splits is not read; use the `tokenizers` package for it",
            );
        }
        let replacement = fields.get("replacement").and_then(Value::as_str).unwrap_or("▁").to_owned();
        let scheme = match fields.get("prepend_scheme").and_then(Value::as_str) {
            Some(scheme) => scheme,
            // Files from before 2024 have a flag instead.
            None if flag(fields, "add_prefix_space", true) => "always",
            None => "never",
        };
        self.normalizers.push(Normalizer::replace_literal(" ", &replacement));
        match scheme {
            "always" => self.normalizers.push(Normalizer::PrefixUnless { prefix: replacement.clone() }),
            "first" => self.normalizers.push(Normalizer::PrefixFirst { prefix: replacement.clone() }),
            "never" => {}
            other => return error(format!("the Metaspace pre_tokenizer has the unknown prepend_scheme {other:?}")),
        }
        if flag(fields, "split", true) {
            self.steps.push(Step::split_literal(&replacement, Behaviour::MergedWithNext, false)?);
        }
        Ok(())
    }
}

/// What the post-processor puts around one text.
pub fn template(value: Option<&Value>) -> Result<Template, VocabularyError> {
    const PART: &str = "post_processor";
    let Some((kind, fields)) = fields(value, PART)? else { return Ok(Template::default()) };
    match kind {
        // Offsets only.
        "ByteLevel" => Ok(Template::default()),
        "Sequence" => {
            let mut around = Template::default();
            for one in list(fields, "processors", PART)? {
                let inner = template(Some(one))?;
                around.before.splice(0..0, inner.before);
                around.after.extend(inner.after);
            }
            Ok(around)
        }
        "BertProcessing" | "RobertaProcessing" => {
            let id = |name: &str| {
                let pair = fields.get(name).and_then(Value::as_array);
                match pair.and_then(|pair| pair.get(1)).and_then(Value::as_u64) {
                    Some(id) => Ok(id as u32),
                    None => error(format!("the {PART} of the tokenizer.json has no id under {name:?}")),
                }
            };
            Ok(Template { before: vec![id("cls")?], after: vec![id("sep")?] })
        }
        "TemplateProcessing" => {
            let mut around = Template::default();
            let mut inside = false;
            for item in list(fields, "single", PART)? {
                if item.get("Sequence").is_some() {
                    inside = true;
                    continue;
                }
                let name = item.get("SpecialToken").and_then(|token| token.get("id")).and_then(Value::as_str);
                let name = name.unwrap_or_default();
                let ids = fields.get("special_tokens").and_then(|all| all.get(name)).and_then(|token| token.get("ids"));
                let Some(ids) = ids.and_then(Value::as_array) else {
                    return error(format!(
                        "the {PART} of the tokenizer.json uses {name:?}, which its special_tokens do not have"
                    ));
                };
                let side = if inside { &mut around.after } else { &mut around.before };
                side.extend(ids.iter().filter_map(Value::as_u64).map(|id| id as u32));
            }
            Ok(around)
        }
        other => unread(PART, other),
    }
}
