//! Matrices of Python's that tokens and labels are written to.

use numpy::{PyArrayDescrMethods, PyReadwriteArray2, PyUntypedArray, PyUntypedArrayMethods, dtype};
use pyo3::prelude::*;

use crate::errors;

/// A matrix of one of the types that tokens are given out as.
pub enum Matrix<'py> {
    U32(PyReadwriteArray2<'py, u32>),
    I32(PyReadwriteArray2<'py, i32>),
    I64(PyReadwriteArray2<'py, i64>),
}

/// The type is looked at first: trying one after the other makes an exception for each that it is not, a microsecond.
impl<'py> FromPyObject<'_, 'py> for Matrix<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let python = object.py();
        let array = object.cast::<PyUntypedArray>()?;
        let is = |kind: Bound<'py, _>| array.dtype().is_equiv_to(&kind);
        Ok(if is(dtype::<i64>(python)) {
            Self::I64(object.extract()?)
        } else if is(dtype::<u32>(python)) {
            Self::U32(object.extract()?)
        } else if is(dtype::<i32>(python)) {
            Self::I32(object.extract()?)
        } else {
            return Err(errors::input(format!("an array is of {}, not int64, int32 or uint32", array.dtype())));
        })
    }
}
