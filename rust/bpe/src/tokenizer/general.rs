//! Pre-tokenizers of tokenizer.json that change a text between their splits, run as `tokenizers` runs them.
//!
//! In nearly all files the changes (a space in front, spaces as "▁") come before the first split, and bytes become
//! characters after the last; then splits alone do, and nothing here is used. Each step takes every piece apart and
//! remembers where its bytes came from: some 50 ns a byte.

use super::normalize::{Aligned, Normalizer, normalize_aligned};
use crate::byte_alphabet;
use crate::pretokenize::{PatternError, Pretokenizer, Step};

#[derive(Clone, Debug)]
pub enum GeneralStep {
    Split(Pretokenizer),
    /// A change of each piece, as `PrefixFirst`.
    Change(Normalizer),
}

impl GeneralStep {
    pub fn split(step: Step) -> Self {
        Self::Split(Pretokenizer::from_steps(vec![step]))
    }
}

#[derive(Clone, Debug)]
pub struct General {
    pub steps: Vec<GeneralStep>,
    /// The model sees bytes, which the steps or a normalizer spelled as letters of the byte-level alphabet.
    pub letters: bool,
}

/// What the model encodes, and for each byte of it where in the text it comes from.
pub struct Piece {
    pub bytes: Vec<u8>,
    pub spans: Vec<(usize, usize)>,
}

impl General {
    /// What names it in a tokenizer's digest.
    pub fn description(&self) -> String {
        let describe = |step: &GeneralStep| match step {
            GeneralStep::Split(split) => split.steps().iter().map(Step::description).collect(),
            GeneralStep::Change(change) => change.description(),
        };
        self.steps.iter().map(describe).collect::<Vec<_>>().join("\n")
    }

    /// The regular expressions of the splits, in order.
    pub fn regexes(&self) -> Vec<String> {
        let of_step = |step: &GeneralStep| match step {
            GeneralStep::Split(split) => split.regexes(),
            GeneralStep::Change(_) => Vec::new(),
        };
        self.steps.iter().flat_map(of_step).collect()
    }

    /// The pieces of a text; `before` bytes of the whole lie before what its spans count from.
    pub fn pieces(&self, text: Aligned, before: usize) -> Result<Vec<Piece>, PatternError> {
        let mut pieces = vec![text];
        for step in &self.steps {
            let mut next = Vec::with_capacity(pieces.len());
            for piece in pieces {
                match step {
                    GeneralStep::Split(split) => {
                        split.split(&piece.text, |start, end| next.push(piece.part(start, end)))?;
                    }
                    GeneralStep::Change(change) => {
                        let at_start = before + piece.span(0, 0).0 == 0;
                        next.push(normalize_aligned(std::slice::from_ref(change), piece, at_start));
                    }
                }
            }
            next.retain(|piece| !piece.text.is_empty());
            pieces = next;
        }
        Ok(pieces.into_iter().map(|piece| self.seen_by_model(piece)).collect())
    }

    fn seen_by_model(&self, piece: Aligned) -> Piece {
        if !self.letters {
            return Piece { bytes: piece.text.into_bytes(), spans: piece.spans };
        }
        let (mut bytes, mut spans) = (Vec::new(), Vec::new());
        let mut buffer = [0; 4];
        let mut at = 0;
        for character in piece.text.chars() {
            // A byte-level model has no token for any other character; what follows moves up into its place.
            if byte_alphabet::decode(character.encode_utf8(&mut buffer), &mut bytes) {
                let length = character.len_utf8();
                spans.push(piece.span(at, at + length));
                at += length;
            }
        }
        Piece { bytes, spans }
    }
}

impl Piece {
    /// Where in the text the bytes from `start` to `end` come from.
    pub fn span(&self, start: usize, end: usize) -> [usize; 2] {
        match (self.spans.get(start), self.spans.get(end.wrapping_sub(1))) {
            (Some(first), Some(last)) if start < end => [first.0, last.1],
            (Some(first), _) => [first.0, first.0],
            _ => self.spans.last().map_or([0, 0], |last| [last.1, last.1]),
        }
    }
}
