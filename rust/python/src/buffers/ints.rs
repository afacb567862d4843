//! Lists of Python ints, from ints that were made before.
//!
//! Where the layout of Python's objects is known they are written [directly](super::direct). Elsewhere the C API makes them:
//! then an int object is made when its id is first seen and shared by all lists of its tokenizer from then on.

use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::direct;

/// Ints for 0 to one less than what it was made for, and any others.
pub struct Ints(Vec<AtomicPtr<ffi::PyObject>>);

impl Ints {
    pub fn new(python: Python<'_>, ids: usize) -> Self {
        direct::prepare(python, ids);
        let own = if direct::is_known(python) { 0 } else { ids };
        Self((0..own).map(|_| AtomicPtr::new(std::ptr::null_mut())).collect())
    }

    /// A new list of `ids`.
    #[inline]
    pub fn list<'py>(&self, python: Python<'py>, ids: &[u32]) -> PyResult<Bound<'py, PyList>> {
        direct::list(python, ids).unwrap_or_else(|| self.list_by_calls(python, ids))
    }

    /// `count` lists that are empty, each to be given its ids by [`Self::fill`].
    ///
    /// The garbage collector, which looks at new lists from time to time while they are made, then has nothing to look at.
    pub fn empty_lists<'py>(&self, python: Python<'py>, count: usize) -> Vec<Bound<'py, PyList>> {
        (0..count).map(|_| PyList::empty(python)).collect()
    }

    /// Give an empty list its ids. It may become another list.
    #[inline]
    pub fn fill(&self, list: &mut Bound<'_, PyList>, ids: &[u32]) -> PyResult<()> {
        if !direct::fill(list, ids)? {
            *list = self.list_by_calls(list.py(), ids)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn list_by_calls<'py>(&self, python: Python<'py>, ids: &[u32]) -> PyResult<Bound<'py, PyList>> {
        // SAFETY: the GIL is held. PyList_New gives a list of that many empty slots or null, which becomes the error.
        // Every slot is then given one owned reference by PyList_SetItem; the list is seen by no one else before.
        unsafe {
            let list = Bound::from_owned_ptr_or_err(python, ffi::PyList_New(ids.len() as ffi::Py_ssize_t))?;
            for (position, &id) in ids.iter().enumerate() {
                let item = self.owned(id);
                if item.is_null() {
                    return Err(PyErr::fetch(python));
                }
                ffi::PyList_SetItem(list.as_ptr(), position as ffi::Py_ssize_t, item);
            }
            Ok(list.cast_into_unchecked())
        }
    }

    /// A new reference to the int of `id`, or null with an exception set.
    ///
    /// # Safety
    /// The GIL is held.
    #[inline(always)]
    unsafe fn owned(&self, id: u32) -> *mut ffi::PyObject {
        let Some(slot) = self.0.get(id as usize) else {
            // SAFETY: the caller holds the GIL.
            return unsafe { ffi::PyLong_FromUnsignedLongLong(id as u64) };
        };
        let mut item = slot.load(Ordering::Relaxed);
        // SAFETY: the caller holds the GIL, which also orders the stores; a pointer in a slot is a reference that the
        // table owns until it is dropped.
        unsafe {
            if item.is_null() {
                item = ffi::PyLong_FromUnsignedLongLong(id as u64);
                if item.is_null() {
                    return item;
                }
                slot.store(item, Ordering::Relaxed);
            }
            ffi::Py_INCREF(item);
        }
        item
    }
}

impl Drop for Ints {
    fn drop(&mut self) {
        if self.0.is_empty() {
            return;
        }
        Python::attach(|_python| {
            for slot in &mut self.0 {
                // SAFETY: the GIL is held, and a pointer in a slot is a reference that the table owns.
                unsafe { ffi::Py_XDECREF(*slot.get_mut()) };
            }
        });
    }
}
