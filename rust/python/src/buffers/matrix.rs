//! Matrices of Python's that tokens and labels are written to.

use std::mem::MaybeUninit;

use numpy::PyReadwriteArray2;
use pyo3::prelude::*;
use tokenfoundry_kernels::huge_pages;

/// A matrix of one of the types that tokens are given out as.
#[derive(FromPyObject)]
pub enum Matrix<'py> {
    U32(PyReadwriteArray2<'py, u32>),
    I32(PyReadwriteArray2<'py, i32>),
    I64(PyReadwriteArray2<'py, i64>),
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
