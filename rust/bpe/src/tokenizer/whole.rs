//! Texts that no split pattern cuts: vocabularies of characters, whose normalizers and added tokens the encoder takes in
//! while it goes along ([`crate::encode::characters`]).

use tokenfoundry_base::Cancel;

use super::front::{Front, Prefix};
use super::memories::Memories;
use super::{EncodeError, Options, Tokenizer, normalize};
use crate::encode::characters::{Characters, Find, Memory};
use crate::encode::{Encoder, Sink};
use crate::special::{AddedToken, AddedTokens, Finder, Section};

/// What a tokenizer has for such texts.
#[derive(Debug)]
pub struct Whole {
    characters: Characters,
    front: Front,
    /// Added tokens can be found while a text is cut: none takes white space along or minds its neighbours.
    finds: bool,
    /// Those that are looked for in a normalized text can be found in the text as it came: they have no spaces.
    finds_normalized: bool,
    /// Those that are no control tokens are units among others.
    within: bool,
    pub(super) memories: Memories<Memory>,
    /// For texts that were rewritten, in which the same bytes may mean something else.
    rewritten: Memories<Memory>,
}

fn is_plain(token: &AddedToken) -> bool {
    !token.lstrip && !token.rstrip && !token.single_word
}

/// Whether a control token starts with a token that is none. Where control tokens are plain text, that is not found.
fn control_hides_other(tokens: &[AddedToken]) -> bool {
    let others = Finder::new(tokens.iter().filter(|token| !token.special).map(|token| token.content.as_bytes()));
    tokens.iter().filter(|token| token.special).any(|token| others.longest_at(token.content.as_bytes(), 0).is_some())
}

impl Whole {
    pub fn new(encoder: &Encoder, front: Front, added: &AddedTokens) -> Option<Self> {
        let characters = Characters::new(encoder, &front.spaces)?;
        let finds = front.normalizers == 0 && !added.has_normalized() && added.all().iter().all(is_plain);
        let is_spaced = |token: &AddedToken| {
            token.looked_for().contains(|character| character == ' ' || Some(character) == front.spaces.shown_as)
        };
        let finds_normalized = front.normalizers == 0
            && matches!(front.prefix, Prefix::Never | Prefix::Always)
            && added.all().iter().filter(|token| token.normalized).all(|token| is_plain(token) && !is_spaced(token));
        let within = finds
            && matches!(front.prefix, Prefix::Never | Prefix::First)
            && !control_hides_other(added.all())
            && added.all().iter().all(|token| token.id < 1 << 24);
        Some(Self {
            characters,
            front,
            finds,
            finds_normalized,
            within,
            memories: Memories::default(),
            rewritten: Memories::default(),
        })
    }

    pub fn forget(&self) {
        self.memories.forget();
        self.rewritten.forget();
    }
}

impl Tokenizer {
    pub(super) fn encode_whole(
        &self,
        whole: &Whole,
        text: &str,
        options: &Options,
        cancel: &Cancel,
        memory: &mut Memory,
        sink: &mut impl Sink,
    ) -> Result<(), EncodeError> {
        let Whole { characters, front, .. } = whole;
        if whole.finds {
            let tokens = self.added.raw(&options.allowed);
            let find = tokens.map(|tokens| Find { tokens, allowed: &options.allowed, within: whole.within });
            let mut at = 0;
            while at < text.len() {
                let rest = &text[at..];
                let prefixed = front.prefixes(rest, at == 0);
                let found = characters.encode(&self.encoder, rest, prefixed, find, cancel, memory, sink)?;
                let Some(found) = found else { break };
                sink.one(found.id);
                at += found.end;
            }
            return Ok(());
        }
        if whole.finds_normalized && self.added.raw(&options.allowed).is_none() {
            let tokens = self.added.normalized(&options.allowed);
            let find = tokens.map(|tokens| Find { tokens, allowed: &options.allowed, within: false });
            let mut at = 0;
            while at < text.len() {
                let prefixed = at == 0 && front.prefixes(text, true);
                let found = characters.encode(&self.encoder, &text[at..], prefixed, find, cancel, memory, sink)?;
                let Some(found) = found else { break };
                if found.start == 0 && prefixed {
                    // The text starts with a token; the space before it stands alone.
                    characters.encode(&self.encoder, " ", false, None, cancel, memory, sink)?;
                }
                sink.one(found.id);
                at += found.end;
            }
            return Ok(());
        }
        self.added.sections(text, &options.allowed, |section| match section {
            Section::Token { id, .. } => {
                sink.one(id);
                Ok(())
            }
            Section::Text { start, end } => {
                let (text, at_start) = (&text[start..end], start == 0);
                let mut encode = |text: &str, prefixed: bool, sink: &mut _| {
                    characters.encode(&self.encoder, text, prefixed, None, cancel, memory, sink).map(drop)
                };
                if !self.added.has_normalized() {
                    let normalized = normalize(&self.normalizers[..front.normalizers], text, at_start);
                    let text = normalized.as_deref().unwrap_or(text);
                    return Ok(encode(text, front.prefixes(text, at_start), sink)?);
                }
                // The tokens are looked for in the text as it is after all normalizers, which are not all there is.
                let normalized = normalize(&self.normalizers, text, at_start);
                let text = normalized.as_deref().unwrap_or(text);
                self.added.normalized_sections(text, &options.allowed, |section| match section {
                    Section::Token { id, .. } => {
                        sink.one(id);
                        Ok(())
                    }
                    Section::Text { start, end } => {
                        let text = &text[start..end];
                        let late = !self.late_normalizers.is_empty();
                        Ok(encode(text, late && front.prefixes(text, at_start && start == 0), sink)?)
                    }
                })
            }
        })
    }

    /// Append the tokens of normalized text.
    pub(super) fn encode_rewritten(
        &self,
        whole: &Whole,
        text: &str,
        cancel: &Cancel,
        out: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        whole.rewritten.lend(|memory| {
            whole.characters.encode(&self.encoder, text, false, None, cancel, memory, out)?;
            Ok(())
        })
    }
}
