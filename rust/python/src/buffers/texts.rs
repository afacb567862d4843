//! Texts in: borrowed from a list of `str`/`bytes`, or from Arrow string and binary arrays, never copied.
//!
//! The one exception is a `str` with a lone surrogate, which has no UTF-8: it is taken as its UTF-16 with U+FFFD in
//! the surrogate's place, as tiktoken takes it.

use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{ArrayStreamReader, FFI_ArrowArrayStream};
use arrow_array::{Array, ArrayRef, make_array};
use arrow_schema::DataType;
use pyo3::Borrowed;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyList, PyString, PyTuple};

use tokenfoundry_bpe::tokenizer::Text;

use crate::errors;

/// Bytes that belong to an owner in the same [`Texts`].
#[derive(Clone, Copy)]
struct Slice {
    start: *const u8,
    length: usize,
}

// SAFETY: the bytes are immutable (`str`, `bytes`, Arrow buffers) and live as long as the `Texts` that holds their
// owner, so any thread may read them.
unsafe impl Send for Slice {}
// SAFETY: as above.
unsafe impl Sync for Slice {}

impl Slice {
    fn new(bytes: &[u8]) -> Self {
        Self { start: bytes.as_ptr(), length: bytes.len() }
    }
}

/// Many texts, borrowed. Send and Sync, so that a room can read them outside the GIL; drop it with the GIL held.
pub struct Texts {
    borrowed: Vec<Slice>,
    /// Every text came from a `str`, so its UTF-8 needs no check.
    from_str: bool,
    python_owners: Vec<Py<PyAny>>,
    arrow_owners: Vec<ArrayRef>,
    copies: Vec<Box<[u8]>>,
}

#[allow(dead_code)]
impl Texts {
    pub fn len(&self) -> usize {
        self.borrowed.len()
    }

    pub fn is_empty(&self) -> bool {
        self.borrowed.is_empty()
    }

    pub fn get(&self, index: usize) -> &[u8] {
        let Slice { start, length } = self.borrowed[index];
        // SAFETY: `start` and `length` are of a slice whose owner is in `python_owners`, `arrow_owners` or `copies`
        // of this same value, none of which is ever dropped or changed before `self` is.
        unsafe { std::slice::from_raw_parts(start, length) }
    }

    /// All texts as bytes; `bytes` and binary arrays may hold anything.
    pub fn bytes(&self) -> Vec<&[u8]> {
        (0..self.len()).map(|index| self.get(index)).collect()
    }

    /// All texts, those that need no check as UTF-8.
    pub fn texts(&self) -> Vec<Text<'_>> {
        let one = |index: usize| {
            let bytes = self.get(index);
            if self.from_str {
                // SAFETY: PyUnicode_AsUTF8AndSize gave these bytes, or `String` did; both are UTF-8.
                Text::Utf8(unsafe { std::str::from_utf8_unchecked(bytes) })
            } else {
                Text::Bytes(bytes)
            }
        };
        (0..self.len()).map(one).collect()
    }

    /// All texts as UTF-8, or an `InputError` that names the first that is not.
    pub fn strs(&self) -> PyResult<Vec<&str>> {
        let mut strs = Vec::with_capacity(self.len());
        for index in 0..self.len() {
            let bytes = self.get(index);
            strs.push(if self.from_str {
                // SAFETY: PyUnicode_AsUTF8AndSize gave these bytes, or `String` did; both are UTF-8.
                unsafe { std::str::from_utf8_unchecked(bytes) }
            } else {
                std::str::from_utf8(bytes).map_err(|error| {
                    errors::input(format!(
                        "texts[{index}] is not UTF-8: {error}; clean it with tf.text.normalize first"
                    ))
                })?
            });
        }
        Ok(strs)
    }

    pub fn total_bytes(&self) -> usize {
        self.borrowed.iter().map(|text| text.length).sum()
    }

    fn empty(from_str: bool) -> Self {
        Self { borrowed: Vec::new(), from_str, python_owners: Vec::new(), arrow_owners: Vec::new(), copies: Vec::new() }
    }

    fn push_python(&mut self, item: &Bound<'_, PyAny>) -> PyResult<()> {
        let index = self.len();
        if let Ok(text) = item.cast::<PyString>() {
            match text.to_str() {
                Ok(text) => self.borrowed.push(Slice::new(text.as_bytes())),
                Err(_lone_surrogate) => {
                    let copy = with_replaced_surrogates(text)?.into_bytes().into_boxed_slice();
                    self.borrowed.push(Slice::new(&copy));
                    self.copies.push(copy);
                    return Ok(());
                }
            }
        } else if let Ok(bytes) = item.cast::<PyBytes>() {
            self.from_str = false;
            self.borrowed.push(Slice::new(bytes.as_bytes()));
        } else {
            let kind = item.get_type().name()?;
            return Err(PyTypeError::new_err(format!("texts[{index}] must be str or bytes, not {kind}")));
        }
        self.python_owners.push(item.clone().unbind());
        Ok(())
    }

    fn push_arrow(&mut self, array: ArrayRef) -> PyResult<()> {
        if array.null_count() > 0 {
            let first = (0..array.len()).find(|&index| array.is_null(index)).unwrap_or(0);
            let index = self.len() + first;
            return Err(errors::input(format!("texts[{index}] is null; fill or drop nulls first")));
        }
        self.borrowed.reserve(array.len());
        match array.data_type() {
            DataType::Utf8 => {
                self.borrowed.extend(array.as_string::<i32>().iter().flatten().map(|t| Slice::new(t.as_bytes())));
            }
            DataType::LargeUtf8 => {
                self.borrowed.extend(array.as_string::<i64>().iter().flatten().map(|t| Slice::new(t.as_bytes())));
            }
            DataType::Utf8View => {
                self.borrowed.extend(array.as_string_view().iter().flatten().map(|t| Slice::new(t.as_bytes())));
            }
            DataType::Binary => {
                self.borrowed.extend(array.as_binary::<i32>().iter().flatten().map(Slice::new));
            }
            DataType::LargeBinary => {
                self.borrowed.extend(array.as_binary::<i64>().iter().flatten().map(Slice::new));
            }
            DataType::BinaryView => {
                self.borrowed.extend(array.as_binary_view().iter().flatten().map(Slice::new));
            }
            other => {
                return Err(PyTypeError::new_err(format!(
                    "texts must be an Arrow string or binary array, not {other}"
                )));
            }
        }
        // The texts of short view arrays lie in the array itself, which the owner keeps where it is.
        self.arrow_owners.push(array);
        Ok(())
    }
}

/// A `str` with lone surrogates as tiktoken takes it: through UTF-16, each lone one as U+FFFD.
pub fn with_replaced_surrogates(text: &Bound<'_, PyString>) -> PyResult<String> {
    let utf16 = text.call_method1("encode", ("utf-16", "surrogatepass"))?;
    utf16.call_method1("decode", ("utf-16", "replace"))?.extract()
}

fn arrow_error(error: arrow_schema::ArrowError) -> PyErr {
    errors::input(format!("texts could not be read as an Arrow array: {error}"))
}

fn capsule_pointer<T>(capsule: &Bound<'_, PyAny>, name: &'static std::ffi::CStr) -> PyResult<*mut T> {
    Ok(capsule.cast::<PyCapsule>()?.pointer_checked(Some(name))?.as_ptr().cast())
}

impl<'a, 'py> FromPyObject<'a, 'py> for Texts {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let object = object.to_owned();
        if object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err(
                "texts must be a list of str or bytes or an Arrow string array, not one text; wrap it in a list",
            ));
        }
        let mut texts = Texts::empty(true);
        if let Ok(list) = object.cast::<PyList>() {
            texts.borrowed.reserve(list.len());
            for item in list.iter() {
                texts.push_python(&item)?;
            }
        } else if let Ok(tuple) = object.cast::<PyTuple>() {
            for item in tuple.iter() {
                texts.push_python(&item)?;
            }
        } else if object.hasattr("__arrow_c_array__")? {
            texts.from_str = false;
            let (schema, array): (Bound<'_, PyAny>, Bound<'_, PyAny>) =
                object.call_method0("__arrow_c_array__")?.extract()?;
            // SAFETY: the PyCapsule interface says that a capsule of this name holds this struct, that we may move
            // it out, and that the producer's destructor then finds it released.
            let data = unsafe {
                let schema = FFI_ArrowSchema::from_raw(capsule_pointer(&schema, c"arrow_schema")?);
                let array = FFI_ArrowArray::from_raw(capsule_pointer(&array, c"arrow_array")?);
                from_ffi(array, &schema)
            };
            texts.push_arrow(make_array(data.map_err(arrow_error)?))?;
        } else if object.hasattr("__arrow_c_stream__")? {
            texts.from_str = false;
            let stream = object.call_method0("__arrow_c_stream__")?;
            let pointer: *mut FFI_ArrowArrayStream = capsule_pointer(&stream, c"arrow_array_stream")?;
            // SAFETY: as for `__arrow_c_array__` above.
            let reader = unsafe { ArrayStreamReader::from_raw(pointer) };
            for chunk in reader.map_err(arrow_error)? {
                texts.push_arrow(chunk.map_err(arrow_error)?)?;
            }
        } else if let Ok(items) = object.try_iter() {
            for item in items {
                texts.push_python(&item?)?;
            }
        } else {
            let kind = object.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "texts must be a list of str or bytes or an Arrow string array, not {kind}"
            )));
        }
        Ok(texts)
    }
}
