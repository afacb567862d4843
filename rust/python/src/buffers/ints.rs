//! Lists of Python ints from a table of ints that were made before: 2 ns a token instead of 11.
//!
//! An int object is made when its id is first seen and is shared by all lists from then on, so the table costs what is
//! used of it, and nothing when a tokenizer is made.

use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// Shared ints for 0 to `len - 1`.
pub struct Ints(Vec<AtomicPtr<ffi::PyObject>>);

impl Ints {
    pub fn new(len: usize) -> Self {
        Self((0..len).map(|_| AtomicPtr::new(std::ptr::null_mut())).collect())
    }

    /// A new list of `ids`.
    pub fn list<'py>(&self, python: Python<'py>, ids: &[u32]) -> PyResult<Bound<'py, PyList>> {
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
        Python::attach(|_python| {
            for slot in &mut self.0 {
                // SAFETY: the GIL is held, and a pointer in a slot is a reference that the table owns.
                unsafe { ffi::Py_XDECREF(*slot.get_mut()) };
            }
        });
    }
}
