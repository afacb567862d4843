//! What a thread remembers of the units it has encoded, in a bounded amount of memory, and the loop that looks them up.
//!
//! Groups of units of up to 15 bytes and five tokens take half a cache line with their bytes as the key; up to 31 bytes and
//! ten tokens a whole one (seven and fifteen tokens in small vocabularies); all others are in a table onto an arena that is emptied when it is full. Together at most about
//! 120 MB a thread, of which a new tokenizer touches half a megabyte.
//!
//! Units are looked up many at a time, so that the cache misses of a block overlap.

use tokenfoundry_base::{Cancel, Cancelled};

use super::super::Encoder;
use super::super::merge::{SHORT, merge_short};
use super::super::pieces::hash;
use super::super::sink::Sink;
use super::lines::Lines;
use super::scan::{BLOCKS, Cuts, Found};
use super::window::Windows;
use super::{Characters, Find};

/// A key of two words, up to seven tokens and how many.
type Short = Lines<4, 2>;
/// A key of four words, up to fifteen tokens and how many.
type Middle = Lines<8, 4>;

const SHORT_BYTES: usize = 15;
const SHORT_WORDS: usize = 2;
const MIDDLE_BYTES: usize = 31;
const MIDDLE_WORDS: usize = 4;
/// Lines of 64 bytes at first and at most: 32 MB each.
const FIRST_LINES: usize = 1 << 12;
const MOST_LINES: usize = 1 << 19;
const SEEN_BITS: u32 = 20;
const LONG_SLOTS: usize = 1 << 18;
const ARENA_BYTES: usize = 32 << 20;
const ARENA_TOKENS: usize = 4 << 20;
/// Units that are looked up together.
const GROUP: usize = 128;
/// Tokens of a group, with room for one more write of eight.
const ROOM: usize = GROUP * room(true, MIDDLE_WORDS) + 16;

/// Bits of a token: all that ids below 65,536 need (`narrow`), or all below 16 million.
const fn bits(narrow: bool) -> usize {
    if narrow { 16 } else { 24 }
}

/// Tokens that fit in so many words, whose last byte is their number.
const fn room(narrow: bool, words: usize) -> usize {
    (words * 64 - 8) / bits(narrow)
}

/// Hash; where the bytes start, and how many; where the tokens start, and how many.
type LongEntry = [u64; 3];

fn range(word: u64) -> std::ops::Range<usize> {
    let (start, length) = ((word >> 32) as usize, word as u32 as usize);
    start..start + length
}

/// One thread's cache and room to work in. Belongs to one tokenizer.
#[derive(Debug)]
pub struct Memory {
    tables: Tables,
    block: Box<Block>,
}

#[derive(Debug)]
struct Tables {
    short: Short,
    middle: Middle,
    long: Vec<LongEntry>,
    long_bytes: Vec<u8>,
    long_tokens: Vec<u32>,
    tokens: Vec<u32>,
    /// A mark for each group that came once.
    seen: Vec<u8>,
    symbols: Vec<u32>,
    ends: Vec<u32>,
    shown: Vec<u8>,
    windows: Windows,
}

#[derive(Debug)]
struct Block {
    cuts: Cuts,
    /// Where units start, from the start of what is scanned, and where the last one ends.
    places: [u32; BLOCKS * 64 + 1],
    keys: [[u64; 4]; GROUP],
    homes: [usize; GROUP],
    tokens: [u32; ROOM],
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            tables: Tables {
                short: Lines::new(FIRST_LINES, MOST_LINES),
                middle: Lines::new(FIRST_LINES, MOST_LINES),
                long: vec![[0; 3]; LONG_SLOTS],
                long_bytes: Vec::new(),
                long_tokens: Vec::new(),
                tokens: Vec::new(),
                seen: vec![0; 1 << SEEN_BITS],
                symbols: Vec::new(),
                ends: Vec::new(),
                shown: Vec::new(),
                windows: Windows::default(),
            },
            block: Box::new(Block {
                cuts: Cuts::default(),
                places: [0; BLOCKS * 64 + 1],
                keys: [[0; 4]; GROUP],
                homes: [0; GROUP],
                tokens: [0; ROOM],
            }),
        }
    }
}

/// Keeps so many of the sixteen bytes from the lowest on.
static MASKS: [u128; 17] = {
    let mut masks = [0; 17];
    let mut length = 1;
    while length < 17 {
        masks[length] = u128::MAX >> (128 - 8 * length);
        length += 1;
    }
    masks
};

#[inline(always)]
fn sixteen(text: &[u8], at: usize) -> u128 {
    match text.get(at..).and_then(<[u8]>::first_chunk) {
        Some(window) => u128::from_le_bytes(*window),
        None => {
            let mut window = [0; 16];
            let rest = text.get(at..).unwrap_or(&[]);
            window[..rest.len()].copy_from_slice(rest);
            u128::from_le_bytes(window)
        }
    }
}

/// The bytes of a unit of up to [`SHORT_BYTES`] and, in the highest byte, how many they are.
#[inline(always)]
fn short_key(text: &[u8], start: usize, length: usize) -> [u64; 2] {
    let key = sixteen(text, start) & MASKS[length & 15] | (length as u128) << 120;
    [key as u64, (key >> 64) as u64]
}

/// As [`short_key`], for up to [`MIDDLE_BYTES`].
#[inline(always)]
fn middle_key(text: &[u8], start: usize, length: usize) -> [u64; 4] {
    let low = sixteen(text, start) & MASKS[length.min(16)];
    let high = sixteen(text, start + 16) & MASKS[length.saturating_sub(16) & 15] | (length as u128) << 120;
    [low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64]
}

/// Write the tokens in `words` and give how many they are. There must be place for as many as fit.
#[inline(always)]
fn unpack<const NARROW: bool, const WORDS: usize>(words: &[u64; WORDS], tokens: &mut [u32]) -> usize {
    let bits = bits(NARROW);
    let Some(tokens) = tokens.get_mut(..room(NARROW, WORDS)) else { return 0 };
    for (at, token) in tokens.iter_mut().enumerate() {
        let (word, from) = (at * bits / 64, at * bits % 64);
        let mut value = words[word] >> from;
        if from + bits > 64 {
            value |= words[(word + 1) % WORDS] << (64 - from);
        }
        *token = value as u32 & (u32::MAX >> (32 - bits));
    }
    (words[WORDS - 1] >> 56) as usize
}

/// An entry of a key, tokens and, in the last byte, their number.
fn entry<const ENTRY: usize>(narrow: bool, key: &[u64], tokens: &[u32]) -> [u64; ENTRY] {
    let mut entry = [0; ENTRY];
    let (own, words) = entry.split_at_mut(key.len());
    own.copy_from_slice(key);
    let bits = bits(narrow);
    for (at, &token) in tokens.iter().enumerate() {
        let (word, from) = (at * bits / 64, at * bits % 64);
        words[word] |= u64::from(token) << from;
        if from + bits > 64 {
            words[word + 1] |= u64::from(token) >> (64 - from);
        }
    }
    words[words.len() - 1] |= (tokens.len() as u64) << 56;
    entry
}

/// The words of an entry after its key.
#[inline(always)]
fn after_key<const KEY: usize, const ENTRY: usize, const WORDS: usize>(entry: &[u64; ENTRY]) -> &[u64; WORDS] {
    const { assert!(KEY + WORDS == ENTRY) };
    entry.last_chunk().unwrap_or(&[0; WORDS])
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
        if encoder.to_token.len() <= 1 << 16 && encoder.tokens.len() <= 1 << 16 && find.is_none_or(Find::is_narrow) {
            self.encode_as::<true>(characters, encoder, text, prefixed, find, cancel, sink)
        } else {
            self.encode_as::<false>(characters, encoder, text, prefixed, find, cancel, sink)
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn encode_as<const NARROW: bool>(
        &mut self,
        characters: &Characters,
        encoder: &Encoder,
        text: &[u8],
        prefixed: bool,
        find: Option<Find<'_>>,
        cancel: &Cancel,
        sink: &mut impl Sink,
    ) -> Result<Option<Found>, Cancelled> {
        let Self { tables, block } = self;
        // As many characters of three bytes as tokens; not all are several tokens in a small vocabulary.
        let most = (MIDDLE_BYTES, if NARROW { 24 } else { 30 });
        let mut unit = Unit { characters, encoder, find: find.filter(|find| find.within) };
        let mut start = 0;
        let mut prefixed = prefixed;
        while start < text.len() {
            cancel.check()?;
            let blocks = if prefixed { 2 } else { BLOCKS };
            block.cuts.scan(&characters.joins, text, start, blocks, find);
            let found = block.cuts.found;
            let mut end = start + block.cuts.length;
            // Units that have their end: all if it is the text's or a token's.
            let mut count = block.cuts.places(&characters.joins, text, most, &mut block.places[1..]) + 1;
            block.places[0] = 0;
            if found.is_some() || end == text.len() {
                block.places[count] = (end - start) as u32;
                if end == start {
                    return Ok(found);
                }
            } else if count > 1 {
                count -= 1;
                end = start + block.places[count] as usize;
            } else {
                let (stop, found) = long_unit(&mut block.cuts, characters, text, start, find);
                unit.encode_prefixed::<NARROW>(tables, &text[start..stop], prefixed, sink);
                prefixed = false;
                start = stop;
                if found.is_some() {
                    return Ok(found);
                }
                continue;
            }
            let mut first = 0;
            if prefixed && !block.cuts.starts_with_token {
                // Only the first unit, and then what is left of its group.
                let group = block.places[1] as usize;
                let stop = block.cuts.next_unit(&characters.joins, text, 0, group).unwrap_or(group);
                unit.encode_prefixed::<NARROW>(tables, &text[start..start + stop], true, sink);
                block.places[0] = stop as u32;
                first = usize::from(stop == group);
            }
            prefixed = false;
            while first < count {
                let last = (first + GROUP).min(count);
                tables.encode_group::<NARROW>(&mut unit, block, text, start, first, last, sink);
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
        if let Some(place) = cuts.next_unit(&characters.joins, text, 0, cuts.length) {
            return (at + place, None);
        }
        if cuts.found.is_some() || end == text.len() {
            return (end, cuts.found);
        }
    }
}

/// What tells the units of a group, which starts at `start` of what was scanned.
struct Units<'a> {
    cuts: &'a Cuts,
    text: &'a [u8],
    start: usize,
}

/// What a unit is encoded with.
struct Unit<'a> {
    characters: &'a Characters,
    encoder: &'a Encoder,
    /// Tokens that are units.
    find: Option<Find<'a>>,
}

impl Unit<'_> {
    fn encode_prefixed<const NARROW: bool>(
        &mut self,
        tables: &mut Tables,
        unit: &[u8],
        prefixed: bool,
        sink: &mut impl Sink,
    ) {
        if prefixed {
            let mut spaced = Vec::with_capacity(unit.len() + 1);
            spaced.push(b' ');
            spaced.extend_from_slice(unit);
            tables.encode_one::<NARROW>(self, &spaced, sink);
        } else {
            tables.encode_one::<NARROW>(self, unit, sink);
        }
    }
}

impl Tables {
    /// Give the tokens of the units `first` to before `last` of a block to `sink`.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn encode_group<const NARROW: bool>(
        &mut self,
        unit: &mut Unit<'_>,
        block: &mut Block,
        text: &[u8],
        start: usize,
        first: usize,
        last: usize,
        sink: &mut impl Sink,
    ) {
        let Block { cuts, places, keys, homes, tokens } = block;
        let places = &places[first..=last];
        for ((two, key), home) in places.windows(2).zip(&mut *keys).zip(&mut *homes) {
            let (at, length) = (start + two[0] as usize, (two[1] - two[0]) as usize);
            if length <= SHORT_BYTES {
                let short = short_key(text, at, length);
                *home = self.short.home(&short);
                self.short.prefetch(*home);
                [key[0], key[1]] = short;
                key[3] = 0;
            } else if length <= MIDDLE_BYTES {
                *key = middle_key(text, at, length);
                *home = self.middle.home(key);
                self.middle.prefetch(*home);
            } else {
                key[3] = u64::MAX;
            }
        }
        let mut written = 0;
        for ((two, key), &home) in places.windows(2).zip(&*keys).zip(&*homes) {
            let mut elsewhere = false;
            if key[3] == 0 {
                if let Some(entry) = self.short.find(home, &[key[0], key[1]]) {
                    let place = tokens.get_mut(written..).unwrap_or(&mut []);
                    let count = unpack::<NARROW, SHORT_WORDS>(after_key::<2, 4, 2>(entry), place);
                    if count <= room(NARROW, SHORT_WORDS) {
                        written += count;
                        continue;
                    }
                    elsewhere = true;
                }
            } else if key[3] != u64::MAX
                && let Some(entry) = self.middle.find(home, key)
            {
                written += unpack::<NARROW, MIDDLE_WORDS>(
                    after_key::<4, 8, 4>(entry),
                    tokens.get_mut(written..).unwrap_or(&mut []),
                );
                continue;
            }
            let bytes = &text[start + two[0] as usize..start + two[1] as usize];
            self.encode_missed::<NARROW>(unit, bytes, elsewhere, Units { cuts, text, start: two[0] as usize });
            if self.tokens.len() <= room(NARROW, MIDDLE_WORDS) {
                for (place, &token) in tokens[written..].iter_mut().zip(&self.tokens) {
                    *place = token;
                }
                written += self.tokens.len();
            } else {
                sink.many(&tokens[..written]);
                written = 0;
                sink.many(&self.tokens);
            }
        }
        sink.many(&tokens[..written]);
    }

    /// Give the tokens of one unit to `sink`.
    fn encode_one<const NARROW: bool>(&mut self, unit: &mut Unit<'_>, bytes: &[u8], sink: &mut impl Sink) {
        self.tokens.clear();
        self.encode_part::<NARROW>(unit, bytes);
        sink.many(&self.tokens);
    }

    /// Append the tokens of one unit to `self.tokens`.
    #[inline(always)]
    fn encode_part<const NARROW: bool>(&mut self, unit: &mut Unit<'_>, bytes: &[u8]) {
        if bytes.len() <= SHORT_BYTES {
            let key = short_key(bytes, 0, bytes.len());
            if let Some(entry) = self.short.find(self.short.home(&key), &key) {
                let mut tokens = [0; room(true, SHORT_WORDS)];
                let count = unpack::<NARROW, SHORT_WORDS>(after_key::<2, 4, 2>(entry), &mut tokens);
                if let Some(tokens) = tokens[..room(NARROW, SHORT_WORDS)].get(..count) {
                    self.tokens.extend_from_slice(tokens);
                    return;
                }
                if self.find_middle::<NARROW>(bytes) {
                    return;
                }
            }
        } else if bytes.len() <= MIDDLE_BYTES && self.find_middle::<NARROW>(bytes) {
            return;
        }
        self.encode_unit::<NARROW>(unit, bytes);
    }

    /// Append the tokens of up to [`MIDDLE_BYTES`] if they are in the table for them.
    fn find_middle<const NARROW: bool>(&mut self, bytes: &[u8]) -> bool {
        let key = middle_key(bytes, 0, bytes.len());
        let Some(entry) = self.middle.find(self.middle.home(&key), &key) else { return false };
        let mut tokens = [0; room(true, MIDDLE_WORDS)];
        let count = unpack::<NARROW, MIDDLE_WORDS>(after_key::<4, 8, 4>(entry), &mut tokens);
        self.tokens.extend_from_slice(&tokens[..count]);
        true
    }

    /// The tokens of a group that is not in the table that its length says, into `self.tokens`; `elsewhere`: it may be in
    /// the one for longer ones.
    #[inline(never)]
    fn encode_missed<const NARROW: bool>(
        &mut self,
        unit: &mut Unit<'_>,
        bytes: &[u8],
        elsewhere: bool,
        units: Units<'_>,
    ) {
        self.tokens.clear();
        if elsewhere && self.find_middle::<NARROW>(bytes) {
            return;
        }
        let Units { cuts, text, start } = units;
        let mut from = 0;
        cuts.units(&unit.characters.joins, text, start, start + bytes.len(), |place| {
            let to = place - start;
            self.encode_part::<NARROW>(unit, &bytes[from..to]);
            from = to;
            true
        });
        if from == 0 {
            self.encode_unit::<NARROW>(unit, bytes);
            return;
        }
        self.encode_part::<NARROW>(unit, &bytes[from..]);
        // Most groups come once. Those that come again are kept.
        let hash = hash(bytes);
        let (seen, mark) = (&mut self.seen[(hash >> (64 - SEEN_BITS)) as usize], hash as u8 | 1);
        if *seen == mark {
            self.remember::<NARROW>(bytes, 0);
        } else {
            *seen = mark;
        }
    }

    /// Append the tokens of one unit that is in no table but perhaps the last, and remember them.
    fn encode_unit<const NARROW: bool>(&mut self, unit: &mut Unit<'_>, bytes: &[u8]) {
        let first = self.tokens.len();
        if bytes.len() <= SHORT_BYTES {
            self.merge(unit, bytes);
            self.remember::<NARROW>(bytes, first);
            return;
        }
        let hash = hash(bytes);
        let slot = (hash >> 40) as usize & (LONG_SLOTS - 1);
        let [known, its_bytes, its_tokens] = self.long[slot];
        if known == hash && self.long_bytes.get(range(its_bytes)) == Some(bytes) {
            self.tokens.extend_from_slice(&self.long_tokens[range(its_tokens)]);
            return;
        }
        self.merge(unit, bytes);
        if !self.remember::<NARROW>(bytes, first) && bytes.len() <= ARENA_BYTES / 64 {
            self.remember_long(bytes, first, hash, slot);
        }
    }

    /// Keep the tokens from `first` on where there is room for their number and the bytes.
    fn remember<const NARROW: bool>(&mut self, bytes: &[u8], first: usize) -> bool {
        let (length, tokens) = (bytes.len(), &self.tokens[first..]);
        if length > MIDDLE_BYTES || tokens.len() > room(NARROW, MIDDLE_WORDS) {
            return false;
        }
        if length <= SHORT_BYTES {
            let mut short: [u64; 4] = entry(NARROW, &short_key(bytes, 0, length), &[]);
            if tokens.len() <= room(NARROW, SHORT_WORDS) {
                short = entry(NARROW, &short_key(bytes, 0, length), tokens);
            } else {
                // A number that says to look in the other table.
                short[3] |= u64::MAX << 56;
            }
            self.short.insert(&short);
            if tokens.len() <= room(NARROW, SHORT_WORDS) {
                return true;
            }
        }
        self.middle.insert(&entry(NARROW, &middle_key(bytes, 0, length), tokens));
        true
    }

    fn merge(&mut self, unit: &mut Unit<'_>, bytes: &[u8]) {
        if let Some(find) = unit.find
            && let Some((number, length)) = find.tokens.finder.longest_at(bytes, 0)
            && length == bytes.len()
            && !find.tokens.tokens[number as usize].special
        {
            self.tokens.push(find.tokens.tokens[number as usize].id);
            return;
        }
        let Unit { characters, encoder, .. } = unit;
        let shown = characters.spelling.shown(bytes, &mut self.shown);
        if let Some(token) = encoder.pieces.get(&encoder.tokens, shown) {
            self.tokens.push(token);
            return;
        }
        self.symbols.clear();
        if bytes.len() <= SHORT * 4 {
            self.ends.clear();
            characters.spelling.spell(bytes, &mut self.symbols, &mut self.ends);
        }
        if bytes.len() > SHORT * 4 || self.symbols.len() > SHORT {
            self.symbols.clear();
            self.windows.merge(characters, encoder, bytes, &mut self.symbols);
        } else {
            let count = merge_short(&encoder.pairs, &mut self.symbols);
            self.symbols.truncate(count);
        }
        self.tokens.extend(self.symbols.iter().map(|&symbol| encoder.to_token[symbol as usize]));
    }

    fn remember_long(&mut self, bytes: &[u8], first: usize, hash: u64, slot: usize) {
        let tokens = &self.tokens[first..];
        if self.long_bytes.len() + bytes.len() > ARENA_BYTES || self.long_tokens.len() + tokens.len() > ARENA_TOKENS {
            self.long.fill([0; 3]);
            self.long_bytes.clear();
            self.long_tokens.clear();
        }
        let numbers = |start: usize, length: usize| (start as u64) << 32 | length as u64;
        self.long[slot] =
            [hash, numbers(self.long_bytes.len(), bytes.len()), numbers(self.long_tokens.len(), tokens.len())];
        self.long_bytes.extend_from_slice(bytes);
        self.long_tokens.extend_from_slice(tokens);
    }
}
