//! SentencePiece's normalization table: a double array (Darts) over UTF-8 whose leaves are places in a text of replacements,
//! each ended by NUL.
//!
//! `tokenizers` (`Precompiled`) and SentencePiece read the same table in two ways. SentencePiece replaces the longest entry
//! at each place. `tokenizers` takes the text apart into grapheme clusters, and replaces a cluster of less than six bytes by the
//! **shortest** entry that it starts with (all of it), else each of its characters by theirs. Both are followed.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;

use super::Aligned;
use crate::tokenizer::forms;

/// A table that was read. Nothing in it is trusted: a walk that leaves it ends there.
#[derive(Clone, PartialEq, Eq)]
pub struct Charsmap {
    units: Vec<u32>,
    replacements: String,
}

impl fmt::Debug for Charsmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a table of {} units and {} bytes", self.units.len(), self.replacements.len())
    }
}

/// Clusters of so many bytes or more are looked up character by character.
const LONG_CLUSTER_BYTES: usize = 6;

impl Charsmap {
    /// The table, or what is wrong with it. `bytes`: its size in bytes as four, little end first; its units, the replacements.
    pub fn new(bytes: &[u8]) -> Result<Self, String> {
        let Some((size, rest)) = bytes.split_first_chunk::<4>() else {
            return Err(format!("it has {} bytes, too few for its size", bytes.len()));
        };
        let size = u32::from_le_bytes(*size) as usize / 4 * 4;
        let Some((units, replacements)) = rest.split_at_checked(size) else {
            return Err(format!("it says its table has {size} bytes, and {} are there", rest.len()));
        };
        let units: Vec<u32> =
            units.chunks_exact(4).map(|unit| u32::from_le_bytes([unit[0], unit[1], unit[2], unit[3]])).collect();
        if units.is_empty() {
            return Err("its table is empty".to_owned());
        }
        match std::str::from_utf8(replacements) {
            Ok(replacements) => Ok(Self { units, replacements: replacements.to_owned() }),
            Err(problem) => Err(format!("its replacements are no UTF-8: {problem}")),
        }
    }

    /// The bytes that [`Self::new`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = ((self.units.len() * 4) as u32).to_le_bytes().to_vec();
        bytes.extend(self.units.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.extend_from_slice(self.replacements.as_bytes());
        bytes
    }

    /// Entries that `text` starts with, from short to long: the length and what replaces it.
    fn entries<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, &'a str)> {
        let offset = |unit: u32| ((unit >> 10) << ((unit & (1 << 9)) >> 6)) as usize;
        let unit = |at: usize| self.units.get(at).copied();
        let mut at = unit(0).map(offset);
        let walk = text.iter().enumerate().map_while(move |(index, &byte)| {
            let here = at? ^ byte as usize;
            let found = unit(here).filter(|unit| byte != 0 && unit & (1 << 31 | 0xFF) == byte as u32)?;
            let next = here ^ offset(found);
            at = Some(next);
            let is_end = found >> 8 & 1 == 1;
            Some((index + 1, if is_end { unit(next).map(|leaf| leaf & !(1 << 31)) } else { None }))
        });
        walk.filter_map(|(length, place)| Some((length, self.replacement(place?)?)))
    }

    fn replacement(&self, place: u32) -> Option<&str> {
        let rest = self.replacements.get(place as usize..)?;
        Some(rest.split_once('\0').map_or(rest, |(replacement, _)| replacement))
    }

    /// What the longest entry at the start of `text` becomes, and its length.
    pub fn longest<'a>(&'a self, text: &'a str) -> Option<(usize, &'a str)> {
        self.entries(text.as_bytes()).last()
    }

    fn shortest<'a>(&'a self, text: &'a str) -> Option<&'a str> {
        self.entries(text.as_bytes()).next().map(|(_, replacement)| replacement)
    }

    /// Each part of `text` that is looked up, in order, and what replaces it.
    fn each<'a>(&'a self, text: &'a str, mut give: impl FnMut(&'a str, Option<&'a str>)) {
        for cluster in text.graphemes(true) {
            if cluster.len() < LONG_CLUSTER_BYTES
                && let Some(replacement) = self.shortest(cluster)
            {
                give(cluster, Some(replacement));
                continue;
            }
            for (at, character) in cluster.char_indices() {
                let part = &cluster[at..at + character.len_utf8()];
                give(part, self.shortest(part));
            }
        }
    }

    /// As `tokenizers` has it.
    pub fn apply(&self, text: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        self.each(text, |part, replacement| replaced.push_str(replacement.unwrap_or(part)));
        replaced
    }

    /// [`Self::apply`], each character of the place that `tokenizers` counts for it.
    pub fn align(&self, from: &Aligned) -> Aligned {
        let mut counted: Vec<(char, isize)> = Vec::with_capacity(from.text.len());
        self.each(&from.text, |part, replacement| {
            let characters = replacement.unwrap_or(part).chars();
            let before = counted.len();
            counted.extend(characters.map(|character| (character, 0)));
            let change = (counted.len() - before) as isize - part.chars().count() as isize;
            if change >= 0 {
                counted.iter_mut().rev().take(change as usize).for_each(|(_, count)| *count = 1);
            } else if let Some((_, count)) = counted.last_mut() {
                *count += change;
            }
        });
        forms::at_places(counted, from)
    }
}
