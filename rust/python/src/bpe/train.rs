//! `Trainer`: feed it texts, then ask it for tokens and merges.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokenfoundry_bpe::pretokenize::Pattern;
use tokenfoundry_bpe::train::{FeedError, Options, PieceCounts, TrainError, train};

use super::tokenizer::encode_error;
use crate::buffers::texts::Texts;
use crate::{errors, gate};

fn feed_error(error: FeedError) -> PyErr {
    match error {
        FeedError::Encode(error) => encode_error(error),
        FeedError::Broken => errors::input(error.to_string()),
    }
}

fn train_error(error: TrainError) -> PyErr {
    match error {
        TrainError::Feed(error) => feed_error(error),
        TrainError::Cancelled(_) => pyo3::exceptions::PyKeyboardInterrupt::new_err(()),
        TrainError::TooLarge(message) => errors::input(message),
    }
}

#[pyclass(module = "tokenfoundry._core.bpe")]
pub struct Trainer {
    pattern: Pattern,
    counts: PieceCounts,
}

type Tokens<'py> = Vec<(Bound<'py, PyBytes>, u32)>;

#[pymethods]
impl Trainer {
    #[new]
    fn new(pattern: &str) -> PyResult<Self> {
        let pattern = Pattern::new(pattern).map_err(|error| errors::input(error.0))?;
        Ok(Self { pattern, counts: PieceCounts::default() })
    }

    #[getter]
    fn distinct_pieces(&self, python: Python<'_>) -> PyResult<usize> {
        gate::long(python, |cancel| self.counts.distinct(None, cancel))?
            .map_err(|error| train_error(TrainError::Cancelled(error)))
    }

    #[pyo3(signature = (texts, threads))]
    fn feed(&mut self, python: Python<'_>, texts: Texts, threads: Option<usize>) -> PyResult<()> {
        let strs = texts.strs()?;
        let Self { pattern, counts } = self;
        gate::long(python, |cancel| counts.feed(pattern, &strs, threads, cancel))?.map_err(feed_error)
    }

    #[pyo3(signature = (vocab_size, min_frequency, special_tokens, alphabet, threads, limit_alphabet=None, max_token_length=None))]
    #[allow(clippy::too_many_arguments)]
    fn finish<'py>(
        &self,
        python: Python<'py>,
        vocab_size: u32,
        min_frequency: u64,
        special_tokens: Vec<String>,
        alphabet: Option<Vec<u8>>,
        threads: Option<usize>,
        limit_alphabet: Option<usize>,
        max_token_length: Option<u32>,
    ) -> PyResult<(Tokens<'py>, Vec<(u32, u32)>)> {
        let options =
            Options { vocab_size, min_frequency, special_tokens, alphabet, limit_alphabet, max_token_length, threads };
        let trained = gate::long(python, |cancel| train(&self.counts, &options, cancel))?.map_err(train_error)?;
        let tokens = trained.tokens.iter().map(|(token, id)| (PyBytes::new(python, token), *id)).collect();
        Ok((tokens, trained.merges))
    }
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<Trainer>()
}
