//! Matrices of Python's that tokens and labels are written to.

use std::mem::MaybeUninit;

use numpy::{PyArrayDescrMethods, PyReadwriteArray2, PyUntypedArray, PyUntypedArrayMethods, dtype};
use pyo3::prelude::*;
use tokenfoundry_kernels::huge_pages;

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

/// Room for values that several threads write, each once. On huge pages if that is worth it.
pub struct Unwritten(Vec<i64>);

impl Unwritten {
    /// `None` where there is no memory for so many.
    pub fn new(size: usize) -> Option<Self> {
        let mut values = Vec::new();
        values.try_reserve_exact(size).ok()?;
        huge_pages::advise(values.spare_capacity_mut());
        Some(Self(values))
    }

    pub fn places(&mut self) -> &mut [MaybeUninit<i64>] {
        self.0.spare_capacity_mut()
    }

    /// The first `size` of them.
    ///
    /// # Safety
    ///
    /// Each of those places was written.
    pub unsafe fn written(mut self, size: usize) -> Vec<i64> {
        // SAFETY: there is room for `size`, or `places` would not have had them; the caller wrote each.
        unsafe { self.0.set_len(size) };
        self.0
    }
}
