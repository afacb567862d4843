//! Python's garbage collector, which looks at every object that may refer to others, from time to time while new ones are
//! made.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// Have the collector not look at an object from now on. For one that cannot be part of a cycle.
pub fn untrack(object: &Bound<'_, PyAny>) {
    // SAFETY: the GIL is held and the object is alive. It is of a type that the collector knows, and tracked, as the first
    // call says. An object that refers to others and is not tracked keeps them alive as before.
    unsafe {
        if ffi::PyObject_GC_IsTracked(object.as_ptr()) == 1 {
            ffi::PyObject_GC_UnTrack(object.as_ptr().cast());
        }
    }
}

/// Whether nothing else refers to an object.
pub fn is_ours_alone(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the GIL is held and the object is alive.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) == 1 }
}

/// Make many objects at once, none of which can be garbage yet.
///
/// The collector starts whenever some hundreds of objects more are alive, and now and then looks at all there are in the
/// process: a batch of thousands of lists costs more in that than in being made. Here it waits until all are made, and then
/// looks once, if it is due, while they refer to nothing. What the caller has set for it is as before afterwards.
pub fn once_after<R>(python: Python<'_>, make: impl FnOnce() -> R) -> R {
    struct Resume(bool);
    impl Drop for Resume {
        fn drop(&mut self) {
            if self.0 {
                // SAFETY: the GIL is held, as it was when this was made.
                unsafe { ffi::PyGC_Enable() };
            }
        }
    }
    // SAFETY: the GIL is held.
    let resume = Resume(unsafe { ffi::PyGC_Disable() } == 1);
    let made = make();
    drop(resume);
    // An object more, at which the collector may start.
    drop(PyList::empty(python));
    made
}
