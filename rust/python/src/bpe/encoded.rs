//! What the `Encoding` of `tokenfoundry.compat.tokenizers` is made of: ids that become a list when somebody asks, and what the
//! rest can be made of when somebody asks for that.
//!
//! Objects that a tokenizer makes are nothing to the garbage collector, so that it does not look through a batch of thousands
//! again and again. One refers to a text, to what encoded it, and to what Python keeps of it; none of them refers back.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyList, PyString, PyType};
use tokenfoundry_bpe::tokenizer::Text;

use super::lists;
use super::tokenizer::PyTokenizer;
use crate::buffers::collector;
use crate::buffers::ids::ids_from;
use crate::buffers::ints;

/// Where what there is beside the ids comes from: a text, what encodes it in full, and with which option.
struct Origin {
    source: Py<PyAny>,
    text: Py<PyString>,
    add_special_tokens: bool,
}

/// Those of a batch lie side by side, and are there as long as one of its encodings (of a group of 128 kB of text) is:
/// memory for each takes as long to get and to give back as a short text to encode.
enum Ids {
    Own(Box<[u32]>),
    Shared { of_all: Arc<[u32]>, start: usize, end: usize },
}

impl Ids {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::Own(ids) => ids,
            Self::Shared { of_all, start, end } => &of_all[*start..*end],
        }
    }
}

#[pyclass(subclass, module = "tokenfoundry._core.bpe", name = "Encoded")]
pub struct PyEncoded {
    ids: Ids,
    /// The first list of them that is asked for: it was made when the collector had little to look at, with many others.
    list: Option<Py<PyList>>,
    origin: Option<Origin>,
    rest: Option<Py<PyAny>>,
}

#[pymethods]
impl PyEncoded {
    #[new]
    #[pyo3(signature = (ids=None, rest=None))]
    fn new(ids: Option<&Bound<'_, PyAny>>, rest: Option<Py<PyAny>>) -> PyResult<Self> {
        let ids = ids.map(ids_from).transpose()?.unwrap_or_default();
        Ok(Self { ids: Ids::Own(ids.into()), list: None, origin: None, rest })
    }

    #[getter]
    fn ids<'py>(&mut self, python: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        match self.list.take() {
            Some(list) => Ok(list.into_bound(python)),
            None => ints::list(python, self.ids.as_slice()),
        }
    }

    #[getter]
    fn _ids<'py>(&self, python: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        ints::list(python, self.ids.as_slice())
    }

    #[setter(_ids)]
    fn set_ids(&mut self, ids: &Bound<'_, PyAny>) -> PyResult<()> {
        self.ids = Ids::Own(ids_from(ids)?.into());
        self.list = None;
        Ok(())
    }

    fn __len__(&self) -> usize {
        self.ids.as_slice().len()
    }

    /// What encoded the text, the text, and whether a template was put around it; `None` where `_rest` has it all.
    #[getter]
    #[allow(clippy::type_complexity)]
    fn _origin(&self, python: Python<'_>) -> Option<(Py<PyAny>, Py<PyString>, Py<PyBool>)> {
        let Origin { source, text, add_special_tokens } = self.origin.as_ref()?;
        let special = PyBool::new(python, *add_special_tokens).to_owned().unbind();
        Some((source.clone_ref(python), text.clone_ref(python), special))
    }

    #[getter]
    fn _rest(&self, python: Python<'_>) -> Option<Py<PyAny>> {
        Some(self.rest.as_ref()?.clone_ref(python))
    }

    #[setter(_rest)]
    fn set_rest(&mut self, rest: Py<PyAny>) {
        self.rest = Some(rest);
        self.origin = None;
    }
}

impl Origin {
    fn new(source: &Bound<'_, PyAny>, text: &Bound<'_, PyString>, add_special_tokens: bool) -> Self {
        Self { source: source.clone().unbind(), text: text.clone().unbind(), add_special_tokens }
    }
}

/// A new object of `kind`, which is [`PyEncoded`] or inherits from it, whose ids are still to come.
fn made<'py>(kind: &Bound<'py, PyType>, origin: Origin) -> PyResult<Bound<'py, PyEncoded>> {
    let object = kind.call0()?;
    collector::untrack(&object);
    let object = object.cast_into::<PyEncoded>()?;
    object.try_borrow_mut()?.origin = Some(origin);
    Ok(object)
}

fn give_ids<'py>(object: &Bound<'py, PyEncoded>, mut list: Bound<'py, PyList>, ids: Ids) -> PyResult<()> {
    ints::fill(&mut list, ids.as_slice())?;
    let mut inside = object.try_borrow_mut()?;
    inside.ids = ids;
    inside.list = Some(list.unbind());
    Ok(())
}

/// An `Encoded` of one text; `None` if it is no `str`, or has a lone surrogate.
#[pyfunction]
#[pyo3(signature = (tokenizer, text, kind, source, add_special_tokens, allowed_special))]
fn encode_lazily<'py>(
    tokenizer: &PyTokenizer,
    text: &Bound<'py, PyAny>,
    kind: &Bound<'py, PyType>,
    source: &Bound<'py, PyAny>,
    add_special_tokens: bool,
    allowed_special: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Ok(text) = text.cast::<PyString>() else { return Ok(None) };
    let Ok(utf8) = text.to_str() else { return Ok(None) };
    let options = tokenizer.options(add_special_tokens, allowed_special)?;
    let python = text.py();
    let object = made(kind, Origin::new(source, text, add_special_tokens))?;
    lists::with_ids(tokenizer, python, Text::Utf8(utf8), &options, |ids| {
        give_ids(&object, PyList::empty(python), Ids::Own(ids.into()))
    })?;
    Ok(Some(object.into_any()))
}

/// An `Encoded` of each text; `None` if one of them is no `str`, or has a lone surrogate.
#[pyfunction]
#[pyo3(signature = (tokenizer, texts, kind, source, add_special_tokens, allowed_special))]
fn encode_batch_lazily<'py>(
    tokenizer: &PyTokenizer,
    texts: &Bound<'py, PyList>,
    kind: &Bound<'py, PyType>,
    source: &Bound<'py, PyAny>,
    add_special_tokens: bool,
    allowed_special: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyList>>> {
    let python = texts.py();
    let mut kept: Vec<Bound<'py, PyString>> = Vec::with_capacity(texts.len());
    for text in texts {
        match text.cast_into::<PyString>() {
            Ok(text) => kept.push(text),
            Err(_) => return Ok(None),
        }
    }
    let Ok(borrowed) = kept.iter().map(|text| text.to_str().map(Text::Utf8)).collect::<PyResult<Vec<_>>>() else {
        return Ok(None);
    };
    let options = tokenizer.options(add_special_tokens, allowed_special)?;
    let lists = ints::empty_lists(python, kept.len());
    let encodings = collector::once_after(python, || {
        let origins = kept.iter().map(|text| Origin::new(source, text, add_special_tokens));
        origins.map(|origin| made(kind, origin)).collect::<PyResult<Vec<_>>>()
    })?;
    lists::each(tokenizer, python, &borrowed, &options, None, None, |first, rows| {
        let of_all: Arc<[u32]> = rows.values.as_slice().into();
        let mut parts = encodings[first..].iter().zip(&lists[first..]).zip(rows.offsets.windows(2));
        parts.try_for_each(|((object, list), ends)| {
            let of_all = Arc::clone(&of_all);
            give_ids(object, list.clone(), Ids::Shared { of_all, start: ends[0] as usize, end: ends[1] as usize })
        })
    })?;
    PyList::new(python, encodings).map(Some)
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<PyEncoded>()?;
    room.add_function(wrap_pyfunction!(encode_lazily, room)?)?;
    room.add_function(wrap_pyfunction!(encode_batch_lazily, room)?)
}
