//! From a vocabulary to the tables of the encoder.
//!
//! Symbols are numbered so that the number is the priority: first the symbols that a text starts as (bytes, or
//! characters), then one for each merge in order. Of all the ways to spell a token only one is ever reached: the merges
//! inside a token's span happen as if the token stood alone, so the pair that merges into it is what encoding the
//! token's own bytes ends with before the last merge. That pair is kept and the others are dropped, which changes no
//! encoding; tokens are visited from short to long so that their parts come first. A token whose own bytes do not end
//! in such a pair is reached by no merge at all.
//!
//! Two ways find that pair: [`Search::by_cuts`] in a few look-ups a token, for vocabularies whose merges come after
//! those that make their parts, and [`Search::by_merging`] for any.

use std::collections::VecDeque;
use std::sync::OnceLock;

use super::merge::{SHORT, merge_bytes, merge_long, merge_short};
use super::pieces::{Pieces, hash};
use super::symbols::Start;
use super::whole::Whole;
use super::{Encoder, split::Splits};
use crate::vocabulary::{Merges, Symbols, Tokens, Vocabulary, VocabularyError};
use tokenfoundry_kernels::pair_merges::{MAX_SYMBOLS, NONE, Pairs};

/// How a message shows a token: as text where it is one.
pub fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("b\"{}\"", bytes.escape_ascii()),
    }
}

fn error<T>(message: String) -> Result<T, VocabularyError> {
    Err(VocabularyError(message))
}

/// Tables are larger than near caches, so what is looked up so many tokens later is asked for now.
const AHEAD: usize = 8;

/// All tokens by their bytes; an error names two ids of the same bytes.
fn index_tokens(tokens: &Tokens) -> Result<Pieces, VocabularyError> {
    let mut pieces = Pieces::with_capacity(tokens.len());
    for (id, bytes) in tokens.iter() {
        if let Some(next) = tokens.get(id + AHEAD as u32) {
            pieces.prefetch(hash(next));
        }
        if let Err(first) = pieces.insert(tokens, id) {
            return error(format!(
                "token {} has two ids, {first} and {id}; a vocabulary maps each token to one",
                shown(bytes)
            ));
        }
    }
    Ok(pieces)
}

/// The result of each listed merge. Files list merges in the order of their results more often than not, so the token
/// after the last result is looked at first.
fn results_of(listed: &[[u32; 2]], tokens: &Tokens, by_bytes: &Pieces) -> Result<Vec<u32>, VocabularyError> {
    let mut results = Vec::with_capacity(listed.len());
    let mut joined = Vec::new();
    let mut last = 0;
    for (rank, &[left, right]) in listed.iter().enumerate() {
        let (Some(left_bytes), Some(right_bytes)) = (tokens.get(left), tokens.get(right)) else {
            return error(format!("merge {rank} names token {left} or {right}, which the vocabulary does not have"));
        };
        let is_result = |id: u32| {
            let rest = tokens.get(id).and_then(|bytes| bytes.strip_prefix(left_bytes));
            rest == Some(right_bytes)
        };
        let found = if is_result(last) {
            Some(last)
        } else if is_result(last + 1) {
            Some(last + 1)
        } else {
            joined.clear();
            joined.extend_from_slice(left_bytes);
            joined.extend_from_slice(right_bytes);
            by_bytes.get(tokens, &joined)
        };
        let Some(result) = found else {
            return error(format!(
                "merge {rank} makes {} of {} and {}, but the vocabulary has no such token",
                shown(&joined),
                shown(left_bytes),
                shown(right_bytes)
            ));
        };
        results.push(result);
        last = result;
    }
    Ok(results)
}

/// Numbers from 0 grouped by a key: for each key, where its group starts in the list of all numbers.
fn grouped(keys: impl Iterator<Item = u32> + Clone, key_count: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; key_count + 2];
    for key in keys.clone() {
        starts[key as usize + 2] += 1;
    }
    for key in 2..starts.len() {
        starts[key] += starts[key - 1];
    }
    let mut numbers = vec![0u32; starts[key_count + 1] as usize];
    for (number, key) in keys.enumerate() {
        let place = &mut starts[key as usize + 1];
        numbers[*place as usize] = number as u32;
        *place += 1;
    }
    starts.pop();
    (starts, numbers)
}

/// How to find the two symbols that a token's own bytes end as, before the last merge.
struct Search<'a> {
    tokens: &'a Tokens,
    by_bytes: &'a Pieces,
    start: &'a Start,
    /// The tokens of symbols.
    to_token: &'a [u32],
    first_merge: u32,
    listed: Option<Listed<'a>>,
}

/// Listed merges: their pairs, and by token the numbers of those that make it.
struct Listed<'a> {
    pairs: &'a [[u32; 2]],
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl Listed<'_> {
    fn making(&self, id: u32) -> &[u32] {
        &self.numbers[self.starts[id as usize] as usize..self.starts[id as usize + 1] as usize]
    }
}

/// What the search fills in, from short tokens to long.
struct Found {
    pairs: Pairs,
    splits: Splits,
    /// The symbol of each token that merges reach, or that a text starts as.
    symbol_of: Vec<u32>,
}

/// A symbol's parts, and its own number.
struct Split {
    left: u32,
    right: u32,
    symbol: u32,
}

/// Two to three left parts of a token are looked up until one is right.
#[derive(Clone, Copy, Default)]
struct Lefts([u64; 3]);

/// Pairs that wait until their memory is there. Nobody asks for them while tokens are of one length: they are longer than what
/// those are made of.
#[derive(Default)]
struct Unplaced {
    pairs: VecDeque<Split>,
    length: usize,
}

impl Unplaced {
    /// Before a token of `length` bytes is looked at.
    #[inline(always)]
    fn next_token(&mut self, length: usize, pairs: &mut Pairs) {
        if length != self.length {
            self.length = length;
            self.place_all(pairs);
        } else if self.pairs.len() >= AHEAD
            && let Some(Split { left, right, symbol }) = self.pairs.pop_front()
        {
            pairs.insert(left, right, symbol);
        }
    }

    fn place_all(&mut self, pairs: &mut Pairs) {
        for Split { left, right, symbol } in self.pairs.drain(..) {
            pairs.insert(left, right, symbol);
        }
    }
}

/// A vocabulary in which a merge comes before one that makes its parts: symbols do not count up in time.
struct OutOfOrder;

impl Search<'_> {
    fn fresh(&self) -> Found {
        let mut symbol_of = vec![NONE; self.tokens.len()];
        for (symbol, &token) in self.to_token[..self.first_merge as usize].iter().enumerate() {
            if token != NONE {
                symbol_of[token as usize] = symbol as u32;
            }
        }
        Found {
            pairs: Pairs::with_capacity(self.tokens.len()),
            splits: Splits::with_capacity(self.to_token.len()),
            symbol_of,
        }
    }

    /// By trying the ways to cut a token in two: that one is right whose parts no other merge would have joined across
    /// the cut. Needs a vocabulary whose merges come after those that make their parts, as nearly all are.
    fn by_cuts(&self, order: &[u32]) -> Result<Found, OutOfOrder> {
        let mut found = self.fresh();
        let mut lefts = [Lefts::default(); 2 * AHEAD];
        let mut unplaced = Unplaced::default();
        for (place, &id) in order.iter().take(AHEAD).enumerate() {
            lefts[place] = self.lefts(id);
        }
        for (place, &id) in order.iter().enumerate() {
            if let Some(&next) = order.get(place + AHEAD) {
                lefts[(place + AHEAD) % (2 * AHEAD)] = self.lefts(next);
            }
            let Some(bytes) = self.tokens.get(id) else { continue };
            unplaced.next_token(bytes.len(), &mut found.pairs);
            let split = match &self.listed {
                Some(listed) => {
                    let symbols = |rank: u32| {
                        let [left, right] = listed.pairs[rank as usize];
                        (found.symbol_of[left as usize], found.symbol_of[right as usize], rank)
                    };
                    // The last listed of equals wins, as in `tokenizers`.
                    let mut candidates = listed.making(id).iter().rev().map(|&rank| symbols(rank));
                    candidates.find(|&(left, right, _)| found.is_settled(left, right))
                }
                None => (1..bytes.len()).rev().enumerate().find_map(|(number, at)| {
                    let (left, right) = bytes.split_at(at);
                    let hashed = lefts[place % (2 * AHEAD)].0.get(number).copied();
                    let left = found.symbol(self, left, hashed)?;
                    let right = found.symbol(self, right, None)?;
                    found.is_settled(left, right).then_some((left, right, id))
                }),
            };
            let Some((left, right, rank)) = split else { continue };
            let symbol = self.first_merge + rank;
            if left >= symbol || right >= symbol {
                return Err(OutOfOrder);
            }
            found.pairs.prefetch(left, right);
            found.set(id, &Split { left, right, symbol });
            unplaced.pairs.push_back(Split { left, right, symbol });
        }
        unplaced.place_all(&mut found.pairs);
        Ok(found)
    }

    /// The hashes of a token's longest left parts, whose memory is asked for.
    #[inline(always)]
    fn lefts(&self, id: u32) -> Lefts {
        let mut lefts = Lefts::default();
        if let (None, Some(bytes)) = (&self.listed, self.tokens.get(id)) {
            for (left, at) in lefts.0.iter_mut().zip((2..bytes.len()).rev()) {
                *left = hash(&bytes[..at]);
                self.by_bytes.prefetch(*left);
            }
        }
        lefts
    }

    /// By merging each token's bytes as if they were a text: right for any order of merges.
    fn by_merging(&self, order: &[u32]) -> Found {
        let mut found = self.fresh();
        let mut spelled: Vec<u32> = Vec::new();
        for &id in order {
            let Some(bytes) = self.tokens.get(id) else { continue };
            spelled.clear();
            if !self.start.spell_token(bytes, &mut spelled) || spelled.len() < 2 {
                continue;
            }
            let count = if matches!(self.start, Start::Bytes(_)) && bytes.len() <= SHORT {
                merge_bytes(&found.pairs, bytes, &mut spelled)
            } else if spelled.len() <= SHORT {
                merge_short(&found.pairs, &mut spelled)
            } else {
                merge_long(&found.pairs, &mut spelled)
            };
            if count != 2 {
                continue;
            }
            let (left, right) = (spelled[0], spelled[1]);
            let rank = match &self.listed {
                None => Some(id),
                Some(listed) => {
                    let pair = [self.to_token[left as usize], self.to_token[right as usize]];
                    listed.making(id).iter().rev().copied().find(|&rank| listed.pairs[rank as usize] == pair)
                }
            };
            if let Some(rank) = rank {
                found.insert(id, Split { left, right, symbol: self.first_merge + rank });
            }
        }
        found
    }
}

impl Found {
    fn insert(&mut self, id: u32, split: Split) {
        self.pairs.insert(split.left, split.right, split.symbol);
        self.set(id, &split);
    }

    /// [`Self::insert`] without the pair.
    fn set(&mut self, id: u32, split: &Split) {
        self.splits.set(split.symbol, split.left, split.right);
        self.symbol_of[id as usize] = split.symbol;
    }

    /// The symbol of a token with these bytes that merges reach; `hashed` if their hash is known.
    #[inline(always)]
    fn symbol(&self, search: &Search<'_>, bytes: &[u8], hashed: Option<u64>) -> Option<u32> {
        if let &[byte] = bytes {
            return Some(byte as u32);
        }
        let hash = hashed.unwrap_or_else(|| hash(bytes));
        let symbol = self.symbol_of[search.by_bytes.get_hashed(search.tokens, bytes, hash)? as usize];
        (symbol != NONE).then_some(symbol)
    }

    /// Whether the bytes of two symbols, put together, merge into just these two before anything else: going back in
    /// time, the symbols on both sides of the cut are ever smaller ones, and at no time may a merge of those two have
    /// been due before what really happened next. Of equal merges the left one comes first.
    #[inline]
    fn is_settled(&self, mut left: u32, mut right: u32) -> bool {
        if left == NONE || right == NONE {
            return false;
        }
        let mut due_before = NONE;
        loop {
            if self.pairs.get(left, right) < due_before {
                return false;
            }
            // The later of the two merges is undone. Symbols that a text starts as are less than all others.
            if left > right {
                let Some([_, end]) = self.splits.get(left) else { return true };
                due_before = left;
                left = end;
            } else {
                let Some([end, _]) = self.splits.get(right) else { return true };
                due_before = right + 1;
                right = end;
            }
        }
    }
}

pub fn build(vocabulary: Vocabulary) -> Result<Encoder, VocabularyError> {
    let Vocabulary { tokens, merges, symbols, whole_pieces, unknown, fuse_unknown } = vocabulary;
    if tokens.is_empty() {
        return error("the vocabulary has no tokens".to_owned());
    }
    let by_bytes = index_tokens(&tokens)?;
    let mut start = match symbols {
        Symbols::Bytes => Start::bytes(&tokens, &by_bytes),
        Symbols::Characters | Symbols::CharactersOrBytes => {
            Start::characters(&tokens, &by_bytes, symbols == Symbols::CharactersOrBytes)
        }
    };
    if let (Merges::ByRank, Start::Bytes(bytes)) = (&merges, &start)
        && let Some(missing) = bytes.to_token.iter().position(|&token| token == NONE)
    {
        return error(format!("the vocabulary cannot spell itself: byte 0x{missing:02X} has no token"));
    }
    if let Some(unknown) = unknown
        && tokens.get(unknown).is_none()
    {
        return error(format!("the unknown token has id {unknown}, which the vocabulary does not have"));
    }
    let first_merge = start.count();
    let results = match &merges {
        Merges::ByRank => Vec::new(),
        Merges::Listed(listed) => results_of(listed, &tokens, &by_bytes)?,
    };
    let merge_count = if let Merges::Listed(listed) = &merges { listed.len() } else { tokens.len() };
    if first_merge as usize + merge_count > MAX_SYMBOLS {
        return error(format!("{merge_count} merges are more than the {MAX_SYMBOLS} that fit"));
    }
    let mut to_token = start.to_token();
    match &merges {
        Merges::ByRank => to_token.extend(0..tokens.len() as u32),
        Merges::Listed(_) => to_token.extend_from_slice(&results),
    }

    // The parts of a token are shorter than it is.
    let length = |id: u32| tokens.get(id).map_or(0, <[u8]>::len) as u32;
    let ids = 0..tokens.len() as u32;
    let longest = ids.clone().map(length).max().unwrap_or(0);
    let (_, order) = grouped(ids.map(length), longest as usize + 1);
    let search = Search {
        tokens: &tokens,
        by_bytes: &by_bytes,
        start: &start,
        to_token: &to_token,
        first_merge,
        listed: match &merges {
            Merges::ByRank => None,
            Merges::Listed(listed) => {
                let (starts, numbers) = grouped(results.iter().copied(), tokens.len());
                Some(Listed { pairs: listed, starts, numbers })
            }
        },
    };
    // By cuts is several times as quick.
    let cut = search.by_cuts(&order);
    let is_ordered = cut.is_ok();
    let Found { pairs, splits, symbol_of } = cut.unwrap_or_else(|OutOfOrder| search.by_merging(&order));

    // A token of bytes is what `<0x41>` stands for, not its spelling.
    let is_reached = |&(id, bytes): &(u32, &[u8])| symbol_of[id as usize] != NONE && !start.is_byte_token(id, bytes);
    let is_piece = |token: &(u32, &[u8])| whole_pieces || is_reached(token);
    let whole = match &start {
        Start::Bytes(start) if start.complete => Whole::new(tokens.iter().filter(is_piece)),
        _ => Whole::new(std::iter::empty()),
    };
    let pieces = if whole_pieces {
        by_bytes
    } else {
        let mut reached = Pieces::with_capacity(tokens.len());
        for (id, _) in tokens.iter().filter(is_reached) {
            // The same bytes twice were refused above.
            let _ = reached.insert(&tokens, id);
        }
        reached
    };
    start.finish();
    let has_only_whole = whole_pieces && tokens.iter().any(|(id, _)| symbol_of[id as usize] == NONE);
    Ok(Encoder {
        tokens,
        pairs,
        splits,
        pieces,
        whole,
        start,
        to_token,
        symbol_of,
        unknown,
        fuse_unknown,
        whole_pieces,
        is_ordered,
        trees: OnceLock::new(),
        cuts: OnceLock::new(),
        has_only_whole,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens over two letters, each the join of two before it; ids are in a random order if `shuffled`.
    fn vocabulary(seed: &mut u64, listed: bool, shuffled: bool) -> Vocabulary {
        let mut next = |limit: usize| {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*seed >> 33) as usize % limit
        };
        let mut spelled: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        for _ in 0..40 {
            let letters = [b'a' as usize, b'b' as usize];
            let mut part = || match next(spelled.len() - 256 + 2) {
                letter @ (0 | 1) => letters[letter],
                merged => merged + 254,
            };
            let (left, right) = (part(), part());
            let joined = [spelled[left].as_slice(), spelled[right].as_slice()].concat();
            if !spelled.contains(&joined) && joined.len() < 20 {
                spelled.push(joined);
            }
        }
        if shuffled {
            for at in (257..spelled.len()).rev() {
                spelled.swap(at, 256 + next(at - 255));
            }
        }
        let vocabulary = Vocabulary::from_ranks(Tokens::from_ordered(&spelled));
        if !listed {
            return vocabulary;
        }
        let id = |bytes: &[u8]| spelled.iter().position(|token| token == bytes).map(|id| id as u32);
        let mut merges = Vec::new();
        for token in &spelled[256..] {
            for at in 1..token.len() {
                if let (Some(left), Some(right)) = (id(&token[..at]), id(&token[at..])) {
                    merges.push([left, right]);
                }
            }
        }
        if shuffled {
            for at in (1..merges.len()).rev() {
                merges.swap(at, next(at + 1));
            }
        }
        Vocabulary { merges: Merges::Listed(merges), ..vocabulary }
    }

    #[test]
    fn cutting_finds_what_merging_finds() {
        let mut seed = 1;
        let mut in_order = 0;
        for round in 0..400 {
            let Vocabulary { tokens, merges, .. } = vocabulary(&mut seed, round % 2 == 0, round % 4 >= 2);
            let by_bytes = index_tokens(&tokens).expect("no token twice");
            let start = Start::bytes(&tokens, &by_bytes);
            let mut to_token = start.to_token();
            let results = match &merges {
                Merges::ByRank => (0..tokens.len() as u32).collect(),
                Merges::Listed(listed) => results_of(listed, &tokens, &by_bytes).expect("results"),
            };
            to_token.extend_from_slice(&results);
            let length = |id: u32| tokens.get(id).map_or(0, <[u8]>::len) as u32;
            let (_, order) = grouped((0..tokens.len() as u32).map(length), 64);
            assert!(order.is_sorted_by_key(|&id| length(id)));
            let search = Search {
                tokens: &tokens,
                by_bytes: &by_bytes,
                start: &start,
                to_token: &to_token,
                first_merge: 256,
                listed: match &merges {
                    Merges::ByRank => None,
                    Merges::Listed(listed) => {
                        let (starts, numbers) = grouped(results.iter().copied(), tokens.len());
                        Some(Listed { pairs: listed, starts, numbers })
                    }
                },
            };
            let merged = search.by_merging(&order);
            let Ok(cut) = search.by_cuts(&order) else { continue };
            in_order += 1;
            assert_eq!(cut.symbol_of, merged.symbol_of, "round {round}");
            for symbol in 0..to_token.len() as u32 {
                assert_eq!(cut.splits.get(symbol), merged.splits.get(symbol), "round {round}, symbol {symbol}");
            }
        }
        assert!(in_order > 100, "{in_order} of 400 vocabularies were in order");
    }
}
