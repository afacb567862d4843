//! The tokens of units: those that are known from the tables that byte-level pieces have as well, others by merging.
//!
//! Units are short, nine of ten have eight bytes at most, and few are different: what a text needs of the tables stays in
//! the near caches, and text that was never seen is nearly as quick as text that was.

use super::super::Encoder;
use super::super::long::Long;
use super::super::memory::{Sink, Space, budget_bytes};
use super::super::merge::{SHORT, merge_short};
use super::super::pairs::NONE;
use super::super::pieces::hash;
use super::super::tables::{COUNT, Few, KEY_BYTES, Key, MIDDLE_BYTES, MIDDLE_TOKENS, Middle, Wide, Words};
use super::window::Windows;
use super::{Characters, Find};

/// Units that are looked up together.
pub const GROUP: usize = 448;

/// What units are encoded with.
#[derive(Clone, Copy)]
pub struct Vocabulary<'a> {
    pub characters: &'a Characters,
    pub encoder: &'a Encoder,
    /// Tokens that are units.
    pub find: Option<Find<'a>>,
}

/// One thread's tables, in a bounded amount of memory, and room to work in.
#[derive(Debug)]
pub struct Known {
    words: Words,
    middle: Middle,
    wide: Wide,
    long: Long,
    merging: Merging,
    group: Option<Box<Group>>,
}

#[derive(Debug, Default)]
struct Merging {
    tokens: Vec<u32>,
    symbols: Vec<u32>,
    ends: Vec<u32>,
    shown: Vec<u8>,
    windows: Windows,
}

/// Room for a group of units.
#[derive(Debug)]
struct Group {
    word_keys: [(u64, u64); GROUP],
    found: [Few; GROUP],
    missed: [u16; GROUP],
    /// Of those of `missed` that are not words either.
    keys: [Key; GROUP],
    /// Units of more tokens than [`Few`] holds: their number, and where in `tokens` theirs start and end.
    many: Vec<(u16, u32, u32)>,
    tokens: Vec<u32>,
    space: Space,
}

impl Group {
    fn new() -> Self {
        Self {
            word_keys: [(0, 0); GROUP],
            found: [[0; 8]; GROUP],
            missed: [0; GROUP],
            keys: [Key::default(); GROUP],
            many: Vec::new(),
            tokens: Vec::new(),
            space: [0; size_of::<Space>() / 4],
        }
    }

    #[inline(always)]
    fn give(&mut self, count: usize, sink: &mut impl Sink) {
        let mut from = 0;
        for &(index, first, end) in &self.many {
            sink.few(&self.found[from..index as usize], &mut self.space);
            sink.many(&self.tokens[first as usize..end as usize]);
            from = index as usize + 1;
        }
        sink.few(&self.found[from..count], &mut self.space);
        self.many.clear();
        self.tokens.clear();
    }
}

/// Write tokens as [`Few`]; `false` if they are too many.
fn write_few(tokens: &[u32], few: &mut Few) -> bool {
    let Some(place) = few[..COUNT].get_mut(..tokens.len()) else { return false };
    place.copy_from_slice(tokens);
    few[COUNT] = tokens.len() as u32;
    true
}

impl Default for Known {
    fn default() -> Self {
        Self::new(budget_bytes())
    }
}

impl Known {
    /// With tables that grow to about `budget_bytes` together, and start with less than 400 kB of them.
    pub fn new(budget_bytes: usize) -> Self {
        let part = (budget_bytes / 8).clamp(1 << 16, 1 << 30);
        let power = |entries: usize| 1 << entries.max(64).ilog2();
        Self {
            words: Words::new(power(part / 16).min(1 << 12), power(part / 16)),
            middle: Middle::new(power(part / 32).min(1 << 10), power(part / 32)),
            wide: Wide::new(power(part / 64).min(1 << 9), power(part / 64)),
            long: Long::new(power(part / 64), part * 2),
            merging: Merging::default(),
            group: None,
        }
    }

    /// Give the tokens of the units between `places`, which are relative to `base`, to `sink`. Some bytes of text follow
    /// the last.
    #[inline(always)]
    pub fn look_up(
        &mut self,
        vocabulary: Vocabulary<'_>,
        text: &[u8],
        base: usize,
        places: &[u32],
        sink: &mut impl Sink,
    ) {
        let mut group = self.group.take().unwrap_or_else(|| Box::new(Group::new()));
        let Group { word_keys, found, missed, .. } = &mut *group;
        let misses = self.words.find_all(text, base, places, word_keys, found, missed);
        if misses > 0 {
            self.look_further(vocabulary, text, base, places, &mut group, misses);
        }
        group.give(places.len() - 1, sink);
        self.group = Some(group);
    }

    /// Find the tokens of the first of `group.missed`.
    #[inline(always)]
    fn look_further(
        &mut self,
        vocabulary: Vocabulary<'_>,
        text: &[u8],
        base: usize,
        places: &[u32],
        group: &mut Group,
        misses: usize,
    ) {
        // Ask for the memory of all first, so that it comes while others are looked up.
        let mut left = 0;
        for miss in 0..misses {
            let index = group.missed[miss] as usize;
            let (start, end) = (base + places[index] as usize, base + places[index + 1] as usize);
            let length = end - start;
            if length <= 8 && self.words.find(Words::key_at(text, start, length), &mut group.found[index]) {
                continue;
            }
            let key = &mut group.keys[left];
            group.missed[left] = index as u16;
            left += 1;
            if length <= MIDDLE_BYTES {
                *key = Key::new(text, start, length);
                self.middle.prefetch(key);
            } else if length <= KEY_BYTES {
                *key = Key::new(text, start, length);
                self.wide.prefetch(key);
            } else {
                *key = Key::hashed(length, hash(&text[start..end]));
                self.long.prefetch(key.hash);
            }
        }
        for miss in 0..left {
            let index = group.missed[miss] as usize;
            let key = &group.keys[miss];
            let few = &mut group.found[index];
            if key.length <= MIDDLE_BYTES && self.middle.find(key, few)
                || key.length <= KEY_BYTES && self.wide.find(key, few)
            {
                continue;
            }
            let start = base + places[index] as usize;
            if !self.encode_unit(vocabulary, text, start, key, few) {
                let first = group.tokens.len() as u32;
                group.tokens.extend_from_slice(&self.merging.tokens);
                group.many.push((index as u16, first, group.tokens.len() as u32));
            }
        }
    }

    /// Write the tokens of a unit that is in neither of the tables for a number of tokens and of bytes to `few` or, if
    /// `false`, to `self.merging.tokens`, and remember them.
    #[inline(never)]
    fn encode_unit(&mut self, vocabulary: Vocabulary<'_>, text: &[u8], start: usize, key: &Key, few: &mut Few) -> bool {
        let unit = &text[start..start + key.length];
        if key.length > COUNT
            && let Some(tokens) = self.long.find(unit, key.hash)
        {
            if write_few(tokens, few) {
                return true;
            }
            self.merging.tokens.clear();
            self.merging.tokens.extend_from_slice(tokens);
            return false;
        }
        // A unit that is twice in a group was perhaps not there when the group was looked through.
        if key.length <= 8 && self.words.find(Words::key_at(text, start, key.length), few) {
            return true;
        }
        self.merging.merge(vocabulary, unit);
        let tokens = &self.merging.tokens;
        match tokens[..] {
            [token] if key.length <= 8 => self.words.insert(Words::key_at(text, start, key.length), [token, NONE]),
            [first, second] if key.length <= 8 => {
                self.words.insert(Words::key_at(text, start, key.length), [first, second]);
            }
            _ if key.length <= MIDDLE_BYTES && tokens.len() <= MIDDLE_TOKENS => self.middle.insert(key, tokens),
            _ if key.length <= KEY_BYTES && tokens.len() <= COUNT => self.wide.insert(key, tokens),
            _ => self.long.insert(unit, key.hash, tokens),
        }
        write_few(tokens, few)
    }

    /// Give the tokens of one unit to `sink`; `prefixed`: as if a space were before it.
    #[inline(never)]
    pub fn encode_one(&mut self, vocabulary: Vocabulary<'_>, unit: &[u8], prefixed: bool, sink: &mut impl Sink) {
        // With a space before it, and something behind it.
        let mut text = Vec::with_capacity(1 + unit.len() + 8);
        text.push(b' ');
        text.extend_from_slice(unit);
        text.extend_from_slice(&[0; 8]);
        let (start, length) = (usize::from(!prefixed), unit.len() + usize::from(prefixed));
        let mut few = [0; 8];
        let key = if length <= KEY_BYTES {
            Key::new(&text, start, length)
        } else {
            Key::hashed(length, hash(&text[start..start + length]))
        };
        let is_few = length <= MIDDLE_BYTES && self.middle.find(&key, &mut few)
            || length <= KEY_BYTES && self.wide.find(&key, &mut few)
            || self.encode_unit(vocabulary, &text, start, &key, &mut few);
        if is_few {
            sink.many(&few[..(few[COUNT] & COUNT as u32) as usize]);
        } else {
            sink.many(&self.merging.tokens);
        }
    }
}

impl Merging {
    /// The tokens of a unit, into `self.tokens`.
    fn merge(&mut self, vocabulary: Vocabulary<'_>, unit: &[u8]) {
        let Vocabulary { characters, encoder, find } = vocabulary;
        self.tokens.clear();
        if let Some(find) = find
            && let Some((number, length)) = find.tokens.finder.longest_at(unit, 0)
            && length == unit.len()
            && !find.tokens.tokens[number as usize].special
        {
            self.tokens.push(find.tokens.tokens[number as usize].id);
            return;
        }
        let shown = characters.spelling.shown(unit, &mut self.shown);
        if let Some(token) = encoder.pieces.get(&encoder.tokens, shown) {
            self.tokens.push(token);
            return;
        }
        self.symbols.clear();
        if unit.len() <= SHORT * 4 {
            self.ends.clear();
            characters.spelling.spell(unit, &mut self.symbols, &mut self.ends);
        }
        if unit.len() > SHORT * 4 || self.symbols.len() > SHORT {
            self.symbols.clear();
            self.windows.merge(characters, encoder, unit, &mut self.symbols);
        } else {
            let count = merge_short(&encoder.pairs, &mut self.symbols);
            self.symbols.truncate(count);
        }
        self.tokens.extend(self.symbols.iter().map(|&symbol| encoder.to_token[symbol as usize]));
    }
}
