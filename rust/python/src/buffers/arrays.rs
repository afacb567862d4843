//! Results out: vectors moved into numpy arrays and Arrow arrays without a copy.

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, to_ffi};
use arrow_array::{Array, ArrayRef};
use numpy::{Element, IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};
use tokenfoundry_base::Ragged;

/// `(values, offsets)` as numpy arrays, moved.
#[allow(dead_code)]
pub fn ragged<'py, T: Element>(
    python: Python<'py>,
    ragged: Ragged<T>,
) -> (Bound<'py, PyArray1<T>>, Bound<'py, PyArray1<i64>>) {
    (ragged.values.into_pyarray(python), ragged.offsets.into_pyarray(python))
}

/// An Arrow array for Python: an object with `__arrow_c_array__`, which `pyarrow.array(...)` takes without a copy.
#[pyclass(frozen, module = "tokenfoundry._core")]
pub struct ArrowArray(pub ArrayRef);

#[pymethods]
impl ArrowArray {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        python: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        // A consumer's wish for another type is a hint by the protocol; pyarrow casts for itself.
        drop(requested_schema);
        let (array, schema): (FFI_ArrowArray, FFI_ArrowSchema) =
            to_ffi(&self.0.to_data()).map_err(|error| crate::errors::input(error.to_string()))?;
        let schema = PyCapsule::new_with_value(python, schema, c"arrow_schema")?;
        let array = PyCapsule::new_with_value(python, array, c"arrow_array")?;
        PyTuple::new(python, [schema.into_any(), array.into_any()])
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }
}
