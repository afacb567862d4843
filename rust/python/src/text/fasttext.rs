//! `FastText`: a classifier in fastText's format.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, LargeListArray, StringArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::Field;
use pyo3::prelude::*;
use tokenfoundry_text::fasttext::{Model, Scratch};

use super::{columns, for_each};
use crate::buffers::arrays::ArrowArray;
use crate::buffers::texts::Texts;
use crate::errors;

#[pyclass(frozen, module = "tokenfoundry._core.text")]
pub struct FastText {
    model: Model,
}

#[pymethods]
impl FastText {
    #[new]
    fn new(python: Python<'_>, content: &[u8]) -> PyResult<Self> {
        let read = python.detach(|| Model::from_bytes(content));
        Ok(Self { model: read.map_err(|damaged| errors::input(format!("not a fastText model: {damaged}")))? })
    }

    #[getter]
    fn labels(&self) -> Vec<String> {
        self.model.labels().to_vec()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.model.bytes()
    }

    #[getter]
    fn dimensions(&self) -> usize {
        self.model.settings().dimensions
    }

    #[pyo3(signature = (texts, *, most, threads=None))]
    fn predict(&self, python: Python<'_>, texts: Texts, most: usize, threads: Option<usize>) -> PyResult<ArrowArray> {
        let found = for_each(python, &texts, threads, Scratch::default, |scratch, text| {
            let mut found = Vec::new();
            self.model.predict(text, most, scratch, &mut found);
            found
        })?;
        let mut ends = vec![0i64];
        ends.extend(found.iter().scan(0, |end, one| {
            *end += one.len() as i64;
            Some(*end)
        }));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
        let flat = || found.iter().flatten();
        let labels: StringArray =
            flat().map(|&(label, _)| Some(self.model.labels()[label as usize].as_str())).collect();
        let probabilities: Float32Array = flat().map(|&(_, probability)| Some(probability)).collect();
        let list = |values: ArrayRef| -> PyResult<ArrayRef> {
            let item = Arc::new(Field::new("item", values.data_type().clone(), true));
            match LargeListArray::try_new(item, offsets.clone(), values, None) {
                Ok(list) => Ok(Arc::new(list)),
                Err(error) => Err(errors::input(format!("predictions do not make a list: {error}"))),
            }
        };
        let named = vec![
            (String::from("labels"), list(Arc::new(labels))?),
            (String::from("probabilities"), list(Arc::new(probabilities))?),
        ];
        columns(found.len(), named)
    }
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<FastText>()
}
