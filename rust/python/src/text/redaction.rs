//! `redact`.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use pyo3::prelude::*;
use tokenfoundry_text::redact::{Kind, Options, find, hashed_placeholder, replace as replaced};

use super::{columns, for_each, string_array};
use crate::buffers::arrays::ArrowArray;
use crate::buffers::texts::Texts;
use crate::errors;

fn kind(name: &str) -> PyResult<Kind> {
    Kind::from_name(name).ok_or_else(|| {
        let known = Kind::ALL.map(Kind::name).join(", ");
        errors::input(format!("kinds has {name:?}; the kinds are {known}"))
    })
}

#[pyfunction]
#[pyo3(signature = (texts, *, kinds, replace, key=None, public_addresses_only=true, reuse=false, threads=None))]
#[allow(clippy::too_many_arguments)]
fn redact(
    python: Python<'_>,
    texts: Texts,
    kinds: Vec<String>,
    replace: bool,
    key: Option<[u8; 16]>,
    public_addresses_only: bool,
    reuse: bool,
    threads: Option<usize>,
) -> PyResult<(Option<ArrowArray>, ArrowArray)> {
    let kinds = kinds.iter().map(|name| kind(name)).collect::<PyResult<Vec<Kind>>>()?;
    if let Some(twice) = kinds.iter().enumerate().find(|(index, one)| kinds[..*index].contains(one)) {
        return Err(errors::input(format!("kinds has {:?} twice", twice.1.name())));
    }
    let options = Options { public_addresses_only };
    let redacted = for_each(
        python,
        &texts,
        threads,
        || (),
        |(), text| {
            let matches = find(text, &kinds, &options);
            let mut counts = vec![0i64; kinds.len()];
            for one in &matches {
                if let Some(column) = kinds.iter().position(|kind| *kind == one.kind) {
                    counts[column] += 1;
                }
            }
            let changed = if replace {
                replaced(text, &matches, |one, value, into| match &key {
                    Some(key) => hashed_placeholder(one.kind, value, key, into),
                    None => into.extend_from_slice(one.kind.placeholder().as_bytes()),
                })
            } else {
                Cow::Borrowed(text)
            };
            (matches!(changed, Cow::Owned(_)).then(|| changed.into_owned()), counts)
        },
    )?;
    let unchanged = reuse && redacted.iter().all(|(changed, _)| changed.is_none());
    let strings = (!unchanged).then(|| {
        string_array(redacted.iter().enumerate().map(|(index, (changed, _))| match changed {
            Some(changed) => changed.as_slice(),
            None => texts.get(index),
        }))
    });
    let counts = kinds
        .iter()
        .enumerate()
        .map(|(column, kind)| {
            let values: Int64Array = redacted.iter().map(|(_, counts)| Some(counts[column])).collect();
            (String::from(kind.name()), Arc::new(values) as ArrayRef)
        })
        .collect();
    Ok((strings.map(ArrowArray), columns(redacted.len(), counts)?))
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add("KINDS", Kind::ALL.map(Kind::name).to_vec())?;
    room.add_function(wrap_pyfunction!(redact, room)?)
}
