//! `NgramIndex` and its `overlap`.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, LargeListArray, StringArray, StructArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{Field, Fields};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use tokenfoundry_base::Cancelled;
use tokenfoundry_text::ngrams::{Index, Overlap, Sizes, Words};

use super::{columns, for_each, names, string_array};
use crate::buffers::arrays::ArrowArray;
use crate::buffers::texts::Texts;
use crate::{errors, gate};

#[pyclass(frozen, module = "tokenfoundry._core.text")]
pub struct NgramIndex {
    index: Index,
    set_names: Vec<String>,
    sizes: Sizes,
}

#[pymethods]
impl NgramIndex {
    #[new]
    #[pyo3(signature = (sets, *, ngram, short_ngram))]
    fn new(python: Python<'_>, sets: Vec<(String, Texts)>, ngram: usize, short_ngram: usize) -> PyResult<Self> {
        if !(1..=Sizes::MOST).contains(&ngram) {
            return Err(errors::input(format!("ngram must be between 1 and {}, got {ngram}", Sizes::MOST)));
        }
        if short_ngram >= ngram {
            return Err(errors::input(format!(
                "short_ngram must be less than ngram, {ngram}, or 0 for none; got {short_ngram}"
            )));
        }
        if sets.len() > usize::from(u16::MAX) {
            return Err(errors::input(format!("there are {} sets; the most is {}", sets.len(), u16::MAX)));
        }
        let sizes = Sizes { long: ngram, short: short_ngram };
        let index = gate::long(python, |cancel| {
            let mut index = Index::new(sizes);
            let mut words = Words::default();
            for (number, (_, texts)) in sets.iter().enumerate() {
                for text in 0..texts.len() {
                    cancel.check()?;
                    index.add(texts.get(text), number as u16, &mut words);
                }
            }
            index.finish();
            Ok::<Index, Cancelled>(index)
        })?
        .map_err(|Cancelled| PyKeyboardInterrupt::new_err(()))?;
        Ok(Self { index, set_names: sets.into_iter().map(|(name, _)| name).collect(), sizes })
    }

    fn __len__(&self) -> usize {
        self.index.len()
    }

    fn __repr__(&self) -> String {
        format!(
            "NgramIndex({} n-grams of {} words, of {} in short texts, from {} sets)",
            self.index.len(),
            self.sizes.long,
            self.sizes.short,
            self.set_names.len()
        )
    }

    #[getter]
    fn skipped(&self) -> usize {
        self.index.skipped()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.index.bytes()
    }

    #[pyo3(signature = (texts, *, cut, threads=None))]
    fn overlap(
        &self,
        python: Python<'_>,
        texts: Texts,
        cut: bool,
        threads: Option<usize>,
    ) -> PyResult<(ArrowArray, ArrowArray, Option<ArrowArray>)> {
        let found = for_each(python, &texts, threads, Words::default, |words, text| {
            let overlap = self.index.overlap(text, words);
            let left = (cut && !overlap.spans.is_empty()).then(|| overlap.cut(text));
            (overlap, left)
        })?;
        let overlaps: Vec<&Overlap> = found.iter().map(|(overlap, _)| overlap).collect();
        let texts = cut.then(|| {
            ArrowArray(string_array(found.iter().enumerate().map(|(index, (_, left))| match left {
                Some(left) => left.as_slice(),
                None => texts.get(index),
            })))
        });
        Ok((self.table(&overlaps)?, self.spans(&overlaps)?, texts))
    }
}

impl NgramIndex {
    fn table(&self, overlaps: &[&Overlap]) -> PyResult<ArrowArray> {
        let ngrams: Int64Array = overlaps.iter().map(|one| Some(one.ngrams as i64)).collect();
        let share: Float64Array = overlaps
            .iter()
            .map(|one| Some(if one.words == 0 { 0.0 } else { one.covered as f64 / one.words as f64 }))
            .collect();
        let first = names(
            overlaps.iter().map(|one| one.spans.first().map(|span| self.set_names[usize::from(span.set)].as_str())),
        );
        let named: Vec<(String, ArrayRef)> = vec![
            (String::from("ngrams"), Arc::new(ngrams)),
            (String::from("share"), Arc::new(share)),
            (String::from("set"), first),
        ];
        columns(overlaps.len(), named)
    }

    fn spans(&self, overlaps: &[&Overlap]) -> PyResult<ArrowArray> {
        let spans = || overlaps.iter().flat_map(|one| &one.spans);
        let mut offsets = vec![0i64];
        offsets.extend(overlaps.iter().scan(0i64, |end, one| {
            *end += one.spans.len() as i64;
            Some(*end)
        }));
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(spans().map(|span| Some(i64::from(span.start))).collect::<Int64Array>()),
            Arc::new(spans().map(|span| Some(i64::from(span.end))).collect::<Int64Array>()),
            Arc::new(spans().map(|span| Some(self.set_names[usize::from(span.set)].as_str())).collect::<StringArray>()),
        ];
        let fields: Fields = ["start", "end", "set"]
            .iter()
            .zip(&arrays)
            .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
            .collect();
        let list = StructArray::try_new(fields.clone(), arrays, None).and_then(|structs| {
            let item = Arc::new(Field::new("item", arrow_schema::DataType::Struct(fields), true));
            LargeListArray::try_new(item, OffsetBuffer::new(ScalarBuffer::from(offsets)), Arc::new(structs), None)
        });
        match list {
            Ok(list) => Ok(ArrowArray(Arc::new(list))),
            Err(error) => Err(errors::input(format!("spans do not make a list: {error}"))),
        }
    }
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<NgramIndex>()
}
