//! A tokenizer ready to use: vocabulary, pattern, special tokens.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use tokenfoundry_base::{Cancel, Cancelled, Ragged, pool};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::encode::Encoder;
use crate::pretokenize::{Pattern, PatternError};
use crate::specials::{Allowed, Specials};
use crate::vocabulary::{Vocabulary, VocabularyError};

/// Immutable and shared by threads.
#[derive(Clone, Debug)]
pub struct Bpe {
    pub vocabulary: Arc<Vocabulary>,
    pub pattern: Pattern,
    pub specials: Specials,
    /// Text is put into normal form C first (Qwen's tokenizer.json asks for it; rank files never do).
    pub nfc: bool,
    /// Tells a thread's working memory which tokenizer it belongs to.
    instance: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodeError {
    Pattern(PatternError),
    Cancelled(Cancelled),
}

impl From<PatternError> for EncodeError {
    fn from(error: PatternError) -> Self {
        Self::Pattern(error)
    }
}

impl From<Cancelled> for EncodeError {
    fn from(error: Cancelled) -> Self {
        Self::Cancelled(error)
    }
}

impl std::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pattern(error) => error.fmt(f),
            Self::Cancelled(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for EncodeError {}

/// Pieces between two looks at the cancel flag.
const PIECES_PER_LOOK: usize = 4096;
/// Documents are handed to threads in groups of about this many bytes.
const BYTES_PER_TASK: usize = 256 << 10;

thread_local! {
    /// One working memory a thread, for the tokenizer it used last; a few would only matter to code that alternates.
    static ENCODER: RefCell<(u64, Encoder)> = RefCell::new((0, Encoder::default()));
}

impl Bpe {
    pub fn new(
        vocabulary: Vocabulary,
        pattern: Pattern,
        specials: Specials,
        nfc: bool,
    ) -> Result<Self, VocabularyError> {
        static INSTANCES: AtomicU64 = AtomicU64::new(1);
        for (text, id) in specials.tokens() {
            if let Some(token) = vocabulary.token(*id)
                && token != text.as_bytes()
            {
                return Err(VocabularyError(format!(
                    "special token {text:?} has id {id}, which the ordinary token {} has",
                    crate::vocabulary::shown(token)
                )));
            }
        }
        let instance = INSTANCES.fetch_add(1, Ordering::Relaxed);
        Ok(Self { vocabulary: Arc::new(vocabulary), pattern, specials, nfc, instance })
    }

    /// One more than the largest id, special tokens included.
    pub fn id_count(&self) -> usize {
        let specials = self.specials.tokens().iter().map(|(_, id)| *id as usize + 1).max().unwrap_or(0);
        self.vocabulary.len().max(specials)
    }

    fn with_encoder<R>(&self, work: impl FnOnce(&mut Encoder) -> R) -> R {
        ENCODER.with_borrow_mut(|(owner, encoder)| {
            if *owner != self.instance {
                *owner = self.instance;
                *encoder = Encoder::default();
            }
            work(encoder)
        })
    }

    /// Visit pieces and special tokens of one text as (bytes, special id).
    fn visit<'t>(
        &self,
        text: &'t str,
        allowed: &Allowed,
        cancel: &Cancel,
        mut visit: impl FnMut(usize, &'t [u8], Option<u32>),
    ) -> Result<(), EncodeError> {
        let mut pieces = 0usize;
        self.specials.split(text, allowed, |start, end, special| {
            if special.is_some() {
                visit(start, &text.as_bytes()[start..end], special);
                return Ok(());
            }
            let stretch = &text[start..end];
            let mut stopped = Ok(());
            self.pattern.pieces(stretch, |from, to| {
                visit(start + from, &stretch.as_bytes()[from..to], None);
                pieces += 1;
                if pieces.is_multiple_of(PIECES_PER_LOOK) {
                    stopped = cancel.check();
                }
                stopped.is_ok()
            })?;
            Ok(stopped?)
        })
    }

    /// `text` in the normal form this tokenizer wants; borrowed where it is already.
    fn normalized<'t>(&self, text: &'t str) -> std::borrow::Cow<'t, str> {
        if self.nfc && is_nfc_quick(text.chars()) != IsNormalized::Yes {
            text.nfc().collect::<String>().into()
        } else {
            text.into()
        }
    }

    /// Append the tokens of `text`.
    pub fn encode_into(
        &self,
        text: &str,
        allowed: &Allowed,
        cancel: &Cancel,
        tokens: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        let text = self.normalized(text);
        self.with_encoder(|encoder| {
            self.visit(&text, allowed, cancel, |_, piece, special| match special {
                Some(id) => tokens.push(id),
                None => encoder.piece(&self.vocabulary, piece, tokens),
            })
        })
    }

    pub fn count(&self, text: &str, allowed: &Allowed, cancel: &Cancel) -> Result<i64, EncodeError> {
        let text = self.normalized(text);
        let mut total = 0;
        self.with_encoder(|encoder| {
            self.visit(&text, allowed, cancel, |_, piece, special| {
                total += if special.is_some() { 1 } else { encoder.count(&self.vocabulary, piece) };
            })
        })?;
        Ok(total as i64)
    }

    /// Tokens, and for each the byte range of the (normalized) text that it spells.
    pub fn encode_with_offsets(
        &self,
        text: &str,
        allowed: &Allowed,
        cancel: &Cancel,
    ) -> Result<(Vec<u32>, Vec<i64>), EncodeError> {
        let text = self.normalized(text);
        let (mut tokens, mut spans) = (Vec::new(), Vec::new());
        self.with_encoder(|encoder| {
            self.visit(&text, allowed, cancel, |start, piece, special| {
                let first = tokens.len();
                match special {
                    Some(id) => {
                        tokens.push(id);
                        spans.extend([start as i64, (start + piece.len()) as i64]);
                    }
                    None => {
                        encoder.piece(&self.vocabulary, piece, &mut tokens);
                        let mut at = start;
                        for &id in &tokens[first..] {
                            let end = at + self.vocabulary.token(id).map_or(0, <[u8]>::len);
                            spans.extend([at as i64, end as i64]);
                            at = end;
                        }
                    }
                }
            })
        })?;
        Ok((tokens, spans))
    }

    /// Tokens of many texts, in order, on `threads` threads.
    pub fn encode_batch(
        &self,
        texts: &[&str],
        allowed: &Allowed,
        threads: Option<usize>,
        cancel: &Cancel,
    ) -> Result<Ragged<u32>, EncodeError> {
        let groups = groups(texts);
        let parts: Result<Vec<Ragged<u32>>, EncodeError> = pool::install(threads, || {
            groups
                .into_par_iter()
                .map(|group| {
                    let bytes: usize = group.iter().map(|text| text.len()).sum();
                    let mut ragged = Ragged::with_capacity(group.len(), bytes / 3);
                    for text in group {
                        cancel.check()?;
                        self.encode_into(text, allowed, cancel, &mut ragged.values)?;
                        ragged.close_row();
                    }
                    Ok(ragged)
                })
                .collect()
        });
        Ok(Ragged::concat(parts?))
    }

    /// Numbers of tokens of many texts.
    pub fn count_batch(
        &self,
        texts: &[&str],
        allowed: &Allowed,
        threads: Option<usize>,
        cancel: &Cancel,
    ) -> Result<Vec<i64>, EncodeError> {
        let groups = groups(texts);
        let parts: Result<Vec<Vec<i64>>, EncodeError> = pool::install(threads, || {
            groups
                .into_par_iter()
                .map(|group| {
                    group
                        .iter()
                        .map(|text| {
                            cancel.check()?;
                            self.count(text, allowed, cancel)
                        })
                        .collect()
                })
                .collect()
        });
        Ok(parts?.concat())
    }
}

/// `texts` in runs of about [`BYTES_PER_TASK`].
pub(crate) fn groups<'a, 't>(texts: &'a [&'t str]) -> Vec<&'a [&'t str]> {
    let mut groups = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, text) in texts.iter().enumerate() {
        bytes += text.len() + 16;
        if bytes >= BYTES_PER_TASK {
            groups.push(&texts[start..=index]);
            (start, bytes) = (index + 1, 0);
        }
    }
    if start < texts.len() {
        groups.push(&texts[start..]);
    }
    groups
}
