//! Added tokens: strings that are found in a text before anything else and become one token each.
//!
//! The rules are those of `tokenizers`: of several that match at a place the longest, from left to right; `single_word`
//! asks for no word character beside it; `lstrip` and `rstrip` take the white space beside it along. Which tokens count
//! may differ from call to call ([`Allowed`]), as tiktoken's `allowed_special` has it.

mod finder;

use fancy_regex::Regex;
use rustc_hash::FxHashSet;

use crate::unicode;
use crate::vocabulary::VocabularyError;

pub use finder::Finder;

/// One added token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedToken {
    pub content: String,
    pub id: u32,
    /// A control token, which [`Allowed`] speaks about; other added tokens are always found.
    pub special: bool,
    pub lstrip: bool,
    pub rstrip: bool,
    pub single_word: bool,
    /// Looked for in the normalized text instead of the text as it came.
    pub normalized: bool,
    /// What is looked for, if it is not the content: its normalized form.
    pub pattern: Option<String>,
}

impl AddedToken {
    /// A control token as a rank file has them.
    pub fn special(content: impl Into<String>, id: u32) -> Self {
        Self {
            content: content.into(),
            id,
            special: true,
            lstrip: false,
            rstrip: false,
            single_word: false,
            normalized: false,
            pattern: None,
        }
    }

    pub fn looked_for(&self) -> &str {
        self.pattern.as_deref().unwrap_or(&self.content)
    }
}

/// Which special tokens are looked for in a text; the others are plain text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Allowed {
    All,
    #[default]
    None,
    Only(FxHashSet<u32>),
}

impl Allowed {
    pub fn allows(&self, token: &AddedToken) -> bool {
        !token.special
            || match self {
                Self::All => true,
                Self::None => false,
                Self::Only(ids) => ids.contains(&token.id),
            }
    }
}

/// Some of the added tokens, and how they are found.
#[derive(Clone, Debug)]
pub struct Findable {
    pub finder: Finder,
    pub tokens: Vec<AddedToken>,
    only_special: bool,
    word: Option<Regex>,
}

/// All added tokens of a tokenizer.
#[derive(Clone, Debug, Default)]
pub struct AddedTokens {
    all: Vec<AddedToken>,
    raw: Option<Box<Findable>>,
    normalized: Option<Box<Findable>>,
}

/// A part of a text: an added token, or text between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Token { id: u32, start: usize, end: usize },
    Text { start: usize, end: usize },
}

fn findable(mut tokens: Vec<AddedToken>) -> Option<Box<Findable>> {
    // A normalizer may leave nothing of a token.
    tokens.retain(|token| !token.looked_for().is_empty());
    if tokens.is_empty() {
        return None;
    }
    let finder = Finder::new(tokens.iter().map(|token| token.looked_for().as_bytes()));
    let only_special = tokens.iter().all(|token| token.special);
    let word = if tokens.iter().any(|token| token.single_word) { Regex::new(r"^\w$").ok() } else { None };
    Some(Box::new(Findable { finder, tokens, only_special, word }))
}

impl AddedTokens {
    pub fn new(all: Vec<AddedToken>) -> Result<Self, VocabularyError> {
        if let Some(empty) = all.iter().find(|token| token.content.is_empty()) {
            return Err(VocabularyError(format!("the added token with id {} is empty", empty.id)));
        }
        let mut by_id: Vec<&AddedToken> = all.iter().collect();
        by_id.sort_by_key(|token| token.id);
        if let Some(two) = by_id.windows(2).find(|two| two[0].id == two[1].id && two[0].content != two[1].content) {
            return Err(VocabularyError(format!(
                "the added tokens {:?} and {:?} collide: both have id {}",
                two[0].content, two[1].content, two[0].id
            )));
        }
        let (normalized, raw): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|token| token.normalized);
        Ok(Self { raw: findable(raw), normalized: findable(normalized), all })
    }

    pub fn all(&self) -> &[AddedToken] {
        &self.all
    }

    /// Whether a text can have no token that `allowed` lets be found.
    pub fn nothing_to_find(&self, allowed: &Allowed) -> bool {
        let idle = |finder: &Option<Box<Findable>>| {
            finder.as_ref().is_none_or(|finder| finder.only_special && *allowed == Allowed::None)
        };
        idle(&self.raw) && idle(&self.normalized)
    }

    /// The tokens that are looked for in a text as it came, if `allowed` lets any of them be found.
    pub fn raw(&self, allowed: &Allowed) -> Option<&Findable> {
        self.raw.as_deref().filter(|finder| !(finder.only_special && *allowed == Allowed::None))
    }

    /// As [`Self::raw`], for those that are looked for in a normalized text.
    pub fn normalized(&self, allowed: &Allowed) -> Option<&Findable> {
        self.normalized.as_deref().filter(|finder| !(finder.only_special && *allowed == Allowed::None))
    }

    pub fn has_normalized(&self) -> bool {
        self.normalized.is_some()
    }

    /// Visit the sections of a text as it came, by the tokens that are not `normalized`.
    pub fn sections<E>(
        &self,
        text: &str,
        allowed: &Allowed,
        visit: impl FnMut(Section) -> Result<(), E>,
    ) -> Result<(), E> {
        Self::find(self.raw.as_deref(), text, allowed, visit)
    }

    /// Visit the sections of a normalized text, by the tokens that are `normalized`.
    pub fn normalized_sections<E>(
        &self,
        text: &str,
        allowed: &Allowed,
        visit: impl FnMut(Section) -> Result<(), E>,
    ) -> Result<(), E> {
        Self::find(self.normalized.as_deref(), text, allowed, visit)
    }

    /// The first special token of `text` that is in `ids`, and where.
    pub fn first_of(&self, text: &str, ids: &FxHashSet<u32>) -> Option<(&AddedToken, usize)> {
        let mut first: Option<(&AddedToken, usize)> = None;
        for finder in [&self.raw, &self.normalized].into_iter().flatten() {
            let mut from = 0;
            while let Some((start, number, _)) = finder.finder.next(text.as_bytes(), from) {
                let token = &finder.tokens[number as usize];
                if ids.contains(&token.id) {
                    if first.is_none_or(|(_, at)| start < at) {
                        first = Some((token, start));
                    }
                    break;
                }
                from = start + 1;
            }
        }
        first
    }

    fn find<E>(
        finder: Option<&Findable>,
        text: &str,
        allowed: &Allowed,
        mut visit: impl FnMut(Section) -> Result<(), E>,
    ) -> Result<(), E> {
        let finder = finder.filter(|finder| !(finder.only_special && *allowed == Allowed::None));
        let mut done = 0;
        if let Some(finder) = finder {
            let mut from = 0;
            while let Some((mut start, number, length)) = finder.finder.next(text.as_bytes(), from) {
                let token = &finder.tokens[number as usize];
                let mut end = start + length;
                if !allowed.allows(token) {
                    from = start + 1;
                    continue;
                }
                from = end;
                if token.single_word {
                    let is_word = |character: Option<char>| {
                        character.is_some_and(|character| {
                            let word = finder.word.as_ref();
                            word.is_some_and(|word| word.is_match(character.encode_utf8(&mut [0; 4])).unwrap_or(false))
                        })
                    };
                    if is_word(text[..start].chars().next_back()) || is_word(text[end..].chars().next()) {
                        continue;
                    }
                }
                if token.lstrip {
                    start = text[..start].trim_end_matches(unicode::is_white_space).len().max(done);
                }
                if token.rstrip {
                    end = text.len() - text[end..].trim_start_matches(unicode::is_white_space).len();
                }
                if done < start {
                    visit(Section::Text { start: done, end: start })?;
                }
                // White space that a token took along may itself be a token, and is then both, as in `tokenizers`.
                if start < end {
                    visit(Section::Token { id: token.id, start, end })?;
                }
                done = end;
            }
        }
        if done < text.len() {
            visit(Section::Text { start: done, end: text.len() })?;
        }
        Ok(())
    }
}
