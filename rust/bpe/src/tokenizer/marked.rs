//! Models whose symbols say where in a word they stand: a prefix on every character but the first ("##b"), a suffix on the last
//! ("r</w>"), as GPT-1, CLIP and XLM have them.
//!
//! A token's text is then not what its parts' texts come to, on which the other encoders rest; so pieces are merged as
//! `tokenizers` does it: a heap of the pairs that can be merged, in n log n. A call remembers the pieces that it met.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::vocabulary::{VocabularyError, pair_key};

/// A model as a file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub prefix: String,
    pub suffix: String,
    pub tokens: Vec<(String, u32)>,
    pub merges: Vec<(String, String)>,
    pub unknown: Option<u32>,
    pub fuse_unknown: bool,
    pub byte_fallback: bool,
    /// A piece that is a token is that token.
    pub whole_pieces: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Marked {
    marks: Marks,
    ids: FxHashMap<String, u32>,
    /// By pair, its rank and what it becomes.
    merges: FxHashMap<u64, (u32, u32)>,
    bytes: [Option<u32>; 256],
}

/// A token and how many bytes of the piece it stands for.
pub type Part = (u32, usize);

/// Pieces that a call has met.
#[derive(Debug, Default)]
pub struct Met(FxHashMap<Box<str>, Box<[Part]>>);

const REMEMBERED_PIECES: usize = 1 << 16;
const REMEMBERED_BYTES: usize = 256;

#[derive(Clone, Copy)]
struct Symbol {
    id: u32,
    length: usize,
    before: usize,
    after: usize,
}

const NONE: usize = usize::MAX;

impl Marked {
    pub fn new(marks: Marks) -> Result<Self, VocabularyError> {
        let mut ids = FxHashMap::with_capacity_and_hasher(marks.tokens.len(), Default::default());
        ids.extend(marks.tokens.iter().map(|(token, id)| (token.clone(), *id)));
        let mut merges = FxHashMap::with_capacity_and_hasher(marks.merges.len(), Default::default());
        for (rank, (left, right)) in marks.merges.iter().enumerate() {
            let find = |token: &str| match ids.get(token) {
                Some(&id) => Ok(id),
                None => Err(VocabularyError(format!(
                    "merge {rank} ({left:?} with {right:?}) names {token:?}, which is not in the vocabulary"
                ))),
            };
            let (left_id, right_id) = (find(left)?, find(right)?);
            // As many bytes as the prefix has, whatever they are.
            let Some(rest) = right.get(marks.prefix.len()..) else {
                return Err(VocabularyError(format!(
                    "merge {rank} ({left:?} with {right:?}): the second part does not start with the model's continuing_subword_prefix {:?}",
                    marks.prefix
                )));
            };
            let result = format!("{left}{rest}");
            let Some(&id) = ids.get(&result) else {
                return Err(VocabularyError(format!(
                    "merge {rank} makes {result:?} of {left:?} and {right:?}, but the vocabulary has no such token"
                )));
            };
            merges.insert(pair_key(left_id, right_id), (rank as u32, id));
        }
        let bytes = std::array::from_fn(|byte| ids.get(&format!("<0x{byte:02X}>")).copied());
        Ok(Self { marks, ids, merges, bytes })
    }

    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// What names it in a tokenizer's digest.
    pub fn description(&self) -> String {
        let Marks { prefix, suffix, merges, unknown, fuse_unknown, byte_fallback, whole_pieces, .. } = &self.marks;
        format!("{prefix:?} {suffix:?} {unknown:?} {fuse_unknown} {byte_fallback} {whole_pieces} {merges:?}")
    }

    /// Give the tokens of a piece.
    pub fn encode(&self, piece: &str, met: &mut Met, give: impl FnMut(Part)) {
        if let Some(parts) = met.0.get(piece) {
            return parts.iter().copied().for_each(give);
        }
        if self.marks.whole_pieces
            && let Some(&id) = self.ids.get(piece)
        {
            return std::iter::once((id, piece.len())).for_each(give);
        }
        let parts = self.merged(self.symbols(piece));
        if piece.len() <= REMEMBERED_BYTES && met.0.len() < REMEMBERED_PIECES {
            met.0.insert(piece.into(), parts.clone().into());
        }
        parts.into_iter().for_each(give);
    }

    /// The first symbols, in the order in which `tokenizers` puts them: an unknown one waits for the next known one.
    fn symbols(&self, piece: &str) -> Vec<Part> {
        let Marks { prefix, suffix, unknown, fuse_unknown, byte_fallback, .. } = &self.marks;
        let mut symbols = Vec::with_capacity(piece.len());
        let mut waiting: Option<Part> = None;
        let mut marked = String::new();
        for (at, character) in piece.char_indices() {
            let length = character.len_utf8();
            marked.clear();
            if at > 0 {
                marked.push_str(prefix);
            }
            marked.push(character);
            if at + length == piece.len() {
                marked.push_str(suffix);
            }
            if let Some(&id) = self.ids.get(&marked) {
                symbols.extend(waiting.take());
                symbols.push((id, length));
                continue;
            }
            if *byte_fallback {
                let bytes: Option<Vec<u32>> = marked.bytes().map(|byte| self.bytes[byte as usize]).collect();
                if let Some(bytes) = bytes {
                    symbols.extend(bytes.into_iter().map(|id| (id, 1)));
                    continue;
                }
            }
            if let Some(unknown) = *unknown {
                waiting = match waiting {
                    Some((id, before)) if *fuse_unknown => Some((id, before + length)),
                    other => {
                        symbols.extend(other);
                        Some((unknown, length))
                    }
                };
            }
        }
        symbols.extend(waiting);
        symbols
    }

    fn merged(&self, parts: Vec<Part>) -> Vec<Part> {
        let last = parts.len().wrapping_sub(1);
        let linked = |(at, (id, length)): (usize, Part)| Symbol {
            id,
            length,
            before: at.wrapping_sub(1),
            after: if at == last { NONE } else { at + 1 },
        };
        let mut symbols: Vec<Symbol> = parts.into_iter().enumerate().map(linked).collect();
        // Rank, place, result: the least first.
        let mut waiting: BinaryHeap<Reverse<(u32, usize, u32)>> = BinaryHeap::new();
        let merge = |left: u32, right: u32| self.merges.get(&pair_key(left, right)).copied();
        let found = symbols.windows(2).enumerate().filter_map(|(at, pair)| {
            let (rank, result) = merge(pair[0].id, pair[1].id)?;
            Some(Reverse((rank, at, result)))
        });
        waiting.extend(found);
        while let Some(Reverse((_, at, result))) = waiting.pop() {
            let left = symbols[at];
            if left.length == 0 || left.after == NONE {
                continue;
            }
            let right = symbols[left.after];
            // Another merge may have taken one of the two.
            if merge(left.id, right.id).is_none_or(|(_, now)| now != result) {
                continue;
            }
            symbols[left.after].length = 0;
            symbols[at] = Symbol { id: result, length: left.length + right.length, after: right.after, ..left };
            if right.after != NONE {
                symbols[right.after].before = at;
                if let Some((rank, result)) = merge(result, symbols[right.after].id) {
                    waiting.push(Reverse((rank, at, result)));
                }
            }
            if left.before != NONE
                && let Some((rank, longer)) = merge(symbols[left.before].id, result)
            {
                waiting.push(Reverse((rank, left.before, longer)));
            }
        }
        symbols.into_iter().filter(|symbol| symbol.length > 0).map(|symbol| (symbol.id, symbol.length)).collect()
    }
}
