//! Words, labels and hashed n-grams of a model, and which rows of its input matrix a text uses.

use std::collections::HashMap;

use super::read::Reader;
use super::{Damaged, Settings};

const END: &[u8] = b"</s>";
const LABEL: &[u8] = b"__label__";

/// FNV-1a with bytes read as signed, as the original has it.
#[derive(Clone, Copy)]
struct Hash(u32);

impl Hash {
    const START: Hash = Hash(2_166_136_261);

    #[inline]
    fn push(self, byte: u8) -> Self {
        Hash((self.0 ^ i32::from(byte as i8) as u32).wrapping_mul(16_777_619))
    }

    fn of(bytes: &[u8]) -> u32 {
        bytes.iter().fold(Self::START, |hash, &byte| hash.push(byte)).0
    }
}

/// Which hashed n-grams have a row.
#[derive(Debug)]
enum Kept {
    All,
    None,
    /// A bit for each bucket that has one, before the look into the map.
    Some {
        bits: Vec<u64>,
        rows: HashMap<u32, u32, Plain>,
    },
}

/// The keys are remainders of hashes already.
type Plain = std::hash::BuildHasherDefault<Multiplied>;

#[derive(Debug, Default)]
pub struct Multiplied(u64);

impl std::hash::Hasher for Multiplied {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = (self.0 << 8 | u64::from(byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }

    fn write_u32(&mut self, value: u32) {
        self.0 = u64::from(value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

#[derive(Debug)]
pub struct Dictionary {
    words: HashMap<Vec<u8>, u32>,
    word_count: u32,
    pub labels: Vec<String>,
    pub label_counts: Vec<i64>,
    kept: Kept,
}

impl Dictionary {
    pub fn read(reader: &mut Reader<'_>, settings: &Settings) -> Result<Self, Damaged> {
        let all = reader.i32()?;
        // An entry has at least a NUL, a count and a kind.
        let all = reader.size(i64::from(all), (reader.left() / 10) as i64, "words and labels")?;
        let word_count = reader.i32()?;
        let word_count = reader.size(i64::from(word_count), all as i64, "words")?;
        let label_count = reader.i32()?;
        if reader.size(i64::from(label_count), all as i64, "labels")? + word_count != all {
            return Err(reader.damaged("words and labels do not add up"));
        }
        reader.i64()?;
        let pruned = reader.i64()?;
        let mut dictionary = Self {
            words: HashMap::with_capacity(word_count),
            word_count: word_count as u32,
            labels: Vec::new(),
            label_counts: Vec::new(),
            kept: match pruned {
                ..0 => Kept::All,
                0 => Kept::None,
                _ => Kept::Some { bits: vec![0; settings.buckets as usize / 64 + 1], rows: HashMap::default() },
            },
        };
        for index in 0..all {
            let word = reader.name()?;
            let count = reader.i64()?;
            let is_label = reader.bool()?;
            if is_label != (index >= word_count) {
                return Err(reader.damaged("a word stands among the labels, or a label among the words"));
            }
            if is_label {
                dictionary.labels.push(String::from_utf8_lossy(word).into_owned());
                dictionary.label_counts.push(count);
            } else {
                dictionary.words.insert(word.to_vec(), index as u32);
            }
        }
        if let Kept::Some { bits, rows } = &mut dictionary.kept {
            let pruned = reader.size(pruned, (reader.left() / 8) as i64, "pruned n-grams")?;
            for _ in 0..pruned {
                let (bucket, row) = (reader.i32()?, reader.i32()?);
                let bucket = reader.size(i64::from(bucket), i64::from(settings.buckets), "as a bucket")?;
                let row = reader.size(i64::from(row), i64::from(i32::MAX), "as a row")?;
                bits[bucket / 64] |= 1 << (bucket % 64);
                rows.insert(bucket as u32, row as u32);
            }
        }
        if settings.buckets == 0 {
            dictionary.kept = Kept::None;
        }
        Ok(dictionary)
    }

    pub fn bytes(&self) -> usize {
        let words: usize = self.words.keys().map(|word| word.len() + 40).sum();
        words
            + match &self.kept {
                Kept::Some { bits, rows } => bits.len() * 8 + rows.len() * 16,
                _ => 0,
            }
    }

    /// Rows of the input matrix for a text: of its words, their character n-grams, and its word n-grams.
    pub fn rows(&self, text: &[u8], settings: &Settings, hashes: &mut Vec<u32>, rows: &mut Vec<u32>) {
        rows.clear();
        hashes.clear();
        let mut known = Vec::new();
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0x0B | 0x0C | 0);
        // Python's `predict` puts a line end after the text, which is a word of its own.
        for word in text.split(is_blank).filter(|word| !word.is_empty()).chain([END]) {
            let id = self.words.get(word).copied();
            if id.is_none() && word.starts_with(LABEL) {
                continue;
            }
            hashes.push(Hash::of(word));
            match id {
                Some(id) => {
                    rows.push(id);
                    known.push(id);
                    if settings.most_characters > 0 && word != END {
                        self.character_ngrams(word, settings, rows);
                    }
                }
                None if word != END => self.character_ngrams(word, settings, rows),
                None => {}
            }
            if word == END {
                break;
            }
        }
        for first in 0..hashes.len() {
            let mut hash = sign_extended(hashes[first]);
            for &next in hashes.iter().skip(first + 1).take(settings.word_ngrams.saturating_sub(1)) {
                hash = hash.wrapping_mul(116_049_371).wrapping_add(sign_extended(next));
                if settings.buckets > 0 {
                    self.push((hash % u64::from(settings.buckets)) as u32, rows);
                }
            }
        }
    }

    #[inline]
    fn push(&self, bucket: u32, rows: &mut Vec<u32>) {
        match &self.kept {
            Kept::All => rows.push(self.word_count.wrapping_add(bucket)),
            Kept::None => {}
            Kept::Some { bits, rows: kept } => {
                if bits[bucket as usize / 64] & 1 << (bucket % 64) != 0
                    && let Some(row) = kept.get(&bucket)
                {
                    rows.push(self.word_count.wrapping_add(*row));
                }
            }
        }
    }

    /// Hashed n-grams of `<word>`, least to most characters long; never the brackets alone.
    fn character_ngrams(&self, word: &[u8], settings: &Settings, rows: &mut Vec<u32>) {
        if settings.buckets == 0 || settings.most_characters == 0 {
            return;
        }
        let length = word.len() + 2;
        let byte = |at: usize| match at {
            0 => b'<',
            _ => *word.get(at - 1).unwrap_or(&b'>'),
        };
        let continues = |at: usize| at < length && byte(at) & 0xC0 == 0x80;
        for start in 0..length {
            if continues(start) {
                continue;
            }
            let mut hash = Hash::START;
            let mut at = start;
            for characters in 1..=settings.most_characters {
                if at >= length {
                    break;
                }
                hash = hash.push(byte(at));
                at += 1;
                while continues(at) {
                    hash = hash.push(byte(at));
                    at += 1;
                }
                let bracket_alone = characters == 1 && (start == 0 || at == length);
                if characters >= settings.least_characters && !bracket_alone {
                    self.push(hash.0 % settings.buckets, rows);
                }
            }
        }
    }
}

/// The original keeps hashes of words as signed numbers.
fn sign_extended(hash: u32) -> u64 {
    i64::from(hash as i32) as u64
}
