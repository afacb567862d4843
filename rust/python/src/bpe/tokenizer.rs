//! `Bpe`: a tokenizer that is ready to use. Shapes and defaults are `tokenfoundry.Tokenizer`'s business.

use std::collections::HashSet;
use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use tokenfoundry_base::{Cancel, Cancelled};
use tokenfoundry_bpe::decode::{Utf8Stream, decode_into};
use tokenfoundry_bpe::pretokenize::Pattern;
use tokenfoundry_bpe::specials::{Allowed, Specials};
use tokenfoundry_bpe::vocab::{hf_json, tiktoken};
use tokenfoundry_bpe::{EncodeError, Vocabulary, VocabularyError};

use crate::buffers::arrays;
use crate::buffers::texts::{Texts, with_replaced_surrogates};
use crate::{errors, gate};

/// Texts below this many bytes are encoded on the caller's thread: starting another costs more.
const BRIEF_BYTES: usize = 1 << 20;

/// Tokens, and where rows begin or which bytes each token spells.
type RaggedArrays<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<i64>>);

fn vocabulary_error(error: VocabularyError) -> PyErr {
    errors::vocabulary(error.0)
}

pub(super) fn encode_error(error: EncodeError) -> PyErr {
    match error {
        EncodeError::Pattern(error) => errors::input(error.0),
        // The gate raises KeyboardInterrupt itself; this is for a cancel that nobody asked for.
        EncodeError::Cancelled(Cancelled) => pyo3::exceptions::PyKeyboardInterrupt::new_err(()),
    }
}

/// One text, a lone surrogate replaced as tiktoken does.
fn one_text(text: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(string) = text.cast::<PyString>() {
        return match string.to_str() {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => with_replaced_surrogates(string),
        };
    }
    let bytes: &Bound<'_, PyBytes> =
        text.cast().map_err(|_| pyo3::exceptions::PyTypeError::new_err("text must be str or bytes"))?;
    std::str::from_utf8(bytes.as_bytes())
        .map(str::to_owned)
        .map_err(|error| errors::input(format!("text is not UTF-8: {error}; clean it with tf.text.normalize first")))
}

#[pyclass(frozen, module = "tokenfoundry._core.bpe")]
pub struct Bpe {
    inner: Arc<tokenfoundry_bpe::Bpe>,
}

impl Bpe {
    fn made(inner: Result<tokenfoundry_bpe::Bpe, VocabularyError>) -> PyResult<Self> {
        Ok(Self { inner: Arc::new(inner.map_err(vocabulary_error)?) })
    }

    fn assembled(vocabulary: Vocabulary, pattern: &str, specials: Vec<(String, u32)>, nfc: bool) -> PyResult<Self> {
        let pattern = Pattern::new(pattern).map_err(|error| errors::vocabulary(error.0))?;
        let specials = Specials::new(specials).map_err(vocabulary_error)?;
        Self::made(tokenfoundry_bpe::Bpe::new(vocabulary, pattern, specials, nfc))
    }

    /// `None`: all special tokens are recognised; otherwise those named.
    fn allowed(&self, names: Option<HashSet<String>>) -> PyResult<Allowed> {
        let Some(names) = names else { return Ok(Allowed::All) };
        if names.is_empty() {
            return Ok(Allowed::None);
        }
        let mask: Vec<bool> = self.inner.specials.tokens().iter().map(|(text, _)| names.contains(text)).collect();
        if mask.iter().filter(|&&allowed| allowed).count() < names.len() {
            let known: HashSet<&str> = self.inner.specials.tokens().iter().map(|(text, _)| text.as_str()).collect();
            let stranger = names.iter().find(|name| !known.contains(name.as_str())).map_or("", String::as_str);
            return Err(errors::input(format!("allowed_special names {stranger:?}, which is no special token here")));
        }
        Ok(Allowed::Some(mask))
    }

    fn encode_one(&self, python: Python<'_>, text: &str, allowed: &Allowed) -> PyResult<Vec<u32>> {
        let mut tokens = Vec::with_capacity(text.len() / 3 + 1);
        if text.len() < BRIEF_BYTES {
            gate::brief(python, || self.inner.encode_into(text, allowed, &Cancel::new(), &mut tokens))
                .map_err(encode_error)?;
            return Ok(tokens);
        }
        gate::long(python, |cancel| self.inner.encode_into(text, allowed, cancel, &mut tokens).map(|()| tokens))?
            .map_err(encode_error)
    }
}

#[pymethods]
impl Bpe {
    #[staticmethod]
    fn from_ranks(
        python: Python<'_>,
        tokens: Vec<(Vec<u8>, u32)>,
        pattern: &str,
        specials: Vec<(String, u32)>,
    ) -> PyResult<Self> {
        let vocabulary = gate::brief(python, || Vocabulary::from_ranks(&tokens)).map_err(vocabulary_error)?;
        Self::assembled(vocabulary, pattern, specials, false)
    }

    #[staticmethod]
    fn from_rank_file(
        python: Python<'_>,
        content: &[u8],
        pattern: &str,
        specials: Vec<(String, u32)>,
    ) -> PyResult<Self> {
        let vocabulary = gate::brief(python, || Vocabulary::from_ranks(&tiktoken::parse(content)?));
        Self::assembled(vocabulary.map_err(vocabulary_error)?, pattern, specials, false)
    }

    #[staticmethod]
    fn from_merges(
        python: Python<'_>,
        tokens: Vec<(Vec<u8>, u32)>,
        merges: Vec<(u32, u32)>,
        pattern: &str,
        specials: Vec<(String, u32)>,
    ) -> PyResult<Self> {
        let vocabulary = gate::brief(python, || Vocabulary::from_merges(&tokens, merges, false));
        Self::assembled(vocabulary.map_err(vocabulary_error)?, pattern, specials, false)
    }

    #[staticmethod]
    fn from_hf_json(python: Python<'_>, content: &[u8]) -> PyResult<Self> {
        Self::made(gate::brief(python, || hf_json::parse(content)))
    }

    fn to_hf_json(&self, python: Python<'_>) -> PyResult<String> {
        gate::brief(python, || hf_json::write(&self.inner)).map_err(vocabulary_error)
    }

    fn to_rank_file(&self) -> String {
        tiktoken::write(&self.inner.vocabulary)
    }

    #[getter]
    fn id_count(&self) -> usize {
        self.inner.id_count()
    }

    #[getter]
    fn token_count(&self) -> usize {
        let vocabulary = &self.inner.vocabulary;
        let only_special = self.inner.specials.tokens().iter().filter(|(_, id)| vocabulary.token(*id).is_none());
        vocabulary.tokens().count() + only_special.count()
    }

    #[getter]
    fn pattern(&self) -> &str {
        self.inner.pattern.as_str()
    }

    #[getter]
    fn pattern_is_fast(&self) -> bool {
        self.inner.pattern.is_fast()
    }

    #[getter]
    fn specials<'py>(&self, python: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let specials = PyDict::new(python);
        for (text, id) in self.inner.specials.tokens() {
            specials.set_item(text, id)?;
        }
        Ok(specials)
    }

    fn token_bytes<'py>(&self, python: Python<'py>, id: u32) -> Option<Bound<'py, PyBytes>> {
        let special = || self.inner.specials.text(id).map(str::as_bytes);
        self.inner.vocabulary.token(id).or_else(special).map(|token| PyBytes::new(python, token))
    }

    fn token_id(&self, token: &[u8]) -> Option<u32> {
        let special = || {
            let mut specials = self.inner.specials.tokens().iter();
            specials.find(|(text, _)| text.as_bytes() == token).map(|(_, id)| *id)
        };
        self.inner.vocabulary.id(token).or_else(special)
    }

    #[pyo3(signature = (text, allowed))]
    fn encode<'py>(
        &self,
        python: Python<'py>,
        text: &Bound<'py, PyAny>,
        allowed: Option<HashSet<String>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let tokens = self.encode_one(python, &one_text(text)?, &self.allowed(allowed)?)?;
        PyList::new(python, tokens)
    }

    #[pyo3(signature = (text, allowed))]
    fn encode_array<'py>(
        &self,
        python: Python<'py>,
        text: &Bound<'py, PyAny>,
        allowed: Option<HashSet<String>>,
    ) -> PyResult<Bound<'py, PyArray1<u32>>> {
        Ok(self.encode_one(python, &one_text(text)?, &self.allowed(allowed)?)?.into_pyarray(python))
    }

    #[pyo3(signature = (text, allowed))]
    fn encode_with_offsets<'py>(
        &self,
        python: Python<'py>,
        text: &Bound<'py, PyAny>,
        allowed: Option<HashSet<String>>,
    ) -> PyResult<RaggedArrays<'py>> {
        let (text, allowed) = (one_text(text)?, self.allowed(allowed)?);
        let (tokens, spans) = gate::long(python, |cancel| self.inner.encode_with_offsets(&text, &allowed, cancel))?
            .map_err(encode_error)?;
        Ok((tokens.into_pyarray(python), spans.into_pyarray(python)))
    }

    #[pyo3(signature = (texts, allowed, threads))]
    fn encode_batch<'py>(
        &self,
        python: Python<'py>,
        texts: Texts,
        allowed: Option<HashSet<String>>,
        threads: Option<usize>,
    ) -> PyResult<RaggedArrays<'py>> {
        let (allowed, strs) = (self.allowed(allowed)?, texts.strs()?);
        let ragged = gate::long(python, |cancel| self.inner.encode_batch(&strs, &allowed, threads, cancel))?
            .map_err(encode_error)?;
        Ok(arrays::ragged(python, ragged))
    }

    #[pyo3(signature = (texts, allowed, threads))]
    fn count_batch<'py>(
        &self,
        python: Python<'py>,
        texts: Texts,
        allowed: Option<HashSet<String>>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let (allowed, strs) = (self.allowed(allowed)?, texts.strs()?);
        let counts = gate::long(python, |cancel| self.inner.count_batch(&strs, &allowed, threads, cancel))?
            .map_err(encode_error)?;
        Ok(counts.into_pyarray(python))
    }

    #[pyo3(signature = (text, allowed))]
    fn count(&self, python: Python<'_>, text: &Bound<'_, PyAny>, allowed: Option<HashSet<String>>) -> PyResult<i64> {
        let (text, allowed) = (one_text(text)?, self.allowed(allowed)?);
        if text.len() < BRIEF_BYTES {
            return gate::brief(python, || self.inner.count(&text, &allowed, &Cancel::new())).map_err(encode_error);
        }
        gate::long(python, |cancel| self.inner.count(&text, &allowed, cancel))?.map_err(encode_error)
    }

    fn decode_bytes<'py>(
        &self,
        python: Python<'py>,
        ids: PyReadonlyArray1<'py, u32>,
        skip_special_tokens: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let ids = ids.as_slice()?;
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        decode_into(&self.inner, ids, skip_special_tokens, &mut bytes).map_err(|error| errors::input(error.0))?;
        Ok(PyBytes::new(python, &bytes))
    }
}

/// Text out of tokens that arrive one at a time.
#[pyclass(module = "tokenfoundry._core.bpe")]
pub struct Stream {
    bpe: Arc<tokenfoundry_bpe::Bpe>,
    skip_special_tokens: bool,
    utf8: Utf8Stream,
}

#[pymethods]
impl Stream {
    #[new]
    fn new(bpe: &Bpe, skip_special_tokens: bool) -> Self {
        Self { bpe: Arc::clone(&bpe.inner), skip_special_tokens, utf8: Utf8Stream::default() }
    }

    fn push(&mut self, id: u32) -> PyResult<String> {
        let mut bytes = Vec::new();
        decode_into(&self.bpe, &[id], self.skip_special_tokens, &mut bytes).map_err(|error| errors::input(error.0))?;
        Ok(self.utf8.push(&bytes))
    }

    fn finish(&mut self) -> String {
        self.utf8.finish()
    }
}

/// Pieces of one text as byte ranges: the differential tests of the pattern scanners.
#[pyfunction]
fn pieces(pattern: &str, text: &str) -> PyResult<Vec<(usize, usize)>> {
    let pattern = Pattern::new(pattern).map_err(|error| errors::input(error.0))?;
    let mut pieces = Vec::new();
    pattern
        .pieces(text, |start, end| {
            pieces.push((start, end));
            true
        })
        .map_err(|error| errors::input(error.0))?;
    Ok(pieces)
}

/// The regular expression of a pattern's short name.
#[pyfunction]
fn named_pattern(name: &str) -> Option<&'static str> {
    tokenfoundry_bpe::pretokenize::named(name)
}

/// Whether a file's content is a tiktoken rank file.
#[pyfunction]
fn is_rank_file(content: &[u8]) -> bool {
    tiktoken::recognise(content)
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<Bpe>()?;
    room.add_class::<Stream>()?;
    room.add_function(wrap_pyfunction!(is_rank_file, room)?)?;
    room.add_function(wrap_pyfunction!(named_pattern, room)?)?;
    room.add_function(wrap_pyfunction!(pieces, room)?)
}
