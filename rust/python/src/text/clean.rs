//! `normalize`.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use pyo3::prelude::*;
use tokenfoundry_text::normalize::{self as cleaning, Edits, Form};

use super::{columns, for_each, string_array};
use crate::buffers::arrays::ArrowArray;
use crate::buffers::texts::Texts;
use crate::errors;

#[pyfunction]
#[pyo3(signature = (texts, *, form=Some("NFC"), threads=None))]
fn normalize(
    python: Python<'_>,
    texts: Texts,
    form: Option<&str>,
    threads: Option<usize>,
) -> PyResult<(ArrowArray, ArrowArray)> {
    let form = form
        .map(|name| {
            Form::from_name(name).ok_or_else(|| {
                errors::input(format!("form must be \"NFC\", \"NFD\", \"NFKC\", \"NFKD\" or None, got {name:?}"))
            })
        })
        .transpose()?;
    // Only what changed is owned; the rest is copied once, from the caller's buffers into the result's.
    let cleaned = for_each(
        python,
        &texts,
        threads,
        || (),
        |(), text| {
            let (clean, edits) = cleaning::normalize(text, form);
            (matches!(clean, std::borrow::Cow::Owned(_)).then(|| clean.into_owned()), edits)
        },
    )?;
    let strings = string_array(cleaned.iter().enumerate().map(|(index, (clean, _))| match clean {
        Some(clean) => clean.as_bytes(),
        None => texts.get(index),
    }));
    let counts: Vec<[u64; Edits::NAMES.len()]> = cleaned.iter().map(|(_, edits)| edits.values()).collect();
    let edits = Edits::NAMES
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let values: Int64Array = counts.iter().map(|row| Some(row[column] as i64)).collect();
            (String::from(*name), Arc::new(values) as ArrayRef)
        })
        .collect();
    Ok((ArrowArray(strings), columns(cleaned.len(), edits)?))
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_function(wrap_pyfunction!(normalize, room)?)
}
