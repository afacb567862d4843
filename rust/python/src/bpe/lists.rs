//! Texts to Python lists of ints: what is between the encoder and [`Ints`](crate::buffers::ints::Ints).

use std::cell::Cell;

use pyo3::prelude::*;
use pyo3::types::PyList;
use tokenfoundry_base::{Ragged, pool};
use tokenfoundry_bpe::tokenizer::{Options, Text, groups};

use super::tokenizer::{BRIEF_BYTES, PyTokenizer, encode_error};
use crate::gate;

/// Batches below this are not worth a second thread.
const PARALLEL_BYTES: usize = 256 << 10;
/// What a thread keeps room for.
const KEPT_IDS: usize = 32 << 10;

thread_local! {
    /// Room for the ids of a call.
    static ROOM: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
}

/// The tokens of one text.
pub(super) fn one<'py>(
    tokenizer: &PyTokenizer,
    python: Python<'py>,
    text: Text<'_>,
    options: &Options,
) -> PyResult<Bound<'py, PyList>> {
    let bytes = text.as_ref().len();
    let ids = if bytes <= BRIEF_BYTES { ROOM.take() } else { Vec::with_capacity(bytes / 3 + 4) };
    let mut ids = tokenizer.run(python, bytes, move |inner, cancel| {
        let mut ids = ids;
        inner.encode_into(text, options, cancel, &mut ids).map(|()| ids)
    })?;
    let list = tokenizer.ints.list(python, &ids);
    if bytes <= BRIEF_BYTES && ids.capacity() <= KEPT_IDS {
        ids.clear();
        ROOM.set(ids);
    }
    list
}

/// The tokens of each text.
///
/// With threads, lists are made of what is encoded while more is being encoded.
pub(super) fn many<'py>(
    tokenizer: &PyTokenizer,
    python: Python<'py>,
    texts: &[Text<'_>],
    options: &Options,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyList>> {
    let mut lists = tokenizer.ints.empty_lists(python, texts.len());
    let groups = groups(texts);
    let firsts: Vec<usize> = groups
        .iter()
        .scan(0, |first, group| {
            *first += group.len();
            Some(*first - group.len())
        })
        .collect();
    let mut fill = |number: usize, rows: &Ragged<u32>| -> PyResult<()> {
        for (list, ids) in lists[firsts[number]..].iter_mut().zip(rows.rows()) {
            tokenizer.ints.fill(list, ids)?;
        }
        Ok(())
    };
    let bytes: usize = texts.iter().map(|text| text.as_ref().len()).sum();
    let threads = threads.unwrap_or_else(pool::default_threads);
    if threads < 2 || bytes < PARALLEL_BYTES || groups.len() < 2 {
        let mut rows = Ragged::default();
        for (number, &group) in groups.iter().enumerate() {
            let bytes = group.iter().map(|text| text.as_ref().len()).sum();
            rows.values.clear();
            rows.offsets.truncate(1);
            rows = tokenizer.run(python, bytes, move |inner, cancel| {
                inner.encode_rows(group, options, cancel, &mut rows).map(|()| rows)
            })?;
            fill(number, &rows)?;
            if groups.len() > 1 {
                python.check_signals()?;
            }
        }
    } else {
        let inner = &*tokenizer.inner;
        let encoded = gate::stream(
            python,
            |cancel, sender| {
                inner.encode_groups(&groups, options, threads, cancel, |number, rows| {
                    // Nobody receives any more only if the work was stopped.
                    let _ = sender.send((number, rows));
                })
            },
            |(number, rows)| fill(number, &rows),
        )?;
        encoded.map_err(encode_error)?;
    }
    PyList::new(python, lists)
}
