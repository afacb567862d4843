//! `tokenfoundry._core.text`: see `python/tokenfoundry/_core/text.pyi` for what each name takes and gives.

mod clean;
mod fasttext;
mod language;
mod measures;
mod overlap;
mod quality;
mod redaction;

use std::sync::Arc;

use arrow_array::{ArrayRef, LargeBinaryArray, LargeStringArray, StringArray, StructArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{Field, Fields};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use rayon::prelude::*;
use tokenfoundry_base::{Cancelled, pool};
use tokenfoundry_text::MAX_DOCUMENT_BYTES;

use crate::buffers::arrays::ArrowArray;
use crate::buffers::texts::Texts;
use crate::{errors, gate};

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    clean::fill(room)?;
    fasttext::fill(room)?;
    language::fill(room)?;
    measures::fill(room)?;
    overlap::fill(room)?;
    quality::fill(room)?;
    redaction::fill(room)
}

/// Call `work` for every text on the pool, outside the GIL, with memory that texts of one job share.
fn for_each<M: Send, R: Send>(
    python: Python<'_>,
    texts: &Texts,
    threads: Option<usize>,
    memory: impl Fn() -> M + Sync + Send,
    work: impl Fn(&mut M, &[u8]) -> R + Sync + Send,
) -> PyResult<Vec<R>> {
    if let Some(index) = (0..texts.len()).find(|&index| texts.get(index).len() > MAX_DOCUMENT_BYTES) {
        let bytes = texts.get(index).len();
        return Err(errors::input(format!(
            "texts[{index}] has {bytes} bytes, more than the {MAX_DOCUMENT_BYTES} a document may have; split it first"
        )));
    }
    let results = gate::long(python, |cancel| {
        pool::install(threads, || {
            (0..texts.len())
                .into_par_iter()
                .map_init(&memory, |memory, index| {
                    cancel.check()?;
                    Ok(work(memory, texts.get(index)))
                })
                .collect::<Result<Vec<R>, Cancelled>>()
        })
    })?;
    results.map_err(|Cancelled| PyKeyboardInterrupt::new_err(()))
}

/// Columns as one struct array, which pyarrow makes a record batch of without a copy.
fn columns(rows: usize, columns: Vec<(String, ArrayRef)>) -> PyResult<ArrowArray> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) =
        columns.into_iter().map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array)).unzip();
    let batch = StructArray::try_new_with_length(Fields::from(fields), arrays, None, rows)
        .map_err(|error| errors::input(format!("columns do not make a batch: {error}")))?;
    Ok(ArrowArray(Arc::new(batch)))
}

/// Many byte strings joined to one buffer with offsets.
fn join<'a>(texts: impl ExactSizeIterator<Item = &'a [u8]> + Clone) -> (OffsetBuffer<i64>, Buffer) {
    let mut offsets = Vec::with_capacity(texts.len() + 1);
    let mut end = 0i64;
    offsets.push(end);
    for text in texts.clone() {
        end += text.len() as i64;
        offsets.push(end);
    }
    let mut joined = Vec::with_capacity(end as usize);
    for text in texts {
        joined.extend_from_slice(text);
    }
    (OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from_vec(joined))
}

/// `large_string`, or `large_binary` when a text is not UTF-8.
fn string_array<'a>(texts: impl ExactSizeIterator<Item = &'a [u8]> + Clone) -> ArrayRef {
    let (offsets, joined) = join(texts);
    match LargeStringArray::try_new(offsets.clone(), joined.clone(), None) {
        Ok(strings) => Arc::new(strings),
        Err(_not_utf8) => Arc::new(LargeBinaryArray::new(offsets, joined, None)),
    }
}

/// A column of short repeated names, null where there is none.
fn names<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}
