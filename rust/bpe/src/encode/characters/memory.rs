//! A text to the tokens of its units: cut some kilobytes, look up what is between the cuts, and so on.

use tokenfoundry_base::{Cancel, Cancelled};
use tokenfoundry_kernels::byte_classes::{Classifier, Scalar};
use tokenfoundry_kernels::on_tier::{Work, on_tier};

use super::super::Encoder;
use super::super::sink::Sink;
use super::known::{GROUP, Known, Vocabulary};
use super::scan::{BLOCKS, Cuts, Found, Places};
use super::{Characters, Find};

/// Bytes that are cut at once.
const CUT: usize = BLOCKS * 64;
/// What follows the bytes of a unit, so that more can be read.
const BEHIND: usize = 64;
/// Texts that are left when they are shorter than this are copied to where more can be read behind them.
const TAIL: usize = CUT + BEHIND;

/// One thread's cache and room to work in. Belongs to one tokenizer.
#[derive(Debug, Default)]
pub struct Memory {
    known: Known,
    block: Option<Box<Block>>,
}

#[derive(Debug)]
struct Block {
    cuts: Cuts,
    /// Where units start, from the start of what is scanned, and where the last one ends.
    places: Places,
    tail: [u8; TAIL + BEHIND],
}

impl Block {
    fn new() -> Self {
        Self { cuts: Cuts::default(), places: [0; size_of::<Places>() / 4], tail: [0; TAIL + BEHIND] }
    }
}

struct Encode<'a, O> {
    memory: &'a mut Memory,
    vocabulary: Vocabulary<'a>,
    text: &'a [u8],
    prefixed: bool,
    find: Option<Find<'a>>,
    cancel: &'a Cancel,
    sink: &'a mut O,
}

impl<O: Sink> Work for Encode<'_, O> {
    type Output = Result<Option<Found>, Cancelled>;

    #[inline(always)]
    fn run(self, classifier: impl Classifier) -> Self::Output {
        let mut block = self.memory.block.take().unwrap_or_else(|| Box::new(Block::new()));
        let Self { memory, vocabulary, text, prefixed, find, cancel, sink } = self;
        let result = memory.known.encode(classifier, vocabulary, &mut block, text, prefixed, find, cancel, sink);
        memory.block = Some(block);
        result
    }
}

impl Memory {
    /// See [`Characters::encode`].
    #[allow(clippy::too_many_arguments)]
    pub fn encode(
        &mut self,
        characters: &Characters,
        encoder: &Encoder,
        text: &[u8],
        prefixed: bool,
        find: Option<Find<'_>>,
        cancel: &Cancel,
        sink: &mut impl Sink,
    ) -> Result<Option<Found>, Cancelled> {
        let vocabulary = Vocabulary { characters, encoder, find: find.filter(|find| find.within) };
        let work = Encode { memory: self, vocabulary, text, prefixed, find, cancel, sink };
        on_tier(work, |work| work.run(Scalar))
    }
}

impl Known {
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn encode(
        &mut self,
        classifier: impl Classifier,
        vocabulary: Vocabulary<'_>,
        block: &mut Block,
        text: &[u8],
        mut prefixed: bool,
        find: Option<Find<'_>>,
        cancel: &Cancel,
        sink: &mut impl Sink,
    ) -> Result<Option<Found>, Cancelled> {
        let joins = &vocabulary.characters.joins;
        let Block { cuts, places, tail } = block;
        let mut start = 0;
        // From where on the text is in `tail`.
        let mut copied = usize::MAX;
        while start < text.len() {
            cancel.check()?;
            let blocks = if prefixed { 2 } else { BLOCKS };
            cuts.scan(joins, text, start, blocks, find);
            let found = cuts.found;
            if cuts.length == 0 {
                return Ok(found);
            }
            let mut count = cuts.places(classifier, places);
            let mut end = start + cuts.length;
            // Units that have their end: all if it is the text's or a token's.
            if found.is_some() || end == text.len() {
                places[count] = cuts.length as u32;
            } else if count > 1 {
                count -= 1;
                end = start + places[count] as usize;
            } else {
                let (stop, found) = long_unit(cuts, vocabulary.characters, text, start, find);
                self.encode_one(vocabulary, &text[start..stop], prefixed, sink);
                prefixed = false;
                start = stop;
                if found.is_some() {
                    return Ok(found);
                }
                continue;
            }
            let mut first = 0;
            if prefixed && !cuts.starts_with_token {
                self.encode_one(vocabulary, &text[start..start + places[1] as usize], true, sink);
                first = 1;
            }
            prefixed = false;
            if copied == usize::MAX && text.len() - start <= TAIL {
                copied = start;
                tail[..text.len() - start].copy_from_slice(&text[start..]);
            }
            let (source, base) = if copied == usize::MAX { (text, start) } else { (&tail[..], start - copied) };
            while first < count {
                let last = (first + GROUP).min(count);
                self.look_up(classifier, vocabulary, source, base, &places[first..=last], sink);
                first = last;
            }
            start = end;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// Where the unit that starts at `start` and is longer than what was scanned ends, and the token that ends it.
#[cold]
#[inline(never)]
fn long_unit(
    cuts: &mut Cuts,
    characters: &Characters,
    text: &[u8],
    start: usize,
    find: Option<Find<'_>>,
) -> (usize, Option<Found>) {
    let mut at = start;
    loop {
        // From the last whole character on, whose neighbour is not scanned yet.
        at = crate::unicode::previous_boundary(text, at + cuts.length);
        cuts.scan(&characters.joins, text, at, BLOCKS, find);
        let end = at + cuts.length;
        if let Some(place) = cuts.first_place() {
            return (at + place, None);
        }
        if cuts.found.is_some() || end == text.len() {
            return (end, cuts.found);
        }
    }
}
