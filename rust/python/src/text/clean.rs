//! `normalize` and `drop_lines`.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use pyo3::prelude::*;
use tokenfoundry_text::lines::{self, REASONS, Rule};
use tokenfoundry_text::normalize::{self as cleaning, Edits, Form};
use tokenfoundry_text::seen::Seen;

use super::{columns, for_each, string_array};
use crate::buffers::arrays::ArrowArray;
use crate::buffers::texts::Texts;
use crate::errors;

#[pyfunction]
#[pyo3(signature = (texts, *, form, reuse=false, threads=None))]
fn normalize(
    python: Python<'_>,
    texts: Texts,
    form: Option<&str>,
    reuse: bool,
    threads: Option<usize>,
) -> PyResult<(Option<ArrowArray>, ArrowArray)> {
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
    let counts: Vec<_> = cleaned.iter().map(|(_, edits)| edits.values()).collect();
    let edits = columns(cleaned.len(), count_columns(&Edits::NAMES, &counts))?;
    if reuse && cleaned.iter().all(|(clean, _)| clean.is_none()) {
        return Ok((None, edits));
    }
    let strings = string_array(cleaned.iter().enumerate().map(|(index, (clean, _))| match clean {
        Some(clean) => clean.as_bytes(),
        None => texts.get(index),
    }));
    Ok((Some(ArrowArray(strings)), edits))
}

/// Rows of counts as int64 columns.
fn count_columns<const N: usize>(names: &[&str; N], rows: &[[u64; N]]) -> Vec<(String, ArrayRef)> {
    let column = |column: usize| rows.iter().map(|row| Some(row[column] as i64)).collect::<Int64Array>();
    let named = names.iter().enumerate();
    named.map(|(index, name)| (String::from(*name), Arc::new(column(index)) as ArrayRef)).collect()
}

#[pyfunction]
#[pyo3(signature = (texts, *, rules, threads=None))]
fn drop_lines(
    python: Python<'_>,
    texts: Texts,
    rules: Vec<String>,
    threads: Option<usize>,
) -> PyResult<(ArrowArray, ArrowArray)> {
    let rules = rules
        .iter()
        .map(|name| {
            Rule::from_name(name).ok_or_else(|| {
                let known = Rule::ALL.map(|(name, _)| name).join(", ");
                errors::input(format!("rules has {name:?}; the rules are {known}"))
            })
        })
        .collect::<PyResult<Vec<Rule>>>()?;
    let kept = for_each(python, &texts, threads, Seen::default, |table, text| {
        lines::drop_lines(&tokenfoundry_text::read(text), &rules, table)
    })?;
    let strings = string_array(kept.iter().map(|(text, _)| text.as_bytes()));
    let counts: Vec<_> = kept.iter().map(|(_, dropped)| *dropped).collect();
    Ok((ArrowArray(strings), columns(kept.len(), count_columns(&REASONS, &counts))?))
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add("LINE_RULES", Rule::ALL.map(|(name, _)| name).to_vec())?;
    room.add_function(wrap_pyfunction!(drop_lines, room)?)?;
    room.add_function(wrap_pyfunction!(normalize, room)?)
}
