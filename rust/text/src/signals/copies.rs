//! Repetition as Dolma and DCLM count it: of what is there several times every copy counts, the first one too.
//!
//! An n-gram repeats only where the one that is a word shorter does, so only those places are looked at again. Hashes stand for
//! what they hash; see [`crate::table`].

use crate::table::{Table, hash, mix};

/// Sizes of n-grams that are followed.
const SHORTEST: usize = 2;
const LONGEST: usize = 10;

/// Words of a text as their hashes, and how many characters stand before each.
#[derive(Debug, Default)]
pub struct Copies {
    hashes: Vec<u64>,
    before: Vec<u32>,
    /// Places whose n-grams repeat, and the hashes of these.
    open: Vec<(u32, u64)>,
    slots: Vec<u32>,
}

/// A place where an n-gram stands that is there more than once.
#[derive(Clone, Copy, Debug)]
pub struct Copy {
    pub at: usize,
    pub count: u32,
}

impl Copies {
    pub fn clear(&mut self) {
        self.hashes.clear();
        self.before.clear();
        self.before.push(0);
    }

    pub fn add(&mut self, word: &str, characters: usize) {
        self.hashes.push(hash(word.as_bytes()));
        let before = self.before.last().copied().unwrap_or(0);
        self.before.push(before + characters as u32);
    }

    pub fn words(&self) -> usize {
        self.hashes.len()
    }

    /// Characters of all words.
    pub fn characters(&self) -> usize {
        self.before.last().map_or(0, |&all| all as usize)
    }

    /// Characters of `n` words from word `at` on.
    pub fn characters_of(&self, at: usize, n: usize) -> usize {
        (self.before[at + n] - self.before[at]) as usize
    }

    /// Call `each` with every size from 2 to 10 and the places of n-grams of as many words that repeat, in order.
    pub fn walk(&mut self, table: &mut Table, mut each: impl FnMut(&Self, usize, &[Copy])) {
        let mut copies: Vec<Copy> = Vec::new();
        let mut open = std::mem::take(&mut self.open);
        let mut slots = std::mem::take(&mut self.slots);
        open.clear();
        open.extend((0u32..).zip(&self.hashes).map(|(at, &hash)| (at, hash)));
        for n in SHORTEST..=LONGEST {
            while open.last().is_some_and(|&(at, _)| at as usize + n > self.words()) {
                open.pop();
            }
            table.reset(open.len(), open.len());
            slots.clear();
            slots.extend((0u32..).zip(&mut open).map(|(index, (at, gram))| {
                *gram = mix(*gram, self.hashes[*at as usize + n - 1]);
                table.count(*gram, index) as u32
            }));
            copies.clear();
            let mut kept = 0;
            for (index, &slot) in slots.iter().enumerate() {
                let count = table.times(slot as usize);
                if count > 1 {
                    open[kept] = open[index];
                    kept += 1;
                    copies.push(Copy { at: open[index].0 as usize, count });
                }
            }
            open.truncate(kept);
            each(self, n, &copies);
        }
        (self.open, self.slots) = (open, slots);
    }
}

/// How much of a list of texts is there more than once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Share {
    pub elements: usize,
    pub copies: usize,
    /// Characters of the copies, and of all.
    pub copied_characters: usize,
    pub characters: usize,
}

impl Share {
    pub fn of<'t>(texts: impl Iterator<Item = &'t str> + Clone, table: &mut Table) -> Self {
        let mut share = Self { elements: texts.clone().count(), ..Self::default() };
        table.reset(share.elements, share.elements);
        let slots: Vec<u32> =
            (0u32..).zip(texts.clone()).map(|(index, text)| table.count(hash(text.as_bytes()), index) as u32).collect();
        for (text, slot) in texts.zip(slots) {
            let characters = crate::characters::count(text.as_bytes());
            let repeats = table.times(slot as usize) > 1;
            share.characters += characters;
            share.copies += usize::from(repeats);
            share.copied_characters += if repeats { characters } else { 0 };
        }
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_copy_is_met() {
        let (mut copies, mut table) = (Copies::default(), Table::default());
        copies.clear();
        "a b c x a b c y a b".split(' ').for_each(|word| copies.add(word, 1));
        let mut found = Vec::new();
        copies.walk(&mut table, |_, n, copies| {
            found.push((n, copies.iter().map(|copy| (copy.at, copy.count)).collect::<Vec<_>>()));
        });
        assert_eq!(found[0], (2, vec![(0, 3), (1, 2), (4, 3), (5, 2), (8, 3)]));
        assert_eq!(found[1], (3, vec![(0, 2), (4, 2)]));
        assert_eq!(found[2], (4, vec![]));
        let share = Share::of("ab\n\nab\nc".split('\n'), &mut table);
        assert_eq!((share.elements, share.copies, share.copied_characters, share.characters), (4, 2, 4, 5));
    }
}
