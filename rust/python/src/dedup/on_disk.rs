//! The three steps of a deduplication that does not fit into memory.

use std::path::PathBuf;

use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenfoundry_dedup::on_disk;

use super::{OptionFields, checked, failed, options, order, result};
use crate::buffers::texts::Texts;
use crate::{errors, gate};

#[pyclass(module = "tokenfoundry._core.dedup")]
pub struct Part(Option<on_disk::part::Part>, tokenfoundry_dedup::near::Options);

fn closed() -> PyErr {
    errors::input("the part is finished; make another")
}

#[pymethods]
impl Part {
    #[new]
    fn new(
        path: PathBuf,
        fields: OptionFields,
        first_document: u32,
        memory_bytes: usize,
        sets: bool,
    ) -> PyResult<Self> {
        let options = options(fields)?;
        let part = on_disk::part::Part::create(&path, options, first_document, memory_bytes, sets).map_err(failed)?;
        Ok(Self(Some(part), options))
    }

    fn add(&mut self, python: Python<'_>, texts: Texts, threads: Option<usize>) -> PyResult<u32> {
        let bytes = checked(&texts, self.1.unit)?;
        let part = self.0.as_mut().ok_or_else(closed)?;
        gate::long(python, |cancel| part.add(&bytes, threads, cancel))?.map_err(failed)?;
        Ok(part.documents())
    }

    fn finish(&mut self, python: Python<'_>, durable: bool) -> PyResult<u32> {
        let part = self.0.take().ok_or_else(closed)?;
        gate::brief(python, || part.finish(durable)).map_err(failed)
    }
}

#[pyfunction]
pub fn merge_band(python: Python<'_>, directory: PathBuf, band: usize) -> PyResult<()> {
    gate::brief(python, || on_disk::merge_band(&directory, band)).map_err(failed)
}

#[pyfunction]
pub fn decide<'py>(
    python: Python<'py>,
    directory: PathBuf,
    given_order: Option<PyReadonlyArray1<'py, u32>>,
    fields: OptionFields,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let options = options(fields)?;
    let order = match given_order {
        Some(given) => {
            let documents = given.len()?;
            Some(order(Some(given), documents)?)
        }
        None => None,
    };
    let found = gate::long(python, |cancel| on_disk::decide(&directory, order, options, threads, cancel))?;
    result(python, found.map_err(failed)?)
}
