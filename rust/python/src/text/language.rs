//! `LanguageModel`: py3langid's model, asked from Rust.

use std::sync::Arc;

use arrow_array::Float32Array;
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use tokenfoundry_text::language::{Model, Scratch, head};

use super::{columns, for_each, names as name_column};
use crate::buffers::arrays::ArrowArray;
use crate::buffers::texts::Texts;
use crate::errors;

#[pyclass(frozen, module = "tokenfoundry._core.text")]
pub struct LanguageModel {
    model: Model,
    names: Vec<String>,
}

#[pymethods]
impl LanguageModel {
    #[new]
    fn new(
        next: PyReadonlyArray1<'_, u32>,
        row: PyReadonlyArray1<'_, u16>,
        output: PyReadonlyArray1<'_, i32>,
        weights: PyReadonlyArray1<'_, f32>,
        prior: PyReadonlyArray1<'_, f32>,
        names: Vec<String>,
    ) -> PyResult<Self> {
        let model = Model::new(
            next.as_slice()?.to_vec(),
            row.as_slice()?.to_vec(),
            output.as_slice()?.to_vec(),
            weights.as_slice()?.to_vec(),
            prior.as_slice()?.to_vec(),
            &names,
        );
        match model {
            Some(model) => Ok(Self { model, names }),
            None => Err(errors::input(String::from("the arrays of the language model do not fit each other"))),
        }
    }

    #[pyo3(signature = (texts, *, most_characters, threads=None))]
    fn classify(
        &self,
        python: Python<'_>,
        texts: Texts,
        most_characters: usize,
        threads: Option<usize>,
    ) -> PyResult<ArrowArray> {
        let found = for_each(python, &texts, threads, Scratch::default, |scratch, text| {
            // No more than needed is decoded: a character has at most four bytes.
            let text = &text[..text.len().min(4 * most_characters)];
            let text = tokenfoundry_text::read(text);
            self.model.classify(head(&text, most_characters), scratch)
        })?;
        let language = name_column(found.iter().map(|one| one.map(|(class, _)| self.names[class].as_str())));
        let confidence: Float32Array = found.iter().map(|one| one.map(|(_, confidence)| confidence)).collect();
        let named = vec![(String::from("language"), language), (String::from("confidence"), Arc::new(confidence) as _)];
        columns(found.len(), named)
    }
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<LanguageModel>()
}
