//! The tokens of long pieces: a table by hash onto an arena of records. A hit compares the bytes. All of it is emptied when
//! the arena is full.

use tokenfoundry_kernels::byte_classes::Classifier;
use tokenfoundry_kernels::{huge_pages, prefetch::prefetch};

use super::sets::Sets;

/// See the module. An entry is the hash, not zero, and the place behind that where the record starts: the number of tokens and of bytes, the
/// tokens, the bytes.
#[derive(Debug)]
pub struct Long {
    entries: Sets<2>,
    most_entries: usize,
    records: Vec<u8>,
    most_bytes: usize,
}

const FIRST_ENTRIES: usize = 1 << 9;
/// No piece takes more of the arena than this part of it: it would drive out the rest.
const LARGEST_PART: usize = 64;
const NUMBER: usize = size_of::<u32>();
const CACHE_LINE: usize = 64;

/// Where a record is, perhaps of another piece with the same hash.
#[derive(Clone, Copy, Debug)]
pub struct Record(usize);

impl Long {
    /// At most so many entries, a power of two, and bytes of records.
    pub fn new(most_entries: usize, most_bytes: usize) -> Self {
        let entries = Sets::new(FIRST_ENTRIES.min(most_entries), most_entries);
        Self { entries, most_entries, records: Vec::new(), most_bytes: most_bytes.min(u32::MAX as usize) }
    }

    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        let table = self.entries.view();
        table.prefetch(table.first(hash));
    }

    /// The record of a piece with this hash; its memory is asked for.
    #[inline(always)]
    pub fn record(&self, classifier: impl Classifier, hash: u64) -> Option<Record> {
        let key = hash.max(1);
        let table = self.entries.view();
        let mut behind = classifier.value_of(table.line(table.first(hash)), key);
        if behind == 0 {
            behind = classifier.value_of(table.line(table.second(hash)), key);
        }
        let at = behind.checked_sub(1)? as usize;
        for line in 0..3 {
            prefetch(&self.records, at + line * CACHE_LINE);
        }
        Some(Record(at))
    }

    /// Append the tokens if the record is of this piece, else `false`.
    #[inline]
    pub fn get(&self, Record(at): Record, piece: &[u8], tokens: &mut Vec<u32>) -> bool {
        let number =
            |at: usize| -> Option<usize> { Some(u32::from_le_bytes(*self.records.get(at..)?.first_chunk()?) as usize) };
        let (Some(count), Some(length)) = (number(at), number(at + NUMBER)) else { return false };
        let own = self.records.get(at + 2 * NUMBER..).unwrap_or_default();
        let Some((own, rest)) = own.split_at_checked(count * NUMBER) else { return false };
        if rest.get(..length) != Some(piece) {
            return false;
        }
        tokens.extend(own.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)));
        true
    }

    pub fn insert(&mut self, piece: &[u8], hash: u64, tokens: &[u32]) {
        let bytes = (2 + tokens.len()) * NUMBER + piece.len();
        if bytes > self.most_bytes / LARGEST_PART {
            return;
        }
        if self.records.len() + bytes > self.most_bytes {
            self.entries = Sets::new(FIRST_ENTRIES.min(self.most_entries), self.most_entries);
            self.records.clear();
        }
        if self.records.capacity() - self.records.len() < bytes {
            self.records.reserve(bytes);
            huge_pages::advise(self.records.spare_capacity_mut());
        }
        let at = self.records.len();
        self.records.resize(at + bytes - piece.len(), 0);
        if let [of_tokens, of_bytes, places @ ..] = self.records[at..].as_chunks_mut().0 {
            *of_tokens = (tokens.len() as u32).to_le_bytes();
            *of_bytes = (piece.len() as u32).to_le_bytes();
            for (place, token) in places.iter_mut().zip(tokens) {
                *place = token.to_le_bytes();
            }
        }
        self.records.extend_from_slice(piece);
        self.entries.insert([hash.max(1), at as u64 + 1], |entry| entry[0]);
    }
}
