//! Texts to ids that Python is given: what is between the encoder and [`ints`].

use std::cell::Cell;

use pyo3::prelude::*;
use pyo3::types::PyList;
use tokenfoundry_base::{Ragged, pool};
use tokenfoundry_bpe::tokenizer::{Options, Text, groups};

use super::tokenizer::{BRIEF_BYTES, PyTokenizer, encode_error};
use crate::buffers::ints;
use crate::gate;

/// Batches below this are not worth a second thread.
pub(super) const PARALLEL_BYTES: usize = 256 << 10;
/// What a thread keeps room for.
const KEPT_IDS: usize = 32 << 10;

thread_local! {
    /// Room for the ids of a call.
    static ROOM: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
}

/// Give the tokens of one text to `use_ids`.
#[inline]
pub(super) fn with_ids<R>(
    tokenizer: &PyTokenizer,
    python: Python<'_>,
    text: Text<'_>,
    options: &Options,
    use_ids: impl FnOnce(&[u32]) -> PyResult<R>,
) -> PyResult<R> {
    let bytes = text.as_ref().len();
    let ids = if bytes <= BRIEF_BYTES { ROOM.take() } else { Vec::with_capacity(bytes / 3 + 4) };
    let mut ids = tokenizer.run(python, bytes, move |inner, cancel| {
        let mut ids = ids;
        inner.encode_into(text, options, cancel, &mut ids).map(|()| ids)
    })?;
    let used = use_ids(&ids);
    if bytes <= BRIEF_BYTES && ids.capacity() <= KEPT_IDS {
        ids.clear();
        ROOM.set(ids);
    }
    used
}

/// The tokens of one text.
pub(super) fn one<'py>(
    tokenizer: &PyTokenizer,
    python: Python<'py>,
    text: Text<'_>,
    options: &Options,
) -> PyResult<Bound<'py, PyList>> {
    with_ids(tokenizer, python, text, options, |ids| ints::list(python, ids))
}

/// The tokens of each text.
pub(super) fn many<'py>(
    tokenizer: &PyTokenizer,
    python: Python<'py>,
    texts: &[Text<'_>],
    options: &Options,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyList>> {
    let mut lists = ints::empty_lists(python, texts.len());
    each(tokenizer, python, texts, options, None, threads, |first, rows| {
        lists[first..].iter_mut().zip(rows.rows()).try_for_each(|(list, ids)| ints::fill(list, ids))
    })?;
    PyList::new(python, lists)
}

/// Give the tokens (`most` of each at most) of some texts after others to `use_rows`, with the number of the first of them.
///
/// With threads, some are used while others are being encoded, and in whatever order they come. `use_rows` may keep them.
pub(super) fn each(
    tokenizer: &PyTokenizer,
    python: Python<'_>,
    texts: &[Text<'_>],
    options: &Options,
    most: Option<usize>,
    threads: Option<usize>,
    mut use_rows: impl FnMut(usize, &mut Ragged<u32>) -> PyResult<()>,
) -> PyResult<()> {
    let groups = groups(texts);
    let firsts = groups.iter().scan(0, |next, group| {
        *next += group.len();
        Some(*next - group.len())
    });
    let bytes: usize = texts.iter().map(|text| text.as_ref().len()).sum();
    // Asking how many threads there are takes longer than many a short text.
    let is_much = bytes >= PARALLEL_BYTES && groups.len() >= 2;
    let threads = if is_much { threads.unwrap_or_else(pool::default_threads) } else { 1 };
    if threads >= 2 {
        let firsts: Vec<usize> = firsts.collect();
        let inner = &*tokenizer.inner;
        let encoded = gate::stream(
            python,
            |cancel, sender| {
                inner.encode_groups(&groups, options, most, threads, cancel, |number, rows| {
                    // Nobody receives any more only if the work was stopped.
                    let _ = sender.send((number, rows));
                })
            },
            |(number, mut rows)| use_rows(firsts[number], &mut rows),
        )?;
        return encoded.map_err(encode_error);
    }
    let mut rows = Ragged::default();
    for (first, &group) in firsts.zip(&groups) {
        let bytes = group.iter().map(|text| text.as_ref().len()).sum();
        rows.values.clear();
        rows.offsets.truncate(1);
        rows = tokenizer.run(python, bytes, move |inner, cancel| {
            let done = match most {
                Some(most) => inner.encode_rows_up_to(most, group, options, cancel, &mut rows),
                None => inner.encode_rows(group, options, cancel, &mut rows),
            };
            done.map(|()| rows)
        })?;
        use_rows(first, &mut rows)?;
        if groups.len() > 1 {
            python.check_signals()?;
        }
    }
    Ok(())
}
