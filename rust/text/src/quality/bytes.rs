//! A language model over bytes: n-grams of up to seven, interpolated as Witten and Bell (1991) do, trained in seconds.
//!
//! Text like the training text costs fewer bits a byte than other text, in any language, without words or a
//! tokenizer. An n-gram is a key of its own bytes, so that nothing collides. What is stored is the finished probability of each
//! n-gram that was kept and the weight with which an unseen byte falls back to the shorter context; the sum over all 256
//! bytes after any context is 1.
//!
//! Cost: to train 60 to 100 ns a byte (order 5); to ask one or two table look-ups a byte. Not a judge of single sentences.

use std::collections::HashMap;

/// The longest n-gram that fits into a key with its length.
pub const MOST_ORDER: usize = 7;
const MAGIC: &[u8; 8] = b"TFbytes1";
const ENTRY_BYTES: usize = 16;

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    key: u64,
    /// log2 of the probability of the last byte after the others.
    bits: f32,
    /// log2 of the weight of the shorter context after this n-gram.
    fallback: f32,
}

/// n-gram: the last `n` bytes, and `n` in the top byte.
#[inline]
fn key(window: u64, n: usize) -> u64 {
    (window & ((1 << (8 * n)) - 1)) | (n as u64) << 56
}

#[derive(Clone, Debug)]
pub struct Model {
    order: usize,
    /// Open addressing, linear probing; a key of 0 is free.
    table: Vec<Entry>,
    count: usize,
    unigrams: [f32; 256],
    /// Fallback after each single byte; 0 where none was kept after it.
    first: [f32; 256],
}

#[inline]
fn slot(key: u64, mask: usize) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24) as usize & mask
}

/// Counts of n-grams, filled text by text.
#[derive(Debug)]
pub struct Trainer {
    order: usize,
    counts: HashMap<u64, u32, std::hash::BuildHasherDefault<Mixed>>,
    unigrams: [u64; 256],
}

#[derive(Debug, Default)]
pub struct Mixed(u64);

impl std::hash::Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u64(&mut self, value: u64) {
        let product = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = product ^ product >> 32;
    }
}

impl Trainer {
    /// `order` is 2 to [`MOST_ORDER`].
    pub fn new(order: usize) -> Self {
        Self { order: order.clamp(2, MOST_ORDER), counts: HashMap::default(), unigrams: [0; 256] }
    }

    pub fn add(&mut self, text: &[u8]) {
        let mut window = 0u64;
        for (index, &byte) in text.iter().enumerate() {
            window = window << 8 | u64::from(byte);
            self.unigrams[usize::from(byte)] += 1;
            for n in 2..=self.order.min(index + 1) {
                let count = self.counts.entry(key(window, n)).or_insert(0);
                *count = count.saturating_add(1);
            }
        }
    }

    /// The model of all n-grams counted at least `least` times.
    pub fn finish(self, least: u32) -> Model {
        let total: u64 = self.unigrams.iter().sum();
        // Every byte may come: one count is spread over all.
        let unigrams: [f64; 256] =
            std::array::from_fn(|byte| (self.unigrams[byte] as f64 + 1.0 / 256.0) / (total as f64 + 1.0));
        let mut kept: Vec<(u64, u32)> = self.counts.into_iter().filter(|&(_, count)| count >= least).collect();
        // By length, then by bytes: a shorter n-gram is finished before the longer ones that fall back to it.
        kept.sort_unstable();
        // What was kept after each context: sum of counts, number of bytes.
        let mut after: HashMap<u64, (u64, u64), std::hash::BuildHasherDefault<Mixed>> = HashMap::default();
        for &(ngram, count) in &kept {
            let n = (ngram >> 56) as usize;
            let context = key((ngram & ((1 << 56) - 1)) >> 8, n - 1);
            let found = after.entry(context).or_insert((0, 0));
            *found = (found.0 + u64::from(count), found.1 + 1);
        }
        let fallback = |context: u64| {
            after.get(&context).map_or(0.0, |&(sum, distinct)| (distinct as f64 / (sum + distinct) as f64).log2())
        };
        let mut model = Model::with_room(self.order, kept.len());
        model.unigrams = std::array::from_fn(|byte| unigrams[byte].log2() as f32);
        model.first = std::array::from_fn(|byte| fallback(key(byte as u64, 1)) as f32);
        let mut probabilities: HashMap<u64, f64, std::hash::BuildHasherDefault<Mixed>> = HashMap::default();
        for (ngram, count) in kept {
            let n = (ngram >> 56) as usize;
            let bytes = ngram & ((1 << 56) - 1);
            let (sum, distinct) = after[&key(bytes >> 8, n - 1)];
            let shorter = if n == 2 { unigrams[(bytes & 0xFF) as usize] } else { probabilities[&key(bytes, n - 1)] };
            let probability = (f64::from(count) + distinct as f64 * shorter) / (sum + distinct) as f64;
            probabilities.insert(ngram, probability);
            model.insert(Entry { key: ngram, bits: probability.log2() as f32, fallback: fallback(ngram) as f32 });
        }
        model
    }
}

impl Model {
    fn with_room(order: usize, count: usize) -> Self {
        let size = (count * 3 / 2 + 16).next_power_of_two();
        Self { order, table: vec![Entry::default(); size], count: 0, unigrams: [0.0; 256], first: [0.0; 256] }
    }

    fn insert(&mut self, entry: Entry) {
        let mask = self.table.len() - 1;
        let mut at = slot(entry.key, mask);
        while self.table[at].key != 0 {
            at = (at + 1) & mask;
        }
        self.table[at] = entry;
        self.count += 1;
    }

    #[inline]
    fn find(&self, key: u64) -> Option<&Entry> {
        let mask = self.table.len() - 1;
        let mut at = slot(key, mask);
        loop {
            let entry = &self.table[at];
            if entry.key == key {
                return Some(entry);
            }
            if entry.key == 0 {
                return None;
            }
            at = (at + 1) & mask;
        }
    }

    pub fn order(&self) -> usize {
        self.order
    }

    pub fn ngrams(&self) -> usize {
        self.count
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.table.len() * ENTRY_BYTES + 2048
    }

    /// Bits that the model needs for a text, all of it.
    pub fn bits(&self, text: &[u8]) -> f64 {
        let mut bits = 0.0;
        let mut window = 0u64;
        // Bytes of context that some n-gram was kept of, and the weights to fall back from it and from its suffixes.
        let mut known = 0;
        for &byte in text {
            let before = window;
            window = window << 8 | u64::from(byte);
            let mut n = (known + 1).min(self.order);
            let mut found = None;
            while n > 1 {
                found = self.find(key(window, n));
                if found.is_some() {
                    break;
                }
                bits -= f64::from(self.fallback(before, n - 1));
                n -= 1;
            }
            bits -= f64::from(found.map_or(self.unigrams[usize::from(byte)], |entry| entry.bits));
            known = n;
        }
        bits
    }

    #[inline]
    fn fallback(&self, window: u64, n: usize) -> f32 {
        if n == 1 {
            return self.first[(window & 0xFF) as usize];
        }
        self.find(key(window, n)).map_or(0.0, |entry| entry.fallback)
    }

    /// The model as bytes: equal models are equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut entries: Vec<&Entry> = self.table.iter().filter(|entry| entry.key != 0).collect();
        entries.sort_unstable_by_key(|entry| entry.key);
        let mut bytes = MAGIC.to_vec();
        bytes.extend((self.order as u64).to_le_bytes());
        bytes.extend((entries.len() as u64).to_le_bytes());
        self.unigrams.iter().chain(&self.first).for_each(|value| bytes.extend(value.to_le_bytes()));
        for entry in entries {
            bytes.extend(entry.key.to_le_bytes());
            bytes.extend(entry.bits.to_le_bytes());
            bytes.extend(entry.fallback.to_le_bytes());
        }
        let hash = tokenfoundry_base::stable_hash::hash64(&bytes);
        bytes.extend(hash.to_le_bytes());
        bytes
    }

    /// Read what [`Model::to_bytes`] wrote; the error says what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        if !bytes.starts_with(MAGIC) {
            return Err(String::from("it does not begin as a byte model does"));
        }
        let (content, hash) = bytes.split_at(bytes.len().saturating_sub(8).max(8));
        if hash != tokenfoundry_base::stable_hash::hash64(content).to_le_bytes() {
            return Err(String::from("its checksum is wrong: it is damaged or cut short"));
        }
        let word = |at: usize| content.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map(u64::from_le_bytes);
        let float =
            |at: usize| content.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0.0, f32::from_le_bytes);
        let (order, count) = (word(8).unwrap_or(0) as usize, word(16).unwrap_or(0) as usize);
        const HEAD: usize = 24 + 2048;
        if !(2..=MOST_ORDER).contains(&order) || content.len() != count.saturating_mul(ENTRY_BYTES).saturating_add(HEAD)
        {
            return Err(format!("{} bytes are not a model of order {order} with {count} n-grams", bytes.len()));
        }
        let mut model = Self::with_room(order, count);
        model.unigrams = std::array::from_fn(|byte| float(24 + 4 * byte));
        model.first = std::array::from_fn(|byte| float(24 + 1024 + 4 * byte));
        for at in (HEAD..content.len()).step_by(ENTRY_BYTES) {
            let key = word(at).unwrap_or(0);
            if key == 0 {
                return Err(format!("an n-gram without length at byte {at}"));
            }
            model.insert(Entry { key, bits: float(at + 8), fallback: float(at + 12) });
        }
        Ok(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained(texts: &[&str], order: usize, least: u32) -> Model {
        let mut trainer = Trainer::new(order);
        texts.iter().for_each(|text| trainer.add(text.as_bytes()));
        trainer.finish(least)
    }

    #[test]
    fn probabilities_of_all_bytes_add_up_to_one() {
        let model = trained(&["the cat sat on the mat, the cat ran", "a mat"], 4, 1);
        for context in ["", "t", "th", "the", "cat", "zzz", "q t"] {
            let sum: f64 = (0..=255u8)
                .map(|byte| {
                    let mut text = context.as_bytes().to_vec();
                    let before = model.bits(&text);
                    text.push(byte);
                    (before - model.bits(&text)).exp2()
                })
                .sum();
            assert!((sum - 1.0).abs() < 1e-4, "{context}: {sum}");
        }
    }

    #[test]
    fn what_was_seen_is_cheap_and_bytes_round_trip() {
        let text = "Quality is what readers come back for. ".repeat(30);
        let model = trained(&[&text], 5, 2);
        assert!(model.bits(text.as_bytes()) < 0.3 * model.bits("zqx jvk wpf ".repeat(100).as_bytes()));
        let bytes = model.to_bytes();
        let again = Model::from_bytes(&bytes).expect("it was just written");
        assert_eq!(again.to_bytes(), bytes);
        assert_eq!(again.bits(b"readers come"), model.bits(b"readers come"));
        for length in [0, 7, 8, 9, 30, bytes.len() - 1] {
            assert!(Model::from_bytes(&bytes[..length]).is_err());
        }
        assert_eq!(trained(&[], 3, 1).bits(b"abc"), 24.0);
    }
}
