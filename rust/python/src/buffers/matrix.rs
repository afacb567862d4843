//! Matrices of Python's that tokens and labels are written to.

use numpy::PyReadwriteArray2;
use pyo3::prelude::*;

/// A matrix of one of the types that tokens are given out as.
#[derive(FromPyObject)]
pub enum Matrix<'py> {
    U32(PyReadwriteArray2<'py, u32>),
    I32(PyReadwriteArray2<'py, i32>),
    I64(PyReadwriteArray2<'py, i64>),
}
