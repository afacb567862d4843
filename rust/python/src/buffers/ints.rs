//! Lists of Python ints, from ints that were made before.
//!
//! Where the layout of Python's objects is known they are written [directly](super::direct). Elsewhere the C API makes them:
//! then an int object is made when its id is first seen and shared by all lists from then on.

use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyInt, PyList};

use super::{collector, direct};

/// Ids beyond are made anew each time.
const MOST_KEPT: usize = 1 << 18;

/// Ints that were asked for before; where the layout is known, none.
static KEPT: PyOnceLock<Vec<PyOnceLock<Py<PyInt>>>> = PyOnceLock::new();

/// From so many ids on the collector's look at a list takes longer than making one ahead.
const LONG: usize = 256;
/// As many as it takes for the collector to start.
const MANY: usize = 701;
static EMPTY: PyOnceLock<Mutex<Vec<Py<PyList>>>> = PyOnceLock::new();

/// Have the ints of all ids below `ids` ready, if it costs little.
pub fn prepare(python: Python<'_>, ids: usize) {
    direct::prepare(python, ids);
}

/// A new list of `ids`.
#[inline]
pub fn list<'py>(python: Python<'py>, ids: &[u32]) -> PyResult<Bound<'py, PyList>> {
    if ids.len() < LONG {
        return direct::list(python, ids).unwrap_or_else(|| list_by_calls(python, ids));
    }
    let mut list = kept_empty(python);
    fill(&mut list, ids)?;
    Ok(list)
}

/// An empty list that the collector has looked at already.
///
/// It looks at all objects that came since it did so last, some hundreds, which takes half as long as making them where they
/// are lists of a thousand ids. Made ahead, they are empty when it does.
#[inline(never)]
fn kept_empty(python: Python<'_>) -> Bound<'_, PyList> {
    let kept = EMPTY.get_or_init(python, || Mutex::new(Vec::new()));
    let Ok(mut kept) = kept.try_lock() else { return PyList::empty(python) };
    if kept.is_empty() {
        // The collector, which may start when these are made, can run anything, this as well.
        drop(kept);
        let mut made: Vec<_> = empty_lists(python, MANY).into_iter().map(Bound::unbind).collect();
        let Ok(mut kept) = EMPTY.get_or_init(python, || Mutex::new(Vec::new())).try_lock() else {
            return PyList::empty(python);
        };
        kept.append(&mut made);
        return kept.pop().map_or_else(|| PyList::empty(python), |list| list.into_bound(python));
    }
    match kept.pop().map(|list| list.into_bound(python)) {
        // Who asks the collector for all objects can have hold of one.
        Some(list) if collector::is_ours_alone(&list) => list,
        _ => PyList::empty(python),
    }
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
