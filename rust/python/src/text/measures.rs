//! `signals`, `filter`, `scripts`, `words`, and the tables of rules.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Float64Array, Int64Array};
use pyo3::prelude::*;
use tokenfoundry_text::script::script;
use tokenfoundry_text::segment::Words;
use tokenfoundry_text::signals::{Asked, Family, Scratch, measure};
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

/// Signals by their columns' names, as families and what is asked of each, in the order in which they are measured.
fn asked(columns: &[String]) -> PyResult<Vec<(Family, Asked)>> {
    let mut asked: Vec<(Family, Asked)> = Vec::new();
    for column in columns {
        let known = column.split_once('.').and_then(|(family, signal)| {
            let family = Family::from_name(family)?;
            Some((family, family.signals().iter().position(|&one| one == signal)?))
        });
        let Some((family, signal)) = known else {
            return Err(errors::input(format!("columns has {column:?}, which is no signal; see tf.text.FAMILIES")));
        };
        match asked.iter_mut().find(|(known, _)| *known == family) {
            Some((_, bits)) => *bits |= 1 << signal,
            None => asked.push((family, 1 << signal)),
        }
    }
    Ok(asked)
}

fn preset<S: AsRef<str>>(names: &[S]) -> PyResult<Preset> {
    if let Some(unknown) = names.iter().find(|name| Preset::from_name(name.as_ref()).is_none()) {
        let known: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
        let unknown = unknown.as_ref();
        return Err(errors::input(format!("there is no preset {unknown:?}; the presets are {}", known.join(", "))));
    }
    Preset::from_names(names).ok_or_else(|| errors::input(String::from("no preset is given")))
}

#[pyfunction]
#[pyo3(signature = (texts, *, families, columns=None, threads=None))]
fn signals(
    python: Python<'_>,
    texts: Texts,
    families: Vec<String>,
    columns: Option<Vec<String>>,
    threads: Option<usize>,
) -> PyResult<ArrowArray> {
    let asked = match &columns {
        Some(columns) => {
            if let Some(twice) = columns.iter().enumerate().find(|(index, one)| columns[..*index].contains(one)) {
                return Err(errors::input(format!("columns has {:?} twice", twice.1)));
            }
            asked(columns)?
        }
        None => {
            let families = families.iter().map(|name| family(name)).collect::<PyResult<Vec<Family>>>()?;
            if let Some(twice) = families.iter().enumerate().find(|(index, one)| families[..*index].contains(one)) {
                return Err(errors::input(format!("families has {:?} twice", twice.1.name())));
            }
            families.into_iter().map(|family| (family, family.all())).collect()
        }
    };
    let named: Vec<String> = asked
        .iter()
        .flat_map(|(family, _)| family.signals().iter().map(|signal| format!("{}.{signal}", family.name())))
        .collect();
    let rows = for_each(python, &texts, threads, Scratch::default, |scratch, text| {
        let mut values = vec![0.0; named.len()];
        measure(&tokenfoundry_text::read(text), &asked, scratch, &mut values);
        values
    })?;
    let arrays = columns
        .as_ref()
        .unwrap_or(&named)
        .iter()
        .filter_map(|name| named.iter().position(|known| known == name).map(|column| (name, column)))
        .map(|(name, column)| {
            let values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
            (name.clone(), Arc::new(Float64Array::from(values)) as ArrayRef)
        })
        .collect();
    self::columns(rows.len(), arrays)
}

#[pyfunction]
#[pyo3(signature = (texts, *, presets, threads=None))]
fn filter(python: Python<'_>, texts: Texts, presets: Vec<String>, threads: Option<usize>) -> PyResult<ArrowArray> {
    let preset = preset(&presets)?;
    let verdicts = for_each(
        python,
        &texts,
        threads,
        || (Scratch::default(), Vec::new()),
        |(scratch, values), text| preset.judge(&tokenfoundry_text::read(text), scratch, values),
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
            for_each(python, &texts, threads, || (), |(), text| self.lists.count(&tokenfoundry_text::read(text)))?;
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
    Words::of(text).iter().map(|word| word.of(text)).collect()
}

#[pyfunction]
fn families() -> Vec<(&'static str, Vec<&'static str>)> {
    Family::ALL.map(|family| (family.name(), family.signals().to_vec())).to_vec()
}

type RuleRow = (&'static str, String, &'static str, f64);

#[pyfunction]
fn rules(preset: &str) -> PyResult<Vec<RuleRow>> {
    let rules = self::preset(&[preset])?.rules;
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
