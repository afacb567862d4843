//! `ByteModel` and `ArpaModel`: language models that say how well they expect a text.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokenfoundry_base::Cancelled;
use tokenfoundry_text::quality::arpa;
use tokenfoundry_text::quality::bytes::{MOST_ORDER, Model, Trainer};

use super::for_each;
use crate::buffers::arrays::ArrowArray;
use crate::buffers::texts::Texts;
use crate::{errors, gate};

#[pyclass(frozen, module = "tokenfoundry._core.text")]
pub struct ByteModel {
    model: Model,
}

#[pymethods]
impl ByteModel {
    #[new]
    fn new(python: Python<'_>, content: &[u8]) -> PyResult<Self> {
        let read = python.detach(|| Model::from_bytes(content));
        Ok(Self { model: read.map_err(|reason| errors::input(format!("not a byte model: {reason}")))? })
    }

    #[staticmethod]
    #[pyo3(signature = (texts, *, order, least))]
    fn train(python: Python<'_>, texts: Texts, order: usize, least: u32) -> PyResult<Self> {
        if !(2..=MOST_ORDER).contains(&order) {
            return Err(errors::input(format!("order must be between 2 and {MOST_ORDER}, got {order}")));
        }
        let model = gate::long(python, |cancel| {
            let mut trainer = Trainer::new(order);
            for index in 0..texts.len() {
                cancel.check()?;
                trainer.add(texts.get(index));
            }
            Ok::<Model, Cancelled>(trainer.finish(least))
        })?
        .map_err(|Cancelled| PyKeyboardInterrupt::new_err(()))?;
        Ok(Self { model })
    }

    fn to_bytes<'py>(&self, python: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(python, &python.detach(|| self.model.to_bytes()))
    }

    #[getter]
    fn order(&self) -> usize {
        self.model.order()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.model.bytes()
    }

    fn __len__(&self) -> usize {
        self.model.ngrams()
    }

    #[pyo3(signature = (texts, *, threads=None))]
    fn bits_per_byte(&self, python: Python<'_>, texts: Texts, threads: Option<usize>) -> PyResult<ArrowArray> {
        let bits = for_each(
            python,
            &texts,
            threads,
            || (),
            |(), text| {
                if text.is_empty() { 0.0 } else { self.model.bits(text) / text.len() as f64 }
            },
        )?;
        Ok(ArrowArray(Arc::new(Float64Array::from(bits)) as ArrayRef))
    }
}

#[pyclass(frozen, module = "tokenfoundry._core.text")]
pub struct ArpaModel {
    model: arpa::Model,
}

#[pymethods]
impl ArpaModel {
    #[new]
    fn new(python: Python<'_>, content: &[u8]) -> PyResult<Self> {
        let read = python.detach(|| arpa::Model::from_text(content));
        Ok(Self { model: read.map_err(|reason| errors::input(format!("not an ARPA model: {reason}")))? })
    }

    #[getter]
    fn order(&self) -> usize {
        self.model.order()
    }

    fn __len__(&self) -> usize {
        self.model.ngrams()
    }

    #[pyo3(signature = (texts, *, threads=None))]
    fn perplexity(&self, python: Python<'_>, texts: Texts, threads: Option<usize>) -> PyResult<ArrowArray> {
        let found = for_each(python, &texts, threads, || (), |(), text| self.model.perplexity(text))?;
        Ok(ArrowArray(Arc::new(Float64Array::from(found)) as ArrayRef))
    }
}

pub fn fill(room: &Bound<'_, PyModule>) -> PyResult<()> {
    room.add_class::<ByteModel>()?;
    room.add_class::<ArpaModel>()
}
