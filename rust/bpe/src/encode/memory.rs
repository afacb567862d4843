//! What a thread remembers of the pieces it has encoded, in a bounded amount of memory, and the loop that uses it.
//!
//! Text is taken a block of pieces at a time: where they end ([`window`]), then their tokens ([`super::block`]).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokenfoundry_base::{Cancel, Cancelled};
use tokenfoundry_kernels::byte_classes::{Classifier, PADDED, Scalar};
use tokenfoundry_kernels::on_tier::{Work, on_tier};

use super::block::{Block, Of, Places, ROOM, Unseen};
use super::seen::Seen;
use super::sink::Sink;
use super::tables::WIDE_BYTES;
use super::{Encoder, Scratch};
use crate::pretokenize::{Scan, window};

/// Bytes at the end of a text that are copied to where more can be read behind them.
const TAIL: usize = 160;
const _: () = assert!(TAIL + window::NEEDED <= PADDED);
/// Texts longer than this are taken piece by piece: places in a block are 32-bit numbers.
const LONGEST_BLOCKS: usize = 1 << 31;

/// See [`limit_bytes`].
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

/// What all tables of a thread may grow to: `TOKENFOUNDRY_CACHE_BYTES`, else 128 MB, but no more than [`limit_bytes`].
pub(super) fn budget_bytes() -> usize {
    static BUDGET: OnceLock<usize> = OnceLock::new();
    let budget = *BUDGET.get_or_init(|| {
        let asked = std::env::var("TOKENFOUNDRY_CACHE_BYTES").ok().and_then(|bytes| bytes.trim().parse().ok());
        asked.unwrap_or(128 << 20)
    });
    budget.min(LIMIT.load(Ordering::Relaxed))
}

/// Tables that are made from now on grow to no more than this. `None`: no limit of this kind.
pub fn limit_bytes(bytes: Option<usize>) {
    LIMIT.store(bytes.unwrap_or(usize::MAX), Ordering::Relaxed);
}

/// One thread's tables and scratch space. Belongs to one encoder.
#[derive(Debug)]
pub struct Memory {
    seen: Seen,
    tokens: Vec<u32>,
    scratch: Scratch,
    block: Option<Box<Room>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(budget_bytes())
    }
}

/// Scans piece by piece, where there are no vectors to find many at once.
#[derive(Clone, Copy)]
struct OneByOne<S>(S);

impl<S: Scan> Scan for OneByOne<S> {
    #[inline(always)]
    fn end(&self, text: &[u8], start: usize) -> usize {
        self.0.end(text, start)
    }
}

struct EncodeText<'a, S, O> {
    memory: &'a mut Memory,
    encoder: &'a Encoder,
    scanner: S,
    text: &'a [u8],
    cancel: &'a Cancel,
    sink: &'a mut O,
}

impl<S: Scan, O: Sink> Work for EncodeText<'_, S, O> {
    type Output = Result<(), Cancelled>;

    #[inline(always)]
    fn run(self, classifier: impl Classifier) -> Self::Output {
        let Self { memory, encoder, scanner, text, cancel, sink } = self;
        let Memory { seen, scratch, block, .. } = memory;
        let Room { places, block } = &mut **block.get_or_insert_with(Room::new);
        let mut at = 0;
        let stop = text.len().saturating_sub(TAIL);
        while at < stop {
            cancel.check()?;
            let found = window::scan(classifier, scanner, text, at, at..stop, block.most(), &mut places[1..]);
            let places = &places[..=found.count];
            block.encode(classifier, seen, encoder, Places { text, base: at, places }, unseen(encoder, scratch), sink);
            at = found.at;
        }
        if at < text.len() {
            let tail = &text[at..];
            let padded = classifier.padded(tail);
            let count = window::scan_last(classifier, scanner, &padded, tail.len(), 0, 0, &mut places[1..]);
            let pieces = Places { text: &padded, base: 0, places: &places[..=count] };
            block.encode(classifier, seen, encoder, pieces, unseen(encoder, scratch), sink);
        }
        Ok(())
    }
}

/// Only what is merged from bytes is merged many at a time.
#[inline(always)]
fn unseen<'a>(encoder: &'a Encoder, scratch: &'a mut Scratch) -> Unseen<impl FnMut(&[u8], &mut Vec<u32>)> {
    if encoder.merges_bytes() {
        return Unseen::Merge { of: Of::Pieces };
    }
    Unseen::Each(|piece: &[u8], tokens: &mut Vec<u32>| encoder.encode_piece(piece, scratch, tokens))
}

/// Room for a block of pieces.
#[derive(Debug)]
struct Room {
    /// Where the first piece starts, and where each ends.
    places: [u32; 1 + ROOM],
    block: Block,
}

impl Room {
    fn new() -> Box<Self> {
        Box::new(Self { places: [0; 1 + ROOM], block: Block::new() })
    }
}

impl Memory {
    /// With tables that grow to about `budget_bytes` together.
    pub fn new(budget_bytes: usize) -> Self {
        Self { seen: Seen::new(budget_bytes), tokens: Vec::new(), scratch: Scratch::default(), block: None }
    }

    /// Give the tokens of all pieces of `text` to `sink`.
    pub fn encode_text<S: Scan>(
        &mut self,
        encoder: &Encoder,
        scanner: S,
        text: &[u8],
        cancel: &Cancel,
        sink: &mut impl Sink,
    ) -> Result<(), Cancelled> {
        if text.len() > LONGEST_BLOCKS {
            let mut at = 0;
            while at < text.len() {
                cancel.check()?;
                let end = scanner.end(text, at);
                self.encode(encoder, &text[at..end], sink);
                at = end;
            }
            return Ok(());
        }
        let work = EncodeText { memory: self, encoder, scanner, text, cancel, sink };
        on_tier(work, |work| {
            let EncodeText { memory, encoder, scanner, text, cancel, sink } = work;
            EncodeText { memory, encoder, scanner: OneByOne(scanner), text, cancel, sink }.run(Scalar)
        })
    }

    /// Give the tokens of `piece` to `sink`.
    pub fn encode(&mut self, encoder: &Encoder, piece: &[u8], sink: &mut impl Sink) {
        let Self { seen, tokens, scratch, .. } = self;
        tokens.clear();
        // Tables read that many bytes from a piece's start on.
        let mut padded = [0; WIDE_BYTES];
        let text = match padded.get_mut(..piece.len()) {
            Some(place) => {
                place.copy_from_slice(piece);
                &padded[..]
            }
            None => piece,
        };
        if !seen.find(text, 0, piece.len(), tokens) {
            encoder.encode_piece(piece, scratch, tokens);
            seen.insert(text, 0, piece.len(), tokens);
        }
        sink.many(tokens);
    }

    /// [`Self::encode`] for bytes that are no UTF-8, which no table may hold.
    pub fn encode_invalid(&mut self, encoder: &Encoder, bytes: &[u8], sink: &mut impl Sink) {
        self.tokens.clear();
        encoder.encode_piece(bytes, &mut self.scratch, &mut self.tokens);
        sink.many(&self.tokens);
    }
}
