//! `signals`, `filter`, `scripts`, `words`, and the tables of rules.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Float64Array, Int64Array};
use pyo3::prelude::*;
use tokenfoundry_text::script::script;
use tokenfoundry_text::segment::{self, Word};
use tokenfoundry_text::signals::{Family, Scratch, measure};
use tokenfoundry_text::verdict::{Limit, PRESETS, Preset};
use tokenfoundry_text::word_lists::WordLists as Lists;

use super::{columns, for_each, names};
use crate::buffers::arrays::ArrowArray;
use crate::buffers::texts::Texts;
use crate::errors;

fn family(name: &str) -> PyResult<Family> {
    Family::from_name(name).ok_or_else(|| {
        let known = Family::ALL.map(Family::name).join(", ");
        errors::input(format!("families has {name:?}; the families are {known}"))
    })
}

fn preset(name: &str) -> PyResult<Preset> {
    Preset::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
        errors::input(format!("there is no preset {name:?}; the presets are {}", known.join(", ")))
    })
}

#[pyfunction]
#[pyo3(signature = (texts, *, families, threads=None))]
fn signals(python: Python<'_>, texts: Texts, families: Vec<String>, threads: Option<usize>) -> PyResult<ArrowArray> {
    let families = families.iter().map(|name| family(name)).collect::<PyResult<Vec<Family>>>()?;
    if let Some(twice) = families.iter().enumerate().find(|(index, one)| families[..*index].contains(one)) {
        return Err(errors::input(format!("families has {:?} twice", twice.1.name())));
    }
    let width = families.iter().map(|family| family.signals().len()).sum();
    let rows = for_each(python, &texts, threads, Scratch::default, |scratch, text| {
        let mut values = vec![0.0; width];
        measure(&String::from_utf8_lossy(text), &families, scratch, &mut values);
        values
    })?;
    let named = families.iter().flat_map(|family| family.signals().iter().map(move |signal| (family.name(), signal)));
    let arrays = named
        .enumerate()
        .map(|(column, (family, signal))| {
            let values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
            (format!("{family}.{signal}"), Arc::new(Float64Array::from(values)) as ArrayRef)
        })
        .collect();
    columns(rows.len(), arrays)
}

#[pyfunction]
#[pyo3(signature = (texts, *, preset, threads=None))]
fn filter(python: Python<'_>, texts: Texts, preset: &str, threads: Option<usize>) -> PyResult<ArrowArray> {
    let preset = self::preset(preset)?;
    let verdicts = for_each(
        python,
        &texts,
        threads,
        || (Scratch::default(), Vec::new()),
        |(scratch, values), text| preset.judge(&String::from_utf8_lossy(text), scratch, values),
    )?;
    let verdict = names(verdicts.iter().map(|verdict| verdict.map(|(rule, _)| preset.rules[rule].verdict)));
    let value: Float64Array = verdicts.iter().map(|verdict| verdict.map(|(_, value)| value)).collect();
    columns(verdicts.len(), vec![(String::from("verdict"), verdict), (String::from("value"), Arc::new(value))])
}

/// Phrases of several lists, counted together.
#[pyclass(frozen, module = "tokenfoundry._core.text")]
pub struct WordLists {
    lists: Lists,
    names: Vec<String>,
}

#[pymethods]
impl WordLists {
    #[new]
    fn new(lists: Vec<(String, Vec<String>)>) -> PyResult<Self> {
        let (names, phrases): (Vec<String>, Vec<Vec<String>>) = lists.into_iter().unzip();
        match Lists::new(&phrases) {
            Some(lists) => Ok(Self { lists, names }),
            None => Err(errors::input(String::from("the lists are too long for one automaton"))),
        }
    }

    #[pyo3(signature = (texts, *, threads=None))]
    fn count(&self, python: Python<'_>, texts: Texts, threads: Option<usize>) -> PyResult<ArrowArray> {
        let rows =
            for_each(python, &texts, threads, || (), |(), text| self.lists.count(&String::from_utf8_lossy(text)))?;
        let column = |column: usize| rows.iter().map(|row| Some(row[column] as i64)).collect::<Int64Array>();
        let named = self.names.iter().enumerate();
        columns(rows.len(), named.map(|(index, name)| (name.clone(), Arc::new(column(index)) as ArrayRef)).collect())
    }
}

#[pyfunction]
#[pyo3(signature = (texts, *, threads=None))]
fn scripts(python: Python<'_>, texts: Texts, threads: Option<usize>) -> PyResult<ArrowArray> {
    let found = for_each(python, &texts, threads, || (), |(), text| script(text))?;
    let shares: Float32Array = found.iter().map(|script| Some(script.share)).collect();
    let codes = names(found.iter().map(|script| Some(script.code)));
    columns(found.len(), vec![(String::from("script"), codes), (String::from("share"), Arc::new(shares))])
}

#[pyfunction]
fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<Word> = Vec::new();
    segment::words(text, &mut words);
    words.iter().map(|word| &text[word.start as usize..word.end as usize]).collect()
}

#[pyfunction]
fn families() -> Vec<(&'static str, Vec<&'static str>)> {
    Family::ALL.map(|family| (family.name(), family.signals().to_vec())).to_vec()
}

type RuleRow = (&'static str, String, &'static str, f64);

#[pyfunction]
fn rules(preset: &str) -> PyResult<Vec<RuleRow>> {
    let rules = self::preset(preset)?.rules;
    Ok(rules
        .iter()
        .map(|rule| {
            let (comparison, threshold) = match rule.limit {
                Limit::AtLeast(least) => (">=", least),
                Limit::AtMost(most) => ("<=", most),
            };
            (rule.verdict, format!("{}.{}", rule.family.name(), rule.signal), comparison, threshold)
        })
        .collect())
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add("PRESETS", PRESETS.iter().map(|(name, _)| *name).collect::<Vec<_>>())?;
    room.add_class::<WordLists>()?;
    room.add_function(wrap_pyfunction!(signals, room)?)?;
    room.add_function(wrap_pyfunction!(filter, room)?)?;
    room.add_function(wrap_pyfunction!(scripts, room)?)?;
    room.add_function(wrap_pyfunction!(words, room)?)?;
    room.add_function(wrap_pyfunction!(families, room)?)?;
    room.add_function(wrap_pyfunction!(rules, room)?)
}
