use std::sync::{Arc, Mutex, PoisonError};

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::{PyKeyboardInterrupt, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use rustc_hash::FxHashSet;
use tokenfoundry_base::{Cancel, Ragged};
use tokenfoundry_bpe::formats::{self, hf_json, sentencepiece, tekken, tiktoken};
use tokenfoundry_bpe::pretokenize::{Pretokenizer, pattern_by_name};
use tokenfoundry_bpe::rows::Side;
use tokenfoundry_bpe::special::{AddedToken, Allowed};
use tokenfoundry_bpe::tokenizer::{self as core, EncodeError, InFull, Options, Text};
use tokenfoundry_bpe::vocabulary::{Vocabulary, VocabularyError};

use super::rows::side;
use super::{decode, lists};
use crate::buffers::arrays;
use crate::buffers::ints;
use crate::buffers::texts::{Texts, with_replaced_surrogates};
use crate::{errors, gate};

/// Texts up to this long are encoded with the GIL held: letting go of it costs more than it gives.
pub(super) const BRIEF_BYTES: usize = 16 << 10;
/// From here on a call answers Ctrl-C.
pub(super) const LONG_BYTES: usize = 2 << 20;

fn refused(error: VocabularyError) -> PyErr {
    errors::vocabulary(error.0)
}

pub(super) fn encode_error(error: EncodeError) -> PyErr {
    match error {
        EncodeError::Cancelled => PyKeyboardInterrupt::new_err(()),
        EncodeError::Pattern(error) => errors::input(error.to_string()),
    }
}

/// A tokenizer as its file says it is, checked when `Tokenizer` is made of it.
#[pyclass(frozen, module = "tokenfoundry._core.bpe", name = "Parts")]
struct PyParts(Mutex<Option<core::Parts>>);

impl PyParts {
    fn new(parts: core::Parts) -> Self {
        Self(Mutex::new(Some(parts)))
    }
}

fn added_tokens(special_tokens: Vec<(String, u32)>) -> Vec<AddedToken> {
    special_tokens.into_iter().map(|(content, id)| AddedToken::special(content, id)).collect()
}

fn byte_level(vocabulary: Vocabulary, pattern: &str, special_tokens: Vec<(String, u32)>) -> PyResult<PyParts> {
    let pretokenizer = Pretokenizer::from_pattern(pattern).map_err(|error| errors::vocabulary(error.0))?;
    Ok(PyParts::new(core::Parts::byte_level(vocabulary, pretokenizer, added_tokens(special_tokens))))
}

#[pyfunction]
#[pyo3(signature = (file, finds_special, may_be_untrained=false))]
fn read_tokenizer_json(
    python: Python<'_>,
    file: &[u8],
    finds_special: bool,
    may_be_untrained: bool,
) -> PyResult<PyParts> {
    let read = if may_be_untrained { hf_json::read_untrained } else { hf_json::read };
    gate::brief(python, || {
        let mut parts = read(file).map_err(refused)?;
        parts.finds_special = finds_special;
        Ok(PyParts::new(parts))
    })
}

#[pyfunction]
fn read_tekken_json(python: Python<'_>, file: &[u8]) -> PyResult<PyParts> {
    gate::brief(python, || Ok(PyParts::new(tekken::read(file).map_err(refused)?)))
}

#[pyfunction]
fn read_sentencepiece(python: Python<'_>, file: &[u8]) -> PyResult<PyParts> {
    gate::brief(python, || Ok(PyParts::new(sentencepiece::read(file).map_err(refused)?)))
}

#[pyfunction]
fn read_rank_file(
    python: Python<'_>,
    file: &[u8],
    pattern: &str,
    special_tokens: Vec<(String, u32)>,
) -> PyResult<PyParts> {
    gate::brief(python, || byte_level(tiktoken::read(file).map_err(refused)?, pattern, special_tokens))
}

#[pyfunction]
fn from_ranks(ranks: &Bound<'_, PyDict>, pattern: &str, special_tokens: Vec<(String, u32)>) -> PyResult<PyParts> {
    let mut pairs = Vec::with_capacity(ranks.len());
    for (token, rank) in ranks {
        pairs.push((token.cast::<PyBytes>()?.as_bytes().to_vec(), rank.extract::<u32>()?));
    }
    byte_level(tiktoken::from_pairs(&pairs).map_err(refused)?, pattern, special_tokens)
}

#[pyfunction]
fn from_merges(
    tokens: Vec<(Bound<'_, PyBytes>, u32)>,
    merges: Vec<(u32, u32)>,
    pattern: &str,
    special_tokens: Vec<(String, u32)>,
) -> PyResult<PyParts> {
    let merges = merges.into_iter().map(|(left, right)| [left, right]).collect();
    let pairs: Vec<(Vec<u8>, u32)> = tokens.iter().map(|(token, id)| (token.as_bytes().to_vec(), *id)).collect();
    let ordered = tiktoken::from_pairs(&pairs).map_err(refused)?.tokens;
    let parts = byte_level(Vocabulary::from_merges(ordered, merges), pattern, special_tokens)?;
    if let Some(parts) = parts.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        parts.finds_special = true;
    }
    Ok(parts)
}

/// The regular expression that a pattern's name stands for.
#[pyfunction]
fn named_pattern(name: &str) -> Option<&'static str> {
    pattern_by_name(name)
}

/// Where a pattern cuts a text, as byte ranges.
#[pyfunction]
fn pieces(pattern: &str, text: &str) -> PyResult<Vec<(usize, usize)>> {
    let pretokenizer = Pretokenizer::from_pattern(pattern).map_err(|error| errors::vocabulary(error.0))?;
    let mut pieces = Vec::new();
    pretokenizer.split(text, |start, end| pieces.push((start, end))).map_err(|error| errors::input(error.0))?;
    Ok(pieces)
}

/// What kind of tokenizer a file's content is.
#[pyfunction]
fn kind_of_file(file: &[u8]) -> &'static str {
    formats::kind_of(file)
}

/// A text argument, borrowed where it has UTF-8 to borrow.
enum Argument<'a> {
    Str(&'a str),
    Repaired(String),
    Bytes(&'a [u8]),
}

impl<'a> Argument<'a> {
    fn new(text: &'a Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(text) = text.cast::<PyString>() {
            return match text.to_str() {
                Ok(text) => Ok(Self::Str(text)),
                Err(_lone_surrogate) => Ok(Self::Repaired(with_replaced_surrogates(text)?)),
            };
        }
        match text.cast::<PyBytes>() {
            Ok(bytes) => Ok(Self::Bytes(bytes.as_bytes())),
            Err(_) => Err(PyTypeError::new_err(format!("text must be str or bytes, not {}", text.get_type().name()?))),
        }
    }

    fn text(&self) -> Text<'_> {
        match self {
            Self::Str(text) => Text::Utf8(text),
            Self::Repaired(text) => Text::Utf8(text),
            Self::Bytes(bytes) => Text::Bytes(bytes),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Str(text) => text.as_bytes(),
            Self::Repaired(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

#[pyclass(frozen, subclass, module = "tokenfoundry._core.bpe", name = "Tokenizer")]
pub struct PyTokenizer {
    pub(super) inner: Arc<core::Tokenizer>,
    /// For work that is too brief to be stopped.
    never: Cancel,
}

impl PyTokenizer {
    fn allowed(&self, allowed: Option<&Bound<'_, PyAny>>) -> PyResult<Allowed> {
        let Some(allowed) = allowed else {
            return Ok(if self.inner.finds_special() { Allowed::All } else { Allowed::None });
        };
        if let Ok(word) = allowed.cast::<PyString>() {
            return match word.to_str()? {
                "all" => Ok(Allowed::All),
                "none" => Ok(Allowed::None),
                other => Err(errors::input(format!(
                    "allowed_special must be \"all\", \"none\" or a set of tokens, not {other:?}"
                ))),
            };
        }
        let ids = self.special_ids(allowed)?;
        Ok(if ids.is_empty() { Allowed::None } else { Allowed::Only(ids) })
    }

    fn special_ids(&self, contents: &Bound<'_, PyAny>) -> PyResult<FxHashSet<u32>> {
        let mut ids = FxHashSet::default();
        for content in contents.try_iter()? {
            let content: String = content?.extract()?;
            match self.inner.added().all().iter().find(|token| token.special && token.content == content) {
                Some(token) => ids.insert(token.id),
                None => return Err(errors::input(format!("{content:?} is not a special token of this tokenizer"))),
            };
        }
        Ok(ids)
    }

    pub(super) fn options(&self, add_special_tokens: bool, allowed: Option<&Bound<'_, PyAny>>) -> PyResult<Options> {
        Ok(Options { add_special_tokens, allowed: self.allowed(allowed)? })
    }

    /// Raise if a text holds a special token that is disallowed.
    fn refuse_disallowed(&self, text: &[u8], allowed: &Allowed, disallowed: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let Some(disallowed) = disallowed else { return Ok(()) };
        let ids: FxHashSet<u32> = if disallowed.cast::<PyString>().is_ok_and(|word| word == "all") {
            let special = self.inner.added().all().iter().filter(|token| token.special);
            let is_allowed = |id: u32| match allowed {
                Allowed::All => true,
                Allowed::None => false,
                Allowed::Only(ids) => ids.contains(&id),
            };
            special.map(|token| token.id).filter(|&id| !is_allowed(id)).collect()
        } else {
            self.special_ids(disallowed)?
        };
        if ids.is_empty() {
            return Ok(());
        }
        for chunk in text.utf8_chunks() {
            if let Some((token, at)) = self.inner.added().first_of(chunk.valid(), &ids) {
                return Err(errors::input(format!(
                    "the text holds the special token {:?} (byte {at}), which is disallowed; put it in allowed_special to have it as one token, or leave disallowed_special out to have it as plain text",
                    token.content
                )));
            }
        }
        Ok(())
    }

    /// Run `work` with the GIL, without it, or on a thread that Ctrl-C can stop, by how much there is to do.
    pub(super) fn run<R: Send + pyo3::marker::Ungil>(
        &self,
        python: Python<'_>,
        bytes: usize,
        work: impl FnOnce(&core::Tokenizer, &Cancel) -> Result<R, EncodeError> + Send + pyo3::marker::Ungil,
    ) -> PyResult<R> {
        let inner = &*self.inner;
        if bytes <= BRIEF_BYTES {
            work(inner, &self.never)
        } else if bytes <= LONG_BYTES {
            gate::brief(python, || work(inner, &self.never))
        } else {
            gate::long(python, |cancel| work(inner, cancel))?
        }
        .map_err(encode_error)
    }

    /// The tokens of a text, `length` at most; the template stays as far as there is room. On the right, what comes
    /// after them in a long text is not encoded.
    fn cut_to(
        &self,
        python: Python<'_>,
        text: Text<'_>,
        options: &Options,
        length: isize,
        truncation_side: &str,
    ) -> PyResult<Vec<u32>> {
        let length = usize::try_from(length)
            .map_err(|_| errors::input(format!("max_length must not be negative, got {length}")))?;
        let side = side(truncation_side, "truncation_side")?;
        let template = options.add_special_tokens.then(|| self.inner.template());
        let (before, after) = template.map_or((&[][..], &[][..]), |template| (&template.before, &template.after));
        let before = &before[..before.len().min(length)];
        let after = &after[after.len() - after.len().min(length - before.len())..];
        let room = length - before.len() - after.len();
        let options = Options { add_special_tokens: false, allowed: options.allowed.clone() };
        let body = self.run(python, text.as_ref().len(), move |inner, cancel| match side {
            Side::Left => inner.encode(text, &options, cancel),
            Side::Right => {
                let mut rows = Ragged::default();
                inner.encode_rows_up_to(room, &[text], &options, cancel, &mut rows).map(|()| rows.values)
            }
        })?;
        Ok([before, &body[body.len().saturating_sub(room)..], after].concat())
    }

    fn no_such(&self, id: u32) -> PyErr {
        let last = self.inner.vocabulary_size().saturating_sub(1);
        errors::input(format!("no token has id {id}; this tokenizer's ids end at {last}"))
    }
}

#[pymethods]
impl PyTokenizer {
    #[new]
    fn new(python: Python<'_>, parts: &PyParts) -> PyResult<Self> {
        let parts = parts.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let parts = parts.ok_or_else(|| errors::input("these parts were used for a tokenizer before"))?;
        let inner = gate::brief(python, || core::Tokenizer::new(parts)).map_err(refused)?;
        ints::prepare(python, inner.vocabulary_size());
        Ok(Self { inner: Arc::new(inner), never: Cancel::new() })
    }

    #[pyo3(signature = (text, add_special_tokens=true, *, allowed_special=None, disallowed_special=None, max_length=None, truncation_side="right"))]
    #[allow(clippy::too_many_arguments)]
    fn encode<'py>(
        &self,
        python: Python<'py>,
        text: &Bound<'py, PyAny>,
        add_special_tokens: bool,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        max_length: Option<isize>,
        truncation_side: &str,
    ) -> PyResult<Bound<'py, PyList>> {
        let argument = Argument::new(text)?;
        let options = self.options(add_special_tokens, allowed_special)?;
        self.refuse_disallowed(argument.bytes(), &options.allowed, disallowed_special)?;
        if let Some(length) = max_length {
            return ints::list(python, &self.cut_to(python, argument.text(), &options, length, truncation_side)?);
        }
        lists::one(self, python, argument.text(), &options)
    }

    #[pyo3(signature = (text, add_special_tokens=true, *, allowed_special=None, disallowed_special=None, max_length=None, truncation_side="right"))]
    #[allow(clippy::too_many_arguments)]
    fn encode_array<'py>(
        &self,
        python: Python<'py>,
        text: &Bound<'py, PyAny>,
        add_special_tokens: bool,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        max_length: Option<isize>,
        truncation_side: &str,
    ) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let argument = Argument::new(text)?;
        let options = self.options(add_special_tokens, allowed_special)?;
        self.refuse_disallowed(argument.bytes(), &options.allowed, disallowed_special)?;
        let text = argument.text();
        if let Some(length) = max_length {
            return Ok(self.cut_to(python, text, &options, length, truncation_side)?.into_pyarray(python));
        }
        let ids =
            self.run(python, argument.bytes().len(), move |inner, cancel| inner.encode(text, &options, cancel))?;
        Ok(ids.into_pyarray(python))
    }

    #[pyo3(signature = (text, add_special_tokens=true, *, allowed_special=None, disallowed_special=None))]
    fn count<'py>(
        &self,
        python: Python<'py>,
        text: &Bound<'py, PyAny>,
        add_special_tokens: bool,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<usize> {
        let argument = Argument::new(text)?;
        let options = self.options(add_special_tokens, allowed_special)?;
        self.refuse_disallowed(argument.bytes(), &options.allowed, disallowed_special)?;
        let text = argument.text();
        self.run(python, argument.bytes().len(), move |inner, cancel| inner.count(text, &options, cancel))
    }

    #[pyo3(signature = (texts, add_special_tokens, allowed_special, disallowed_special, threads))]
    #[allow(clippy::type_complexity)]
    fn _encode_batch<'py>(
        &self,
        python: Python<'py>,
        texts: Texts,
        add_special_tokens: bool,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        threads: Option<usize>,
    ) -> PyResult<(Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<i64>>)> {
        let options = self.options(add_special_tokens, allowed_special)?;
        let borrowed = texts.texts();
        for text in &borrowed {
            self.refuse_disallowed(text.as_ref(), &options.allowed, disallowed_special)?;
        }
        let borrowed = &borrowed;
        let ragged = self.run(python, texts.total_bytes(), move |inner, cancel| {
            inner.encode_batch(borrowed, &options, threads, cancel)
        })?;
        Ok(arrays::ragged(python, ragged))
    }

    #[pyo3(signature = (texts, add_special_tokens, allowed_special, disallowed_special, threads))]
    fn _encode_batch_lists<'py>(
        &self,
        python: Python<'py>,
        texts: Texts,
        add_special_tokens: bool,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyList>> {
        let options = self.options(add_special_tokens, allowed_special)?;
        let borrowed = texts.texts();
        for text in &borrowed {
            self.refuse_disallowed(text.as_ref(), &options.allowed, disallowed_special)?;
        }
        lists::many(self, python, &borrowed, &options, threads)
    }

    #[pyo3(signature = (texts, add_special_tokens, allowed_special, disallowed_special, threads))]
    fn _count_batch<'py>(
        &self,
        python: Python<'py>,
        texts: Texts,
        add_special_tokens: bool,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let options = self.options(add_special_tokens, allowed_special)?;
        let borrowed = texts.texts();
        for text in &borrowed {
            self.refuse_disallowed(text.as_ref(), &options.allowed, disallowed_special)?;
        }
        let borrowed = &borrowed;
        let counts = self.run(python, texts.total_bytes(), move |inner, cancel| {
            inner.count_batch(borrowed, &options, threads, cancel)
        })?;
        Ok(counts.into_pyarray(python))
    }

    #[pyo3(signature = (text, add_special_tokens=true, *, allowed_special=None, disallowed_special=None))]
    #[allow(clippy::type_complexity)]
    fn encode_with_offsets<'py>(
        &self,
        python: Python<'py>,
        text: &Bound<'py, PyAny>,
        add_special_tokens: bool,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyArray1<u32>>, Bound<'py, PyArray2<i64>>)> {
        let argument = Argument::new(text)?;
        let text = std::str::from_utf8(argument.bytes())
            .map_err(|error| errors::input(format!("text is not UTF-8, so it has no offsets: {error}")))?;
        let options = self.options(add_special_tokens, allowed_special)?;
        self.refuse_disallowed(text.as_bytes(), &options.allowed, disallowed_special)?;
        let (ids, spans) =
            self.run(python, text.len(), move |inner, cancel| inner.encode_with_offsets(text, &options, cancel))?;
        let flat: Vec<i64> = spans.into_iter().flatten().map(|at| at as i64).collect();
        let rows = ids.len();
        Ok((ids.into_pyarray(python), flat.into_pyarray(python).reshape([rows, 2])?))
    }

    /// Ids, the span of each in characters, the number of the piece that each is part of, and for added tokens that were
    /// found their places and what was found; no template.
    #[pyo3(signature = (text, allowed_special=None))]
    #[allow(clippy::type_complexity)]
    fn _encode_with_words<'py>(
        &self,
        python: Python<'py>,
        text: &str,
        allowed_special: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyList>, Vec<(u32, u32)>, Vec<u32>, Vec<(usize, String)>)> {
        let options = self.options(false, allowed_special)?;
        let InFull { ids, spans, words, found } =
            self.run(python, text.len(), move |inner, cancel| inner.encode_with_words(text, &options, cancel))?;
        // The character that each byte is of; a token may end within one, and then has it all.
        let mut character_of = Vec::with_capacity(text.len() + 1);
        let mut characters = 0u32;
        for byte in text.bytes() {
            characters += u32::from(byte & 0xC0 != 0x80);
            character_of.push(characters - 1);
        }
        character_of.push(characters);
        let spans = spans.into_iter().map(|[start, end]| {
            let (start, end) = (start as usize, end as usize);
            let first = character_of[start];
            (first, if end > start { character_of[end - 1] + 1 } else { first })
        });
        Ok((ints::list(python, &ids)?, spans.collect(), words, found))
    }

    #[pyo3(signature = (ids, *, skip_special_tokens=false))]
    fn decode<'py>(
        &self,
        python: Python<'py>,
        ids: &Bound<'py, PyAny>,
        skip_special_tokens: bool,
    ) -> PyResult<Bound<'py, PyString>> {
        decode::text(self, python, ids, skip_special_tokens)
    }

    #[pyo3(signature = (ids, *, skip_special_tokens=false))]
    fn decode_bytes<'py>(
        &self,
        python: Python<'py>,
        ids: &Bound<'py, PyAny>,
        skip_special_tokens: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        decode::bytes(self, python, ids, skip_special_tokens)
    }

    /// Decode the rows of a ragged array.
    fn _decode_rows<'py>(
        &self,
        python: Python<'py>,
        values: PyReadonlyArray1<'py, u32>,
        offsets: PyReadonlyArray1<'py, i64>,
        skip_special_tokens: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        decode::rows(self, python, values, offsets, skip_special_tokens)
    }

    #[getter]
    fn vocab_size(&self) -> usize {
        self.inner.vocabulary_size()
    }

    /// How many tokens the template puts before and after a text.
    #[getter]
    fn _template_lengths(&self) -> (usize, usize) {
        let template = self.inner.template();
        (template.before.len(), template.after.len())
    }

    #[getter]
    fn digest(&self, python: Python<'_>) -> String {
        let inner = &*self.inner;
        format!("{:032x}", gate::brief(python, || inner.digest()))
    }

    fn token_bytes<'py>(&self, python: Python<'py>, id: u32) -> PyResult<Bound<'py, PyBytes>> {
        match self.inner.decoder().pieces.get(id) {
            Some(bytes) => Ok(PyBytes::new(python, bytes)),
            None => Err(self.no_such(id)),
        }
    }

    /// The id of a token by its bytes: an added token's content first, then the vocabulary.
    fn find_token(&self, token: &Bound<'_, PyAny>) -> PyResult<Option<u32>> {
        let argument = Argument::new(token)?;
        let token = argument.bytes();
        let added = self.inner.added().all().iter().find(|added| added.content.as_bytes() == token);
        if let Some(added) = added {
            return Ok(Some(added.id));
        }
        Ok(self.inner.encoder().token_id(token))
    }

    #[getter]
    fn special_tokens<'py>(&self, python: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let specials = PyDict::new(python);
        for token in self.inner.added().all().iter().filter(|token| token.special) {
            specials.set_item(&token.content, token.id)?;
        }
        Ok(specials)
    }

    #[getter]
    fn added_tokens<'py>(&self, python: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let added = PyDict::new(python);
        for token in self.inner.added().all() {
            added.set_item(&token.content, token.id)?;
        }
        Ok(added)
    }

    #[getter]
    fn finds_special_tokens(&self) -> bool {
        self.inner.finds_special()
    }

    /// The regular expressions of the splits, in order.
    #[getter]
    fn patterns(&self) -> Vec<String> {
        self.inner.patterns()
    }

    fn _to_json(&self, python: Python<'_>) -> PyResult<String> {
        let inner = &*self.inner;
        gate::brief(python, || hf_json::write(inner)).map_err(refused)
    }

    fn decode_stream(&self) -> decode::PyStream {
        decode::PyStream::new(Arc::clone(&self.inner))
    }
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<PyParts>()?;
    room.add_class::<PyTokenizer>()?;
    room.add_class::<decode::PyStream>()?;
    room.add_function(wrap_pyfunction!(read_tokenizer_json, room)?)?;
    room.add_function(wrap_pyfunction!(read_tekken_json, room)?)?;
    room.add_function(wrap_pyfunction!(read_sentencepiece, room)?)?;
    room.add_function(wrap_pyfunction!(read_rank_file, room)?)?;
    room.add_function(wrap_pyfunction!(from_ranks, room)?)?;
    room.add_function(wrap_pyfunction!(from_merges, room)?)?;
    room.add_function(wrap_pyfunction!(named_pattern, room)?)?;
    room.add_function(wrap_pyfunction!(pieces, room)?)?;
    room.add_function(wrap_pyfunction!(kind_of_file, room)?)
}
