//! Lists of Python ints, from ints that were made before.
//!
//! Where the layout of Python's objects is known they are written [directly](super::direct). Elsewhere the C API makes them:
//! then an int object is made when its id is first seen and shared by all lists from then on.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyInt, PyList};

use super::{collector, direct};

/// Ids beyond are made anew each time.
const MOST_KEPT: usize = 1 << 18;

/// Ints that were asked for before; where the layout is known, none.
static KEPT: PyOnceLock<Vec<PyOnceLock<Py<PyInt>>>> = PyOnceLock::new();

/// Have the ints of all ids below `ids` ready, if it costs little.
pub fn prepare(python: Python<'_>, ids: usize) {
    direct::prepare(python, ids);
}

/// A new list of `ids`.
#[inline]
pub fn list<'py>(python: Python<'py>, ids: &[u32]) -> PyResult<Bound<'py, PyList>> {
    direct::list(python, ids).unwrap_or_else(|| list_by_calls(python, ids))
}

/// `count` lists that are empty, each to be given its ids by [`fill`].
pub fn empty_lists(python: Python<'_>, count: usize) -> Vec<Bound<'_, PyList>> {
    collector::once_after(python, || (0..count).map(|_| PyList::empty(python)).collect())
}

/// Give an empty list its ids. It may become another list.
#[inline]
pub fn fill(list: &mut Bound<'_, PyList>, ids: &[u32]) -> PyResult<()> {
    if !direct::fill(list, ids)? {
        *list = list_by_calls(list.py(), ids)?;
    }
    Ok(())
}

#[inline(never)]
fn list_by_calls<'py>(python: Python<'py>, ids: &[u32]) -> PyResult<Bound<'py, PyList>> {
    let kept = KEPT.get_or_init(python, || (0..MOST_KEPT).map(|_| PyOnceLock::new()).collect());
    let int = |id: u32| match kept.get(id as usize) {
        Some(place) => place.get_or_init(python, || new(python, id)).bind(python).clone(),
        None => new(python, id).into_bound(python),
    };
    PyList::new(python, ids.iter().map(|&id| int(id)))
}

fn new(python: Python<'_>, id: u32) -> Py<PyInt> {
    // A u32 becomes an int without fail; the error's type has no values.
    match id.into_pyobject(python) {
        Ok(int) => int.unbind(),
        Err(never) => match never {},
    }
}
