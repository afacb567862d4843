//! Parts of documents: repeated lines and repeated byte strings.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::LargeStringArray;
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use tokenfoundry_base::Ragged;
use tokenfoundry_dedup::lines::{self, Piece, without};
use tokenfoundry_dedup::substrings;

use super::cancelled;
use crate::buffers::arrays::{ArrowArray, ragged};
use crate::buffers::texts::Texts;
use crate::{errors, gate};

type Column<'py> = Bound<'py, PyArray1<i64>>;
type Tokens<'py> = Bound<'py, PyArray1<u32>>;

/// The texts without the ranges, as one Arrow array.
fn cut<'a>(texts: &[&str], dropped: impl Iterator<Item = &'a [Range<usize>]>) -> PyResult<ArrowArray> {
    let mut values = Vec::new();
    let mut offsets = vec![0i64];
    for (text, dropped) in texts.iter().zip(dropped) {
        without(text.as_bytes(), dropped, &mut values);
        offsets.push(values.len() as i64);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let array = LargeStringArray::try_new(offsets, Buffer::from_vec(values), None)
        .map_err(|error| errors::input(format!("a cut text is not UTF-8: {error}")))?;
    Ok(ArrowArray(Arc::new(array)))
}

/// Starts and ends of the ranges, alternating, a row a text.
fn spans<'a>(ranges: impl Iterator<Item = &'a [Range<usize>]>) -> Ragged<i64> {
    let mut spans = Ragged::default();
    for ranges in ranges {
        spans.values.extend(ranges.iter().flat_map(|range| [range.start as i64, range.end as i64]));
        spans.close_row();
    }
    spans
}

/// `(texts without the repeats, spans, offsets of spans, lines compared)`.
#[pyfunction]
pub fn repeated_lines<'py>(
    python: Python<'py>,
    texts: Texts,
    paragraphs: bool,
    minimum_bytes: usize,
    most_copies: u32,
    threads: Option<usize>,
) -> PyResult<(ArrowArray, Column<'py>, Column<'py>, Column<'py>)> {
    let strs = texts.strs()?;
    let piece = if paragraphs { Piece::Paragraph } else { Piece::Line };
    let found = gate::long(python, |cancel| lines::repeats(&strs, piece, minimum_bytes, most_copies, threads, cancel))?
        .map_err(cancelled)?;
    let texts = cut(&strs, found.iter().map(|repeats| repeats.dropped.as_slice()))?;
    let (spans, offsets) = ragged(python, spans(found.iter().map(|repeats| repeats.dropped.as_slice())));
    let compared: Vec<i64> = found.iter().map(|repeats| repeats.compared as i64).collect();
    Ok((texts, spans, offsets, compared.into_pyarray(python)))
}

/// The largest range inside `range` that cuts no character in two.
fn whole_characters(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = (range.start..range.end).find(|&at| text.is_char_boundary(at)).unwrap_or(range.end);
    let end = (start..=range.end).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(start);
    start..end
}

/// `(texts without the repeats, spans, offsets of spans, comparisons left out)`.
#[pyfunction]
pub fn repeated_substrings<'py>(
    python: Python<'py>,
    texts: Texts,
    minimum_bytes: usize,
) -> PyResult<(ArrowArray, Column<'py>, Column<'py>, u64)> {
    let strs = texts.strs()?;
    let bytes: Vec<&[u8]> = strs.iter().map(|text| text.as_bytes()).collect();
    let found = gate::long(python, |cancel| substrings::repeats(&bytes, minimum_bytes, cancel))?.map_err(cancelled)?;
    let ranges: Vec<Vec<Range<usize>>> = found
        .ranges
        .iter()
        .zip(&strs)
        .map(|(ranges, text)| ranges.iter().map(|range| whole_characters(text, range)).collect())
        .collect();
    let texts = cut(&strs, ranges.iter().map(Vec::as_slice))?;
    let (spans, offsets) = ragged(python, spans(ranges.iter().map(Vec::as_slice)));
    Ok((texts, spans, offsets, found.skipped))
}

/// `(values and offsets of the rows without the repeats, spans, offsets of spans, comparisons left out)`.
#[pyfunction]
pub fn repeated_tokens<'py>(
    python: Python<'py>,
    values: PyReadonlyArray1<'py, u32>,
    offsets: PyReadonlyArray1<'py, i64>,
    minimum_tokens: usize,
) -> PyResult<(Tokens<'py>, Column<'py>, Column<'py>, Column<'py>, u64)> {
    let (values, offsets) = (values.as_slice()?, offsets.as_slice()?);
    let rows: Option<Vec<&[u32]>> = offsets
        .windows(2)
        .map(|ends| values.get(usize::try_from(ends[0]).ok()?..usize::try_from(ends[1]).ok()?))
        .collect();
    let rows = rows.ok_or_else(|| errors::input("the offsets of the tokens decrease or point outside them"))?;
    let found = gate::long(python, |cancel| substrings::repeats(&rows, minimum_tokens, cancel))?.map_err(cancelled)?;
    let mut left = Ragged::with_capacity(rows.len(), 0);
    for (row, ranges) in rows.iter().zip(&found.ranges) {
        without(row, ranges, &mut left.values);
        left.close_row();
    }
    let (values, offsets) = ragged(python, left);
    let (spans, span_offsets) = ragged(python, spans(found.ranges.iter().map(Vec::as_slice)));
    Ok((values, offsets, spans, span_offsets, found.skipped))
}
