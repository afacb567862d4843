//! The training loop.
//!
//! A candidate is a pair with the places where it came up; the most frequent is taken, its places are joined, and
//! the pairs that this makes become candidates with their places. Counts of a merge's neighbours are summed in arrays
//! by token first, so that the table of pairs is asked once a distinct neighbour and not once an occurrence.
//!
//! Two rules of `tokenizers` show only where one token is reached in two ways ("th"+"e", "t"+"he"). A pair may then
//! be a candidate twice, each time with its own places and with the count that it had when it came up, and be merged
//! twice, of which the later is its rank; and the count of a pair that was merged before is not forgotten when it
//! comes up again. Both are followed here.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};

use rustc_hash::FxHashMap;
use tokenfoundry_base::{Cancel, Cancelled};

use super::count::Table;
use super::pair_counts::PairCounts;
use super::pieces::{EDGE, Pieces, Place};
use super::{FeedError, PieceCounts};
use crate::vocab::byte_chars;
use crate::vocabulary::pair_key;

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Tokens in all, special ones included.
    pub vocab_size: u32,
    /// Pairs seen less often are not merged.
    pub min_frequency: u64,
    /// They get the ids 0, 1, … in this order. One in printable ASCII that is also a piece, or part of one, is the
    /// token that merging reaches there, as in `tokenizers`.
    pub special_tokens: Vec<String>,
    /// Bytes that become tokens whether seen or not; `None`: all 256.
    pub alphabet: Option<Vec<u8>>,
    /// Most single bytes that become tokens: those of `alphabet` first, then the most frequent, of equals the first in the
    /// order of the byte-level alphabet. Others are left out of their pieces.
    pub limit_alphabet: Option<usize>,
    /// Pairs that are as long together or longer, in bytes, are not counted, as `tokenizers` has it: a merge of two single
    /// bytes happens in any case.
    pub max_token_length: Option<u32>,
    /// Threads that join the counts; merging itself is sequential.
    pub threads: Option<usize>,
}

/// What was learned: tokens by id (special tokens only where merging reaches them) and the merges in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trained {
    pub tokens: Vec<(Vec<u8>, u32)>,
    pub merges: Vec<(u32, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrainError {
    Feed(FeedError),
    Cancelled(Cancelled),
    TooLarge(String),
}

impl From<FeedError> for TrainError {
    fn from(error: FeedError) -> Self {
        Self::Feed(error)
    }
}

impl From<Cancelled> for TrainError {
    fn from(error: Cancelled) -> Self {
        Self::Cancelled(error)
    }
}

impl std::fmt::Display for TrainError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Feed(error) => error.fmt(f),
            Self::Cancelled(error) => error.fmt(f),
            Self::TooLarge(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for TrainError {}

/// The tokens so far.
struct Vocabulary {
    spelled: Vec<Vec<u8>>,
    lengths: Vec<u32>,
    ids: FxHashMap<Vec<u8>, u32>,
    specials: usize,
    /// Special tokens that are also spelled by bytes or merges.
    reached: HashSet<u32>,
}

impl Vocabulary {
    fn new(special_tokens: &[String]) -> Self {
        let mut vocabulary = Self {
            spelled: Vec::new(),
            lengths: Vec::new(),
            ids: FxHashMap::default(),
            specials: special_tokens.len(),
            reached: HashSet::new(),
        };
        for special in special_tokens {
            // Others are written in characters that stand for other bytes in a vocabulary file.
            if special.bytes().all(|byte| byte.is_ascii_graphic()) {
                vocabulary.ids.insert(special.as_bytes().to_vec(), vocabulary.spelled.len() as u32);
            }
            vocabulary.spelled.push(special.as_bytes().to_vec());
            vocabulary.lengths.push(special.len() as u32);
        }
        vocabulary
    }

    /// The id of a token, a new one if its bytes are new: two ways to the same bytes are one token.
    fn id(&mut self, token: Vec<u8>) -> u32 {
        if let Some(&id) = self.ids.get(&token) {
            if (id as usize) < self.specials {
                self.reached.insert(id);
            }
            return id;
        }
        let id = self.spelled.len() as u32;
        self.lengths.push(token.len() as u32);
        self.spelled.push(token.clone());
        self.ids.insert(token, id);
        id
    }

    fn with_length(&self, id: u32) -> (u32, u32) {
        (id, self.lengths[id as usize])
    }

    fn into_tokens(self) -> Vec<(Vec<u8>, u32)> {
        let Self { spelled, specials, reached, .. } = self;
        let all = spelled.into_iter().zip(0u32..);
        all.filter(|(_, id)| *id as usize >= specials || reached.contains(id)).collect()
    }
}

/// A pair, its count when it was pushed, and its places in [`Queue::places`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    count: i64,
    pair: u64,
    start: usize,
    length: u32,
}

impl Ord for Candidate {
    /// The largest is taken first: the most frequent, then the smallest ids.
    fn cmp(&self, other: &Self) -> Ordering {
        self.count.cmp(&other.count).then_with(|| other.pair.cmp(&self.pair)).then_with(|| self.start.cmp(&other.start))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Candidates. Most pairs are rarer than `min_frequency` and never looked at again, so they wait outside the heap
/// until nothing else is left.
struct Queue {
    heap: BinaryHeap<Candidate>,
    rare: Vec<Candidate>,
    rare_below: i64,
    /// Of all candidates; never shrinks. Each join adds at most two, so there are at most three a byte.
    places: Vec<Place>,
}

impl Queue {
    fn push(&mut self, candidate: Candidate) {
        if candidate.count < self.rare_below {
            self.rare.push(candidate);
        } else {
            self.heap.push(candidate);
        }
    }

    fn pop(&mut self) -> Option<Candidate> {
        if self.heap.is_empty() {
            self.rare_below = 0;
            self.heap.extend(std::mem::take(&mut self.rare));
        }
        self.heap.pop()
    }
}

/// What a merge does to its neighbours on one side: for each neighbouring token, how much and where.
#[derive(Default)]
struct Side {
    /// By token: sum of counts, and number of places, later the place in [`Queue::places`] to fill next.
    weight: Vec<i64>,
    filled: Vec<usize>,
    neighbours: Vec<u32>,
    found: Vec<(u32, Place)>,
}

/// Places that are looked at together.
const STANDING: usize = 128;
const SKIPPED: usize = usize::MAX;

impl Side {
    fn clear(&mut self, tokens: usize) {
        for &neighbour in &self.neighbours {
            self.weight[neighbour as usize] = 0;
            self.filled[neighbour as usize] = 0;
        }
        self.neighbours.clear();
        self.found.clear();
        self.weight.resize(tokens, 0);
        self.filled.resize(tokens, 0);
    }

    #[inline(always)]
    fn add(&mut self, neighbour: u32, weight: i64, place: Place) {
        let index = neighbour as usize;
        if self.filled[index] == 0 {
            self.neighbours.push(neighbour);
        }
        self.filled[index] += 1;
        self.weight[index] += weight;
        self.found.push((neighbour, place));
    }

    /// Push a candidate for each neighbour whose new pair occurs at all, and give it its places.
    fn push_candidates(
        &mut self,
        queue: &mut Queue,
        counts: &PairCounts,
        fits: impl Fn(u32) -> bool,
        pair_of: impl Fn(u32) -> u64,
    ) {
        for &neighbour in &self.neighbours {
            let pair = pair_of(neighbour);
            let filled = &mut self.filled[neighbour as usize];
            let (count, length) = (counts.get(pair), *filled);
            if count <= 0 || !fits(neighbour) {
                *filled = SKIPPED;
                continue;
            }
            let start = queue.places.len();
            queue.places.resize(start + length, Place { at: 0, piece: 0 });
            *filled = start;
            queue.push(Candidate { count, pair, start, length: length as u32 });
        }
        for &(neighbour, place) in &self.found {
            let filled = &mut self.filled[neighbour as usize];
            if *filled != SKIPPED {
                queue.places[*filled] = place;
                *filled += 1;
            }
        }
    }
}

/// Candidates for the pairs of bytes.
fn first_candidates(pieces: &Pieces, counts: &mut PairCounts, id_of_byte: &[u32; 256], rare_below: i64) -> Queue {
    let ids: Vec<u32> = id_of_byte.iter().copied().filter(|&id| id != EDGE).collect();
    let mut rank_of = vec![0u8; ids.iter().max().map_or(0, |&id| id as usize + 1)];
    for (rank, &id) in ids.iter().enumerate() {
        rank_of[id as usize] = rank as u8;
    }
    let index = |left: u32, right: u32| usize::from(rank_of[left as usize]) << 8 | usize::from(rank_of[right as usize]);
    let mut numbers = vec![0usize; 1 << 16];
    let mut weights = vec![0i64; 1 << 16];
    pieces.for_each_pair(|left, right, place| {
        numbers[index(left, right)] += 1;
        weights[index(left, right)] += pieces.counts[place.piece as usize];
    });
    let mut queue = Queue { heap: BinaryHeap::new(), rare: Vec::new(), rare_below, places: Vec::new() };
    let mut start = 0;
    for (both, number) in numbers.iter_mut().enumerate() {
        if *number > 0 {
            let pair = pair_key(ids[both >> 8], ids[both & 0xFF]);
            counts.add(pair, weights[both]);
            queue.push(Candidate { count: weights[both], pair, start, length: *number as u32 });
            start += std::mem::replace(number, start);
        }
    }
    queue.places.resize(start, Place { at: 0, piece: 0 });
    pieces.for_each_pair(|left, right, place| {
        let next = &mut numbers[index(left, right)];
        queue.places[*next] = place;
        *next += 1;
    });
    queue
}

/// Which bytes become tokens.
fn wanted_bytes(tables: &[Table], options: &Options) -> [bool; 256] {
    let mut counts = [if options.alphabet.is_none() { u64::MAX } else { 0 }; 256];
    for &byte in options.alphabet.iter().flatten() {
        counts[usize::from(byte)] = u64::MAX;
    }
    for table in tables {
        table.for_each(|piece, count| {
            for &byte in piece {
                let seen = &mut counts[usize::from(byte)];
                *seen = seen.saturating_add(count);
            }
        });
    }
    let mut kept: Vec<u8> = byte_chars::alphabet().into_iter().filter(|&byte| counts[usize::from(byte)] > 0).collect();
    kept.sort_by_key(|&byte| std::cmp::Reverse(counts[usize::from(byte)]));
    kept.truncate(options.limit_alphabet.unwrap_or(256));
    let mut wanted = [false; 256];
    kept.iter().for_each(|&byte| wanted[usize::from(byte)] = true);
    wanted
}

/// Merge until the vocabulary is full or no pair is frequent enough.
pub fn train(counts: &PieceCounts, options: &Options, cancel: &Cancel) -> Result<Trained, TrainError> {
    counts.check()?;
    let tables = counts.joined(options.threads, cancel)?;
    let wanted = wanted_bytes(&tables, options);
    let mut vocabulary = Vocabulary::new(&options.special_tokens);
    let mut id_of_byte = [EDGE; 256];
    for byte in byte_chars::alphabet() {
        if wanted[usize::from(byte)] {
            id_of_byte[usize::from(byte)] = vocabulary.id(vec![byte]);
        }
    }
    let mut pieces = Pieces::new(&tables, &id_of_byte)?;
    drop(tables);

    let longest = options.max_token_length.unwrap_or(u32::MAX);
    let least = i64::try_from(options.min_frequency.max(1)).unwrap_or(i64::MAX);
    let mut pair_counts = PairCounts::new();
    let mut queue = first_candidates(&pieces, &mut pair_counts, &id_of_byte, least);
    let (mut lefts, mut rights) = (Side::default(), Side::default());
    let mut standing = [Place::default(); STANDING];
    let mut merges = Vec::new();
    while vocabulary.spelled.len() < options.vocab_size as usize {
        cancel.check()?;
        let Some(mut candidate) = queue.pop() else { break };
        let count = pair_counts.get(candidate.pair);
        if candidate.count != count {
            candidate.count = count;
            queue.push(candidate);
            continue;
        }
        if count < least {
            break;
        }
        let (left, right) = ((candidate.pair >> 32) as u32, candidate.pair as u32);
        let joined = [&vocabulary.spelled[left as usize][..], &vocabulary.spelled[right as usize][..]].concat();
        let id = vocabulary.id(joined);
        merges.push((left, right));

        let (left, right) = (vocabulary.with_length(left), vocabulary.with_length(right));
        lefts.clear(vocabulary.spelled.len());
        rights.clear(vocabulary.spelled.len());
        // Places ascend, so that in "aaa" the first two are joined.
        let places = &queue.places[candidate.start..candidate.start + candidate.length as usize];
        for places in places.chunks(STANDING) {
            // Most places are stale. Sorting them out without a branch lets the cache misses overlap.
            let mut found = 0;
            for &place in places {
                standing[found] = place;
                found += usize::from(pieces.stands(place.at, left, right));
            }
            for place in &standing[..found] {
                let Some(neighbours) = pieces.join(place.at, left, right, id) else { continue };
                let weight = pieces.counts[place.piece as usize];
                let before = neighbours.before;
                if before != EDGE {
                    let at = place.at - vocabulary.lengths[before as usize];
                    lefts.add(before, weight, Place { at, ..*place });
                }
                if neighbours.after != EDGE {
                    rights.add(neighbours.after, weight, *place);
                }
            }
        }
        let lengths = &vocabulary.lengths;
        let fits = |other: u32| lengths[other as usize].saturating_add(lengths[id as usize]) < longest;
        for &before in &lefts.neighbours {
            let weight = lefts.weight[before as usize];
            pair_counts.add(pair_key(before, left.0), -weight);
            if fits(before) {
                pair_counts.add(pair_key(before, id), weight);
            }
        }
        for &after in &rights.neighbours {
            let weight = rights.weight[after as usize];
            pair_counts.add(pair_key(right.0, after), -weight);
            if fits(after) {
                pair_counts.add(pair_key(id, after), weight);
            }
        }
        lefts.push_candidates(&mut queue, &pair_counts, fits, |before| pair_key(before, id));
        rights.push_candidates(&mut queue, &pair_counts, fits, |after| pair_key(id, after));
    }
    Ok(Trained { tokens: vocabulary.into_tokens(), merges: last_of_each(merges) })
}

/// A pair that was merged twice ranks where it was merged last.
fn last_of_each(mut merges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    let mut seen = HashSet::with_capacity(merges.len());
    merges.reverse();
    merges.retain(|merge| seen.insert(*merge));
    merges.reverse();
    merges
}
