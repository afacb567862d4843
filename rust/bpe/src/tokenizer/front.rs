//! Normalizers that need not rewrite a text: a character for each space, and one before the text.
//!
//! What SentencePiece models and their tokenizer.json do before anything else comes in a few forms, which are recognised
//! here, so that the encoder can do it as it goes along.

use super::Normalizer;
use crate::encode::characters::Spaces;
use crate::pretokenize::{Behaviour, Pretokenizer, Step};

/// When a text gets a space before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prefix {
    #[default]
    Never,
    /// Always, if it is not empty.
    Always,
    /// If it does not start with one.
    Unless,
    /// If it does not start with one and nothing is before it.
    First,
}

/// What normalizers and pretokenizer come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Front {
    /// So many of the first normalizers remain.
    pub normalizers: usize,
    pub spaces: Spaces,
    pub prefix: Prefix,
}

fn only_character(text: &str) -> Option<char> {
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// The character that `normalizer` puts for each space.
fn for_spaces(normalizer: &Normalizer) -> Option<char> {
    match normalizer {
        Normalizer::Replace { pattern: super::Pattern::Literal(literal), content, .. } if literal == " " => {
            // The encoder goes along with a text whose own ASCII is never what stands for a space.
            only_character(content).filter(|character| !character.is_ascii())
        }
        _ => None,
    }
}

impl Front {
    /// `None` if the text has to be rewritten, or is cut otherwise than at spaces.
    pub fn new(normalizers: &[Normalizer], late: &[Normalizer], pretokenizer: &Pretokenizer) -> Option<Self> {
        let mut front = match late {
            [] => Self::of_normalizers(normalizers),
            // Metaspace.
            [replace, rest @ ..] => {
                let shown_as = for_spaces(replace)?;
                let is_it = |prefix: &str| only_character(prefix) == Some(shown_as);
                let prefix = match rest {
                    [] => Prefix::Never,
                    [Normalizer::PrefixUnless { prefix }] if is_it(prefix) => Prefix::Unless,
                    [Normalizer::PrefixFirst { prefix }] if is_it(prefix) => Prefix::First,
                    _ => return None,
                };
                let spaces = Spaces { shown_as: Some(shown_as), cut: false };
                Self { normalizers: normalizers.len(), spaces, prefix }
            }
        };
        match pretokenizer.steps() {
            [] => {}
            // Splits at what is not there any more.
            [Step::Split { source, invert: false, .. }] if source == " " && front.spaces.shown_as.is_some() => {}
            [Step::Split { source, behaviour: Behaviour::MergedWithNext, invert: false, .. }]
                if front.spaces.shown_as.is_some()
                    && only_character(source) == front.spaces.shown_as
                    && front.prefix != Prefix::Always =>
            {
                front.spaces.cut = true;
            }
            _ => return None,
        }
        Some(front)
    }

    fn of_normalizers(normalizers: &[Normalizer]) -> Self {
        let prefixes = |normalizer: &Normalizer, shown_as: char| match normalizer {
            Normalizer::Prepend(prefix) => only_character(prefix) == Some(shown_as),
            _ => false,
        };
        let (normalizers, shown_as, prefix) = match normalizers {
            [first @ .., prepend, replace]
                if for_spaces(replace)
                    .is_some_and(|shown_as| prefixes(prepend, shown_as) || prefixes(prepend, ' ')) =>
            {
                (first.len(), for_spaces(replace), Prefix::Always)
            }
            [first @ .., replace, prepend] if for_spaces(replace).is_some_and(|shown| prefixes(prepend, shown)) => {
                (first.len(), for_spaces(replace), Prefix::Always)
            }
            [first @ .., replace] if for_spaces(replace).is_some() => (first.len(), for_spaces(replace), Prefix::Never),
            all => (all.len(), None, Prefix::Never),
        };
        Self { normalizers, spaces: Spaces { shown_as, cut: false }, prefix }
    }

    /// Whether `text` is to be encoded as if a space were before it.
    pub fn prefixes(&self, text: &str, at_start: bool) -> bool {
        let starts_so = || text.starts_with(' ') || self.spaces.shown_as.is_some_and(|shown| text.starts_with(shown));
        match self.prefix {
            Prefix::Never => false,
            Prefix::Always => !text.is_empty(),
            Prefix::Unless => !starts_so(),
            Prefix::First => at_start && !starts_so(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(from: &str, to: &str) -> Normalizer {
        Normalizer::replace_literal(from, to)
    }

    #[test]
    fn forms_are_recognised() {
        let prepend = || Normalizer::Prepend("▁".to_owned());
        let none = Pretokenizer::default();
        let front = |normalizers: &[Normalizer], late: &[Normalizer]| Front::new(normalizers, late, &none);
        let spaces = Spaces { shown_as: Some('▁'), cut: false };
        let is = |normalizers, prefix| Some(Front { normalizers, spaces: spaces.clone(), prefix });
        assert_eq!(front(&[literal(" ", "▁")], &[]), is(0, Prefix::Never));
        assert_eq!(front(&[prepend(), literal(" ", "▁")], &[]), is(0, Prefix::Always));
        assert_eq!(front(&[Normalizer::Nfkc, literal(" ", "▁"), prepend()], &[]), is(1, Prefix::Always));
        let first = Normalizer::PrefixFirst { prefix: "▁".to_owned() };
        assert_eq!(front(&[Normalizer::Nfc], &[literal(" ", "▁"), first]), is(1, Prefix::First));
        assert_eq!(front(&[literal(" ", "__")], &[]).map(|front| front.spaces.shown_as), Some(None));
        let all = Front { normalizers: 2, ..Front::default() };
        assert_eq!(front(&[literal(" ", "▁"), Normalizer::Nfc], &[]), Some(all));
    }
}
