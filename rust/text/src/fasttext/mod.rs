//! Models in fastText's own format (`.bin`, `.ftz`; Joulin et al. 2016, "Bag of Tricks for Efficient Text
//! Classification"): loading and predicting, equal to the `fasttext` package, without it.
//!
//! A text is one line to such a model: line breaks separate words. Labels and their probabilities are those of
//! `fasttext.predict`, odd corners included (a probability is `p + 0.00001`, because the original adds that before it takes a logarithm
//! and never takes it away again). Quantized models are unpacked once, 4 bytes a dimension and row.
//!
//! Cost: about 10 ns a character n-gram and word, and what the loss asks for: all labels for softmax and one-vs-all, a few
//! tree nodes for hierarchical softmax. Not for training, nor for nearest neighbours.

mod dictionary;
mod loss;
mod matrix;
mod read;

use dictionary::Dictionary;
use loss::Loss;
use matrix::Matrix;
use read::Reader;

/// What is wrong with a model file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    pub offset: usize,
    pub reason: String,
}

impl std::fmt::Display for Damaged {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "byte {}: {}", self.offset, self.reason)
    }
}

const MAGIC: i32 = 793_712_314;
const NEWEST: i32 = 12;
const SUPERVISED: i32 = 3;

/// The numbers a model was trained with, as far as they matter to predict.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub dimensions: usize,
    pub word_ngrams: usize,
    pub buckets: u32,
    pub least_characters: usize,
    pub most_characters: usize,
}

/// A classifier.
#[derive(Debug)]
pub struct Model {
    settings: Settings,
    dictionary: Dictionary,
    input: Matrix,
    output: Matrix,
    loss: Loss,
}

/// Memory that one thread reuses.
#[derive(Debug, Default)]
pub struct Scratch {
    rows: Vec<u32>,
    hashes: Vec<u32>,
    hidden: Vec<f32>,
    scores: Vec<f32>,
    heap: Vec<(f32, u32)>,
}

impl Model {
    /// Read a model from the content of its file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes);
        if reader.i32()? != MAGIC {
            return Err(reader.damaged("this is no fastText model (its first four bytes are others)"));
        }
        let version = reader.i32()?;
        if !(11..=NEWEST).contains(&version) {
            return Err(reader.damaged(format!("version {version} of the format; known are 11 and 12")));
        }
        let mut arguments = [0i32; 12];
        for argument in &mut arguments {
            *argument = reader.i32()?;
        }
        reader.take(8)?;
        let [dimensions, _, _, _, _, word_ngrams, loss, kind, buckets, least, most, _] = arguments;
        if kind != SUPERVISED {
            return Err(reader.damaged("word vectors, not a classifier (train with `supervised`)"));
        }
        let settings = Settings {
            dimensions: reader.size(i64::from(dimensions), 1 << 20, "dimensions")?,
            word_ngrams: reader.size(i64::from(word_ngrams), 64, "word n-grams")?,
            buckets: reader.size(i64::from(buckets), i64::from(i32::MAX), "buckets")? as u32,
            least_characters: reader.size(i64::from(least), 1 << 20, "shortest character n-gram")?,
            // Classifiers of version 11 had a setting here that they did not use.
            most_characters: if version == 11 {
                0
            } else {
                reader.size(i64::from(most), 1 << 20, "longest character n-gram")?
            },
        };
        let dictionary = Dictionary::read(&mut reader, &settings)?;
        let quantized = reader.bool()?;
        let input = Matrix::read(&mut reader, quantized)?;
        let quantized_output = reader.bool()?;
        let output = Matrix::read(&mut reader, quantized && quantized_output)?;
        let labels = dictionary.labels.len();
        if input.columns != settings.dimensions || output.columns != settings.dimensions || output.rows != labels {
            return Err(reader.damaged(format!(
                "matrices of {}x{} and {}x{} do not fit {} dimensions and {labels} labels",
                input.rows, input.columns, output.rows, output.columns, settings.dimensions
            )));
        }
        if labels == 0 {
            return Err(reader.damaged("it has no labels"));
        }
        let loss = Loss::new(loss, &dictionary.label_counts)
            .ok_or_else(|| reader.damaged(format!("loss {loss} is unknown")))?;
        Ok(Self { settings, dictionary, input, output, loss })
    }

    /// All labels, the most frequent first, with their prefix (`__label__`).
    pub fn labels(&self) -> &[String] {
        &self.dictionary.labels
    }

    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.input.bytes() + self.output.bytes() + self.dictionary.bytes()
    }

    /// The `most` likeliest labels of a text, as indices in [`Model::labels`], and their probabilities; likeliest first.
    ///
    /// Empty when no word or n-gram of the text is known to the model.
    pub fn predict(&self, text: &[u8], most: usize, scratch: &mut Scratch, found: &mut Vec<(u32, f32)>) {
        found.clear();
        self.dictionary.rows(text, &self.settings, &mut scratch.hashes, &mut scratch.rows);
        if scratch.rows.is_empty() || most == 0 {
            return;
        }
        let rows = scratch.rows.iter().filter(|&&row| (row as usize) < self.input.rows);
        self.input.mean(rows, scratch.rows.len(), &mut scratch.hidden);
        self.loss.best(most, &self.output, &scratch.hidden, &mut scratch.scores, &mut scratch.heap);
        found.extend(scratch.heap.iter().map(|&(score, label)| (label, score.exp())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_model_is_told() {
        for bytes in [&b""[..], b"abc", &[0; 100], &MAGIC.to_le_bytes()] {
            assert!(Model::from_bytes(bytes).is_err());
        }
        let mut head = MAGIC.to_le_bytes().to_vec();
        head.extend(12i32.to_le_bytes());
        for value in [16, 5, 5, 1, 5, 1, 1, 3, i32::MAX, 2, 4, 100] {
            head.extend(value.to_le_bytes());
        }
        head.extend(0f64.to_le_bytes());
        // Thousands of millions of words in a file of a hundred bytes.
        head.extend(i32::MAX.to_le_bytes().repeat(3));
        head.extend([0xFF; 16]);
        let error = Model::from_bytes(&head).expect_err("it is damaged");
        assert!(error.to_string().starts_with("byte "), "{error}");
    }
}
