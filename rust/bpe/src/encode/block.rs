//! The tokens of a block of pieces, in passes, so that each is a short loop without branches that depend on the text, and
//! what one piece waits for from memory was asked for while others were looked up.

use tokenfoundry_kernels::by_length::{LONGEST as LONGEST_OF, Parted, RANGES};
use tokenfoundry_kernels::byte_classes::Classifier;
use tokenfoundry_kernels::double_keys;
use tokenfoundry_kernels::packed_tokens::{SIX_NUMBER, TWELVE_NUMBER, Twelve};

use super::Encoder;
use super::fresh::Fresh;
use super::interned::Interned;
use super::long::Record;
use super::parts::{LONGEST, Parts};
use super::pieces::hash;
use super::seen::Seen;
use super::sink::{Sink, Space};
use super::tables::{AHEAD, COUNT, Few, Key, MIDDLE_BYTES, WIDE_BYTES, WORD_BYTES, write_few};

/// Pieces that are looked up together: few, so that what is known of them stays in the nearest cache,
pub const BLOCK: usize = 384;
/// but many where some were never seen, so that those to be merged side by side are many.
pub const LARGE_BLOCK: usize = 1536;
/// A block is followed by a large one if more of its pieces than one in so many were unseen.
const UNSEEN: usize = 64;
/// Scanning a window after that many may find so many more.
pub const ROOM: usize = LARGE_BLOCK + 64;

/// The tables that pieces are looked for in, by their lengths.
const WORD: usize = 0;
const MIDDLE: usize = 1;
const WIDE: usize = 2;
const LONG: usize = 3;
const _: () = assert!(WORD_BYTES == LONGEST_OF[WORD] && MIDDLE_BYTES == LONGEST_OF[MIDDLE]);
const _: () = assert!(WIDE_BYTES == LONGEST_OF[WIDE] && LONG + 1 == RANGES);

/// The pieces of `text` between `places`, relative to `base`: [`ROOM`] at most, and [`WIDE_BYTES`] of text follow the start of each.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    pub text: &'a [u8],
    pub base: usize,
    pub places: &'a [u32],
}

impl<'a> Places<'a> {
    /// Where a piece starts, and how long it is.
    #[inline(always)]
    fn span(&self, number: u16) -> (usize, usize) {
        let (start, end) = (self.places[number as usize] as usize, self.places[number as usize + 1] as usize);
        (self.base + start, end.wrapping_sub(start))
    }

    #[inline(always)]
    fn bytes(&self, number: u16) -> &'a [u8] {
        let (start, length) = self.span(number);
        &self.text[start..start + length]
    }
}

/// What to do with pieces that were never seen.
#[derive(Debug)]
pub enum Unseen<F: FnMut(&[u8], &mut Vec<u32>)> {
    /// They are tokens, or merged from their bytes, many at a time.
    Merge { of: Of },
    /// This appends the tokens of each.
    Each(F),
}

impl Unseen<fn(&[u8], &mut Vec<u32>)> {
    pub fn merge(of: Of) -> Self {
        Self::Merge { of }
    }
}

/// What is merged.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    Pieces,
    /// Of pieces; these are tokens only if merges lead there.
    Parts,
}

impl Of {
    #[inline(always)]
    fn takes(self, encoder: &Encoder, token: u32) -> bool {
        // Nearly every vocabulary has only tokens that merges lead to; asking for one is a wait for memory.
        matches!(self, Self::Pieces) || !encoder.has_only_whole || encoder.is_reached(token)
    }
}

/// Numbers of pieces, in a block.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    /// With room for what is written sixteen at a time.
    numbers: [u16; ROOM + 16],
    count: usize,
}

impl Numbers {
    const NONE: Self = Self { numbers: [0; ROOM + 16], count: 0 };

    #[inline(always)]
    fn push(&mut self, number: u16) {
        if let Some(place) = self.numbers.get_mut(self.count) {
            *place = number;
            self.count += 1;
        }
    }

    #[inline(always)]
    fn all(&self) -> &[u16] {
        self.numbers.get(..self.count).unwrap_or_default()
    }
}

/// Pieces of more tokens than [`Few`] holds.
#[derive(Debug)]
struct Many {
    /// A bit for each.
    are: [u64; ROOM.div_ceil(64)],
    /// Where in `tokens` those of each start and end.
    spans: [(u32, u32); ROOM],
    tokens: Vec<u32>,
}

impl Many {
    /// None of `count` pieces is one.
    #[inline(always)]
    fn clear(&mut self, count: usize) {
        let words = count.div_ceil(64).min(self.are.len());
        self.are[..words].fill(0);
        self.tokens.clear();
    }

    fn insert(&mut self, number: usize, first: usize) {
        self.are[number / 64] |= 1 << (number % 64);
        self.spans[number] = (first as u32, self.tokens.len() as u32);
    }

    /// The tokens of `number` are those of `other`, if that is one of these.
    fn repeat(&mut self, number: usize, other: usize) {
        if self.are[other / 64] >> (other % 64) & 1 == 1 {
            self.are[number / 64] |= 1 << (number % 64);
            self.spans[number] = self.spans[other];
        }
    }
}

/// Room for a block of pieces.
#[derive(Debug)]
pub struct Block {
    /// Of all pieces: their keys as words, and where those are looked for first.
    words: [u64; ROOM],
    buckets: [u32; ROOM + AHEAD],
    found: [Few; ROOM],
    many: Many,
    missed: [u16; ROOM],
    /// Those of `missed` by their lengths, and their keys.
    missed_of: [Numbers; RANGES],
    middle: [[u64; 2]; ROOM],
    middle_hashes: [u64; ROOM],
    wide: [Key<4>; ROOM],
    long: [u64; ROOM],
    records: [Option<Record>; ROOM],
    /// Places in `middle` or `wide` of what is not in its first bucket.
    again: Numbers,
    /// Pieces that no table has: places in `middle`, and the numbers of longer ones; of so many.
    unseen_short: Numbers,
    unseen_longer: Numbers,
    count: usize,
    hashes: [u64; ROOM],
    interned: Interned,
    /// Of those, the ones that stand in the block before, and where.
    twins: Vec<(u16, u16)>,
    fresh: Fresh,
    parts: Option<Box<Parts>>,
    tokens: Vec<u32>,
    space: Space,
}

impl Block {
    pub fn new() -> Self {
        Self {
            words: [0; ROOM],
            buckets: [0; ROOM + AHEAD],
            found: [[0; 8]; ROOM],
            many: Many { are: [0; ROOM.div_ceil(64)], spans: [(0, 0); ROOM], tokens: Vec::new() },
            missed: [0; ROOM],
            missed_of: [Numbers::NONE; RANGES],
            middle: [[0; 2]; ROOM],
            middle_hashes: [0; ROOM],
            wide: [Key::default(); ROOM],
            long: [0; ROOM],
            records: [None; ROOM],
            again: Numbers::NONE,
            unseen_short: Numbers::NONE,
            unseen_longer: Numbers::NONE,
            count: 0,
            hashes: [0; ROOM],
            interned: Interned::new(),
            twins: Vec::new(),
            fresh: Fresh::default(),
            parts: None,
            tokens: Vec::new(),
            space: Space::default(),
        }
    }

    /// How many pieces the next block shall have.
    #[inline(always)]
    pub fn most(&self) -> usize {
        if self.unseen() * UNSEEN > self.count { LARGE_BLOCK } else { BLOCK }
    }

    #[inline(always)]
    fn unseen(&self) -> usize {
        self.unseen_short.count + self.unseen_longer.count
    }

    /// Give the tokens of `pieces` to `sink`, and remember what was never seen.
    #[inline(always)]
    pub fn encode(
        &mut self,
        classifier: impl Classifier,
        seen: &mut Seen,
        encoder: &Encoder,
        pieces: Places<'_>,
        how: Unseen<impl FnMut(&[u8], &mut Vec<u32>)>,
        sink: &mut impl Sink,
    ) {
        self.find(classifier, seen, encoder, pieces, how);
        self.give(pieces.places.len() - 1, sink);
    }

    /// The same, but leave the tokens in the block.
    #[inline(always)]
    pub fn find(
        &mut self,
        classifier: impl Classifier,
        seen: &mut Seen,
        encoder: &Encoder,
        pieces: Places<'_>,
        how: Unseen<impl FnMut(&[u8], &mut Vec<u32>)>,
    ) {
        if !self.look_up(classifier, seen, pieces) {
            self.merge_unseen(seen, encoder, pieces, how);
        }
    }

    /// Write the tokens of all pieces into `tokens` from `length` on, and append where those of each end to `ends`. What is behind
    /// the last is room.
    pub fn write(&self, mut length: usize, tokens: &mut Vec<u32>, ends: &mut Vec<u32>) {
        // Room for what is written whole.
        let room_for_few = |number: usize| (self.count - number) * COUNT + 1;
        if tokens.len() < length + room_for_few(0) {
            tokens.resize(length + room_for_few(0), 0);
        }
        for number in 0..self.count {
            if self.many.are[number / 64] >> (number % 64) & 1 == 1 {
                let (first, end) = self.many.spans[number];
                let own = &self.many.tokens[first as usize..end as usize];
                let needed = length + own.len() + room_for_few(number);
                if tokens.len() < needed {
                    tokens.resize(2 * needed, 0);
                }
                tokens[length..length + own.len()].copy_from_slice(own);
                length += own.len();
            } else {
                // All eight, so that nothing depends on how many there are.
                let few = &self.found[number];
                tokens[length..length + few.len()].copy_from_slice(few);
                length += (few[COUNT] as usize).min(COUNT);
            }
            ends.push(length as u32);
        }
    }

    /// Find the tokens of the pieces; `false` if some were never seen.
    #[inline(always)]
    fn look_up(&mut self, classifier: impl Classifier, seen: &Seen, pieces: Places<'_>) -> bool {
        self.count = pieces.places.len().saturating_sub(1);
        self.many.clear(self.count);
        (self.unseen_short.count, self.unseen_longer.count) = (0, 0);
        let Self { words, buckets, found, missed, .. } = self;
        let Places { text, base, places } = pieces;
        let misses = seen.words.find_all(classifier, text, base, places, words, buckets, found, missed);
        if misses > 0 {
            self.look_further(classifier, seen, pieces, misses);
        }
        self.unseen() == 0
    }

    /// Find those that are not words in their first bucket in the other tables.
    ///
    /// Loops over numbers: chains of iterators are not compiled into a function of this size.
    #[inline(always)]
    #[allow(clippy::needless_range_loop)]
    fn look_further(&mut self, classifier: impl Classifier, seen: &Seen, pieces: Places<'_>, misses: usize) {
        let text = pieces.text;
        let Self { words, found, many, missed, missed_of, middle, middle_hashes, wide, long, records, again, .. } =
            self;
        let (unseen_short, unseen_longer) = (&mut self.unseen_short, &mut self.unseen_longer);
        let [of_words, of_middle, of_wide, of_long] = missed_of;
        let lists = [&mut of_words.numbers[..], &mut of_middle.numbers, &mut of_wide.numbers, &mut of_long.numbers];
        let counts = classifier.by_length(Parted { places: pieces.places, numbers: &missed[..misses], lists });
        [of_words.count, of_middle.count, of_wide.count, of_long.count] = counts;
        let (of_six, of_twelve) = (seen.middle.view(), seen.wide.view());
        // Ask for the memory of all first.
        for &number in of_words.all() {
            seen.words.prefetch_second(words[number as usize]);
        }
        classifier.double_keys(double_keys::Wanted {
            text: &text[pieces.base..],
            places: pieces.places,
            numbers: of_middle.all(),
            keys: middle,
            hashes: middle_hashes,
        });
        for index in 0..of_middle.count {
            of_six.prefetch(of_six.first(middle_hashes[index]));
        }
        for index in 0..of_wide.count {
            let (start, length) = pieces.span(of_wide.numbers[index]);
            wide[index] = Key::new(text, start, length);
            of_twelve.prefetch(of_twelve.first(wide[index].hash));
        }
        for index in 0..of_long.count {
            long[index] = hash(pieces.bytes(of_long.numbers[index]));
            seen.long.prefetch(long[index]);
        }
        for &number in of_words.all() {
            let key = words[number as usize];
            if !seen.words.find_second(classifier, key, &mut found[number as usize]) {
                let (start, length) = pieces.span(number);
                let key = Key::new(text, start, length);
                of_six.prefetch(of_six.first(key.hash));
                (middle[of_middle.count], middle_hashes[of_middle.count]) = (key.words, key.hash);
                of_middle.push(number);
            }
        }
        for index in 0..of_long.count {
            records[index] = seen.long.record(classifier, long[index]);
        }
        again.count = 0;
        for index in 0..of_middle.count {
            let six = classifier.six_of(of_six.line(of_six.first(middle_hashes[index])), &middle[index]);
            found[of_middle.numbers[index] as usize] = six;
            if six[SIX_NUMBER] == 0 {
                of_six.prefetch(of_six.second(middle_hashes[index]));
                again.push(index as u16);
            }
        }
        for &index in again.all() {
            let number = of_middle.numbers[index as usize];
            let (key, hash) = (&middle[index as usize], middle_hashes[index as usize]);
            let six = classifier.six_of(of_six.line(of_six.second(hash)), key);
            found[number as usize] = six;
            if six[SIX_NUMBER] == 0 {
                unseen_short.push(index);
            }
        }
        again.count = 0;
        for index in 0..of_wide.count {
            let twelve = classifier.twelve_of(of_twelve.line(of_twelve.first(wide[index].hash)), &wide[index].words);
            if !give_twelve(&twelve, of_wide.numbers[index], found, many) {
                of_twelve.prefetch(of_twelve.second(wide[index].hash));
                again.push(index as u16);
            }
        }
        for &index in again.all() {
            let number = of_wide.numbers[index as usize];
            let twelve = classifier
                .twelve_of(of_twelve.line(of_twelve.second(wide[index as usize].hash)), &wide[index as usize].words);
            if !give_twelve(&twelve, number, found, many) {
                unseen_longer.push(number);
            }
        }
        for index in 0..of_long.count {
            let number = of_long.numbers[index];
            let first = many.tokens.len();
            match records[index] {
                Some(record) if seen.long.get(record, pieces.bytes(number), &mut many.tokens) => {
                    many.insert(number as usize, first);
                }
                _ => unseen_longer.push(number),
            }
        }
    }

    /// Find the tokens of the pieces that [`Self::look_up`] left, and remember them.
    #[cold]
    #[inline(never)]
    fn merge_unseen<F: FnMut(&[u8], &mut Vec<u32>)>(
        &mut self,
        seen: &mut Seen,
        encoder: &Encoder,
        pieces: Places<'_>,
        mut how: Unseen<F>,
    ) {
        self.twins.clear();
        self.merge_short(seen, encoder, pieces, &mut how);
        self.merge_longer(seen, encoder, pieces, &mut how);
        let Self { found, many, twins, fresh, parts, .. } = self;
        let text = pieces.text;
        fresh.finish(encoder, text, |number, start, length, tokens| {
            seen.insert(text, start, length, tokens);
            give(tokens, number, found, many);
        });
        if let (Some(parts), Some(cuts)) = (parts, encoder.cuts.get()) {
            parts.finish(cuts, seen, encoder, text, |number, tokens| give(tokens, number, found, many));
        }
        for &(number, other) in &*twins {
            found[number as usize] = found[other as usize];
            many.repeat(number as usize, other as usize);
        }
    }

    /// Of those with a key of two words: find the ones that are tokens, and leave the rest to be merged.
    #[inline(always)]
    fn merge_short<F: FnMut(&[u8], &mut Vec<u32>)>(
        &mut self,
        seen: &mut Seen,
        encoder: &Encoder,
        pieces: Places<'_>,
        how: &mut Unseen<F>,
    ) {
        let Self {
            found,
            many,
            missed_of,
            middle,
            middle_hashes,
            unseen_short,
            interned,
            twins,
            tokens,
            fresh,
            parts,
            ..
        } = self;
        let key_at = |index: u16| Key { words: middle[index as usize], hash: middle_hashes[index as usize] };
        let numbers = &missed_of[MIDDLE].numbers;
        interned.clear();
        let mut left = 0;
        for place in 0..unseen_short.count {
            let index = unseen_short.numbers[place];
            let (key, number) = (key_at(index), numbers[index as usize]);
            let is = |other: u32| middle[other as usize] == key.words;
            if let Some(other) = interned.get_or_insert(key.hash, u32::from(index), is) {
                twins.push((number, numbers[other as usize]));
                continue;
            }
            let (_, length) = pieces.span(number);
            encoder.whole.prefetch(&key, length);
            unseen_short.numbers[left] = index;
            left += 1;
        }
        for &index in &unseen_short.numbers[..left] {
            let (key, number) = (&key_at(index), numbers[index as usize]);
            let piece = pieces.bytes(number);
            if let Unseen::Merge { of } = how
                && let Some(token) = encoder.whole_short(key, piece)
                && of.takes(encoder, token)
            {
                seen.insert_short(piece, key, &[token]);
                let few = &mut found[number as usize];
                (few[0], few[COUNT]) = (token, 1);
                continue;
            }
            tokens.clear();
            if seen.find_of_many_tokens(piece, key.hash, tokens) {
                give(tokens, number, found, many);
                continue;
            }
            match how {
                Unseen::Each(encode) => {
                    encode(piece, tokens);
                    seen.insert_short(piece, key, tokens);
                    give(tokens, number, found, many);
                }
                Unseen::Merge { of } => leave(encoder, pieces, number, of, fresh, parts),
            }
        }
    }

    /// The same for longer ones.
    #[inline(always)]
    fn merge_longer<F: FnMut(&[u8], &mut Vec<u32>)>(
        &mut self,
        seen: &mut Seen,
        encoder: &Encoder,
        pieces: Places<'_>,
        how: &mut Unseen<F>,
    ) {
        let Self { found, many, unseen_longer, hashes, interned, twins, tokens, fresh, parts, .. } = self;
        interned.clear();
        let mut left = 0;
        for index in 0..unseen_longer.count {
            let number = unseen_longer.numbers[index];
            let piece = pieces.bytes(number);
            let hash = hash(piece);
            tokens.clear();
            if seen.find_of_many_tokens(piece, hash, tokens) {
                give(tokens, number, found, many);
                continue;
            }
            let is = |other: u32| pieces.bytes(other as u16) == piece;
            if let Some(other) = interned.get_or_insert(hash, u32::from(number), is) {
                twins.push((number, other as u16));
                continue;
            }
            encoder.pieces.prefetch(hash);
            (unseen_longer.numbers[left], hashes[left]) = (number, hash);
            left += 1;
        }
        for &hash in &hashes[..left] {
            if let Some(id) = encoder.pieces.candidate(hash) {
                encoder.tokens.prefetch(id);
            }
        }
        for (&number, &hash) in unseen_longer.numbers[..left].iter().zip(&hashes[..left]) {
            let (start, length) = pieces.span(number);
            let piece = &pieces.text[start..start + length];
            tokens.clear();
            match how {
                Unseen::Each(encode) => encode(piece, tokens),
                Unseen::Merge { of } => {
                    let token = encoder.pieces.get_hashed(&encoder.tokens, piece, hash);
                    match token.filter(|&token| of.takes(encoder, token)) {
                        Some(token) => tokens.push(token),
                        None => {
                            leave(encoder, pieces, number, of, fresh, parts);
                            continue;
                        }
                    }
                }
            }
            seen.insert(pieces.text, start, length, tokens);
            give(tokens, number, found, many);
        }
    }

    /// Give the tokens of the first `count` pieces, in order.
    #[inline(always)]
    fn give(&mut self, count: usize, sink: &mut impl Sink) {
        let mut from = 0;
        for word in 0..count.div_ceil(64) {
            let mut bits = self.many.are[word];
            while bits != 0 {
                let number = 64 * word + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let (first, end) = self.many.spans[number];
                sink.few(&self.found[from..number], &mut self.space);
                sink.between(&self.many.tokens[first as usize..end as usize], &mut self.space);
                from = number + 1;
            }
        }
        sink.few(&self.found[from..count], &mut self.space);
        sink.end(&mut self.space);
    }
}

/// Have a piece merged from its bytes, or from those of what it falls apart into.
#[inline(always)]
fn leave(
    encoder: &Encoder,
    pieces: Places<'_>,
    number: u16,
    of: &Of,
    fresh: &mut Fresh,
    parts: &mut Option<Box<Parts>>,
) {
    let (start, length) = pieces.span(number);
    let piece = &pieces.text[start..start + length];
    if matches!(of, Of::Pieces)
        && length <= LONGEST
        && !piece.is_ascii()
        && encoder.cuts(&mut fresh.scratch.cuttable).is_some()
    {
        parts.get_or_insert_with(|| Parts::new(encoder)).push(pieces.text, number, start, length);
    } else {
        fresh.push(number, start, length);
    }
}

/// Write the tokens of a piece where the block gives them from.
#[inline(always)]
fn give(tokens: &[u32], number: u16, found: &mut [Few], many: &mut Many) {
    if !write_few(tokens, &mut found[number as usize]) {
        let first = many.tokens.len();
        many.tokens.extend_from_slice(tokens);
        many.insert(number as usize, first);
    }
}

/// [`give`] what the table of wide pieces found; `false` for no tokens.
#[inline(always)]
fn give_twelve(twelve: &Twelve, number: u16, found: &mut [Few], many: &mut Many) -> bool {
    let count = twelve[TWELVE_NUMBER] as usize;
    if count > COUNT {
        let first = many.tokens.len();
        many.tokens.extend_from_slice(&twelve[..count.min(TWELVE_NUMBER)]);
        many.insert(number as usize, first);
    } else {
        let few = &mut found[number as usize];
        few[..COUNT].copy_from_slice(&twelve[..COUNT]);
        few[COUNT] = count as u32;
    }
    count > 0
}
