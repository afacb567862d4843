//! Token ids in, and text out: the two ends of decoding.

use numpy::{Element, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use super::direct;
use crate::errors;

/// Ids from a list of ints, an integer array, or whatever else has ints.
pub fn ids_from(ids: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    if let Ok(list) = ids.cast::<PyList>() {
        return from_list(list);
    }
    if let Ok(array) = ids.extract::<PyReadonlyArray1<'_, u32>>() {
        return Ok(array.as_slice().map_or_else(|_| array.as_array().to_vec(), <[u32]>::to_vec));
    }
    let wider = of_type::<i64>(ids).or_else(|| of_type::<i32>(ids)).or_else(|| of_type::<u64>(ids));
    if let Some(found) = wider.or_else(|| of_type::<u16>(ids)) {
        return found;
    }
    // Other arrays, tensors, Arrow arrays.
    for to_list in ["tolist", "to_pylist"] {
        if ids.hasattr(to_list)? {
            let list = ids.call_method0(to_list)?;
            return match list.cast::<PyList>() {
                Ok(list) => from_list(list),
                Err(_) => Err(PyTypeError::new_err("ids must be a sequence of token ids, not one")),
            };
        }
    }
    ids.try_iter()?.enumerate().map(|(position, id)| one(&id?, position)).collect()
}

fn no_id(position: usize, id: impl std::fmt::Display) -> PyErr {
    errors::input(format!("ids[{position}] is {id}; token ids are 0 to 4294967295"))
}

fn one(id: &Bound<'_, PyAny>, position: usize) -> PyResult<u32> {
    id.extract::<u32>().map_err(
        |error| {
            if error.is_instance_of::<PyTypeError>(id.py()) { error } else { no_id(position, id) }
        },
    )
}

/// `None` if `ids` is no array of `T`.
fn of_type<T: Element + Copy + std::fmt::Display>(ids: &Bound<'_, PyAny>) -> Option<PyResult<Vec<u32>>>
where
    u32: TryFrom<T>,
{
    let array = ids.extract::<PyReadonlyArray1<'_, T>>().ok()?;
    let array = array.as_array();
    let narrowed = array.iter().enumerate().map(|(position, &id)| u32::try_from(id).map_err(|_| no_id(position, id)));
    Some(narrowed.collect())
}

/// 1 to 3 ns an id: ints are read as they lie, and only what is no plain int goes the long way.
fn from_list(list: &Bound<'_, PyList>) -> PyResult<Vec<u32>> {
    let length = list.len();
    let mut ids = direct::ids(list).unwrap_or_else(|| Vec::with_capacity(length));
    for position in ids.len()..length {
        // SAFETY: the GIL is held. PyList_GetItem checks the position and gives a borrowed reference that the list keeps
        // alive (null, with an exception, if the list has become shorter). Reading an exact int runs no Python code, so
        // nothing can change the list meanwhile; whatever else there is gets a reference of its own first.
        let plain = unsafe {
            let item = ffi::PyList_GetItem(list.as_ptr(), position as ffi::Py_ssize_t);
            if item.is_null() {
                return Err(PyErr::fetch(list.py()));
            }
            if ffi::Py_TYPE(item) == &raw mut ffi::PyLong_Type {
                let value = ffi::PyLong_AsLongLong(item);
                if value == -1 && !ffi::PyErr_Occurred().is_null() {
                    ffi::PyErr_Clear();
                }
                u32::try_from(value).ok()
            } else {
                None
            }
        };
        ids.push(match plain {
            Some(id) => id,
            None => one(&list.get_item(position)?, position)?,
        });
    }
    Ok(ids)
}

/// A `str` of bytes that are UTF-8, or should be: U+FFFD takes the place of what is not.
pub fn text<'py>(python: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    // SAFETY: the GIL is held, the pointer and the length are of one slice, and the error handler is a C string. The
    // result is a new str, or null, which becomes the error.
    unsafe {
        let text =
            ffi::PyUnicode_DecodeUTF8(bytes.as_ptr().cast(), bytes.len() as ffi::Py_ssize_t, c"replace".as_ptr());
        Ok(Bound::from_owned_ptr_or_err(python, text)?.cast_into_unchecked())
    }
}
