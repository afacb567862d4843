//! Int and list objects written as CPython lays them out: 0.4 ns a token where the calls of the C API cost 5.
//!
//! Ints: one block of objects for the ids from 0, 32 bytes each, made once for the process and shared by all lists and all
//! tokenizers. An id's object is then where its number says, so a list of ids is filled without reading them. The objects are
//! immortal, so no list counts its references to them: since Python 3.12 that is a state of its own; in 3.11, where a list that
//! dies counts down what nobody counted up, the count starts at 2^60, which is decades of tokens.
//! Lists: an empty list from the C API is given its items in one piece of memory from the allocator that lists use.
//!
//! [`known_images`] looks once, before anything is written, whether this Python lays them out so; where it does not, or is of a
//! version that nobody has looked at, or where `TOKENFOUNDRY_LISTS=api` says so, [`super::ints`] goes through the C API.
//! All knowledge of the layout is in this file.

use std::alloc::{Layout, alloc};
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::exceptions::PyMemoryError;
use pyo3::ffi::{self, Py_ssize_t, PyObject, PyVarObject};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyInt, PyList};
use tokenfoundry_kernels::huge_pages;

/// From one int object to the next; an object has 28 bytes: its header, its size, and one digit of 30 bits.
const STRIDE: usize = 32;
const INT_BYTES: usize = 28;
const SIZE_AT: usize = 16;
const DIGIT_AT: usize = 24;
/// Vocabularies with more ids than this have the ints beyond from the C API.
const MOST_IDS: usize = 1 << 20;
/// The count of an int in Python 3.11.
const COUNT_3_11: u64 = 1 << 60;
/// The lower half of the count of an immortal object since Python 3.12: as far as can be from either end of those.
const IMMORTAL: u32 = 3 << 30;

/// A list object, which the stable ABI does not tell of.
#[repr(C)]
struct ListObject {
    base: PyVarObject,
    items: *mut *mut PyObject,
    /// How many items there is room for.
    allocated: Py_ssize_t,
}

/// An int object's bytes.
type Image = [u8; STRIDE];

#[derive(Clone, Copy)]
struct Images {
    zero: Image,
    /// Of any int of one digit, which is still to be set.
    other: Image,
}

/// The objects; those of the ids below `ready` are there.
struct Block {
    start: usize,
    images: Images,
    ready: AtomicUsize,
}

static BLOCK: PyOnceLock<Option<Block>> = PyOnceLock::new();

fn block(python: Python<'_>) -> Option<&'static Block> {
    BLOCK.get_or_init(python, || Block::new(python).ok().flatten()).as_ref()
}

/// Make the ints of all ids below `ids` (and below 2^20). 1 ms for 150,000.
pub fn prepare(python: Python<'_>, ids: usize) {
    if let Some(block) = block(python) {
        block.prepare(ids);
    }
}

/// A new list of `ids`; `None` if the layout is not known or an id has no int here.
#[inline]
pub fn list<'py>(python: Python<'py>, ids: &[u32]) -> Option<PyResult<Bound<'py, PyList>>> {
    let block = block(python)?;
    if !block.has_all(ids) {
        return None;
    }
    let list = PyList::empty(python);
    Some(block.fill(&list, ids).map(|()| list))
}

/// Give an empty list `ids`; `false` if it is not empty (any more), or as for [`list`].
#[inline]
pub fn fill(list: &Bound<'_, PyList>, ids: &[u32]) -> PyResult<bool> {
    match block(list.py()) {
        Some(block) if list.is_empty() && block.has_all(ids) => block.fill(list, ids).map(|()| true),
        _ => Ok(false),
    }
}

/// The ids in a list, as far as they are ints of one digit (below 2^30); `None` if the layout is not known.
///
/// Ints of the block are told by their place and not read.
pub fn ids(list: &Bound<'_, PyList>) -> Option<Vec<u32>> {
    let block = block(list.py())?;
    let ready = block.ready.load(Ordering::Relaxed);
    let length = list.len();
    let mut ids = Vec::with_capacity(length);
    // SAFETY: the GIL is held and nothing below runs Python code, so the list stays as it is: `length` items, which are
    // objects that it keeps alive, where `known_images` saw that `ListObject` has them. An object may be read as far as its
    // type; if that is exactly int it has a size, and if that is the one of an int of one digit, the digit.
    unsafe {
        let items = (*list.as_ptr().cast::<ListObject>()).items;
        let int = &raw mut ffi::PyLong_Type;
        let [size_of_zero, size_of_one_digit] = block.images.sizes();
        for place in 0..length {
            let item = *items.add(place);
            let from_start = (item as usize).wrapping_sub(block.start);
            if from_start < ready * STRIDE {
                ids.push((from_start / STRIDE) as u32);
                continue;
            }
            if ffi::Py_TYPE(item) != int {
                break;
            }
            let size = item.cast::<u64>().add(SIZE_AT / 8).read();
            if size == size_of_one_digit {
                ids.push(item.cast::<u32>().add(DIGIT_AT / 4).read());
            } else if size == size_of_zero {
                ids.push(0);
            } else {
                break;
            }
        }
    }
    Some(ids)
}

impl Block {
    fn new(python: Python<'_>) -> PyResult<Option<Self>> {
        let Some(images) = known_images(python)? else { return Ok(None) };
        let Ok(layout) = Layout::from_size_align(MOST_IDS * STRIDE, huge_pages::FROM_BYTES) else { return Ok(None) };
        // SAFETY: the layout is not empty. What is not written to is never backed by memory.
        let start = unsafe { alloc(layout) };
        if start.is_null() {
            return Ok(None);
        }
        Ok(Some(Self { start: start as usize, images, ready: AtomicUsize::new(0) }))
    }

    /// The GIL, which the callers hold, keeps others out.
    fn prepare(&self, ids: usize) {
        let (ready, ids) = (self.ready.load(Ordering::Relaxed), ids.min(MOST_IDS));
        if ids <= ready {
            return;
        }
        let bytes = (self.start + ready * STRIDE) as *mut Image;
        // SAFETY: the block has room for MOST_IDS images, and those from `ready` on are nobody's yet. `MaybeUninit` is
        // what they are until they are written below.
        let fresh =
            unsafe { std::slice::from_raw_parts_mut(bytes.cast::<std::mem::MaybeUninit<Image>>(), ids - ready) };
        huge_pages::advise(fresh);
        for (place, id) in fresh.iter_mut().zip(ready..) {
            place.write(self.images.of(id as u32));
        }
        self.ready.store(ids, Ordering::Release);
    }

    #[inline(always)]
    fn has_all(&self, ids: &[u32]) -> bool {
        let greatest = ids.iter().fold(0, |greatest, &id| greatest.max(id));
        (greatest as usize) < self.ready.load(Ordering::Relaxed)
    }

    /// Give an empty list its items.
    #[inline(always)]
    fn fill(&self, list: &Bound<'_, PyList>, ids: &[u32]) -> PyResult<()> {
        if ids.is_empty() {
            return Ok(());
        }
        // SAFETY: the GIL is held. Lists free their items with PyMem_Free, so memory of PyMem_Malloc may become theirs;
        // there is room for a pointer for each id, and each is written before the list has its size. That the fields are
        // where `ListObject` has them was seen by `known_images`. The list is empty (the callers looked, or made it), so
        // it has no items to lose but perhaps room for some, which is freed. Each pointer is an int object of the block,
        // since all ids are below `ready`; it owns a reference that is never counted, which the int's immortality allows.
        unsafe {
            let items = ffi::PyMem_Malloc(size_of_val(ids) * 2).cast::<usize>();
            if items.is_null() {
                return Err(PyMemoryError::new_err(()));
            }
            for (place, &id) in ids.iter().enumerate() {
                items.add(place).write(self.start + id as usize * STRIDE);
            }
            let list = list.as_ptr().cast::<ListObject>();
            let room = (*list).items;
            (*list).items = items.cast();
            (*list).allocated = ids.len() as Py_ssize_t;
            (*list).base.ob_size = ids.len() as Py_ssize_t;
            ffi::PyMem_Free(room.cast());
        }
        Ok(())
    }
}

impl Images {
    /// What tells the size and the sign, of 0 and of a positive int of one digit.
    fn sizes(&self) -> [u64; 2] {
        [self.zero, self.other].map(|image| {
            let mut size = [0; 8];
            size.copy_from_slice(&image[SIZE_AT..DIGIT_AT]);
            u64::from_ne_bytes(size)
        })
    }

    #[inline(always)]
    fn of(&self, id: u32) -> Image {
        if id == 0 {
            return self.zero;
        }
        let mut image = self.other;
        image[DIGIT_AT..DIGIT_AT + 4].copy_from_slice(&id.to_ne_bytes());
        image
    }
}

/// Images of immortal ints, if all that this file takes for granted is so.
fn known_images(python: Python<'_>) -> PyResult<Option<Images>> {
    let version = python.version_info();
    let is_known_version = version.major == 3 && (11..=14).contains(&version.minor);
    let name: String = python.import("sys")?.getattr("implementation")?.getattr("name")?.extract()?;
    let is_api = std::env::var_os("TOKENFOUNDRY_LISTS").is_some_and(|way| way == "api");
    let is_64_bit = cfg!(all(target_pointer_width = "64", target_endian = "little"));
    if is_api || !is_known_version || name != "cpython" || !is_64_bit {
        return Ok(None);
    }
    // What the types say of their sizes comes first, so that nothing is read that is not there.
    let sizes = |kind: Bound<'_, PyAny>| -> PyResult<(usize, usize)> {
        Ok((kind.getattr("__basicsize__")?.extract()?, kind.getattr("__itemsize__")?.extract()?))
    };
    let (int, list) = (python.get_type::<PyInt>(), python.get_type::<PyList>());
    if sizes(int.into_any())? != (DIGIT_AT, 4) || sizes(list.into_any())? != (size_of::<ListObject>(), 0) {
        return Ok(None);
    }
    if !lists_are_as_known(python)? {
        return Ok(None);
    }
    let is_immortal_state = version.minor >= 12;
    let image = |value: u32| -> PyResult<Image> {
        let int = value.into_pyobject(python)?;
        let mut image = [0; STRIDE];
        // SAFETY: the type says that an int of one digit has these bytes, and one is alive.
        let bytes = unsafe { std::slice::from_raw_parts(int.as_ptr().cast::<u8>(), INT_BYTES) };
        image[..INT_BYTES].copy_from_slice(bytes);
        if is_immortal_state {
            image[..4].copy_from_slice(&IMMORTAL.to_ne_bytes());
        } else {
            image[..8].copy_from_slice(&COUNT_3_11.to_ne_bytes());
        }
        Ok(image)
    };
    // The middle of the range: smaller ones may be Python's own, in a state of their own.
    let images = Images { zero: image(0)?, other: image(1000)? };
    let [zero, other] = images.sizes();
    if zero == other {
        return Ok(None);
    }
    let samples = [0, 1, 2, 255, 256, 257, 999, 1000, 1001, 32_767, 65_536, 151_643, 1_048_575];
    for value in samples {
        if !is_int(python, &images, value, is_immortal_state)? {
            return Ok(None);
        }
    }
    Ok(Some(images))
}

/// Whether the image of `value` is an int of that value whose count behaves as it should.
fn is_int(python: Python<'_>, images: &Images, value: u32, is_immortal_state: bool) -> PyResult<bool> {
    #[repr(align(32))]
    struct Place {
        image: Image,
    }
    // Leaked, because it is immortal.
    let place = Box::leak(Box::new(Place { image: images.of(value) }));
    let object = (&raw mut place.image).cast::<PyObject>();
    // SAFETY: the GIL is held. If the image is no int after all, then it is one that differs in the digit, which was set
    // where the type's size says that the first digit is.
    let (made, count, after) = unsafe {
        let count = object.cast::<u64>().read();
        let made = Bound::from_borrowed_ptr(python, object);
        ffi::Py_IncRef(object);
        let counted = object.cast::<u64>().read();
        ffi::Py_DecRef(object);
        ffi::Py_DecRef(object);
        let after = object.cast::<u64>().read();
        ffi::Py_IncRef(object);
        (made, counted, (count, after))
    };
    let real = value.into_pyobject(python)?;
    let counts_are_right = if is_immortal_state {
        // It may count up, but never down to where it would be freed.
        [count, after.0, after.1].into_iter().all(|count| (count as u32 as i32) < 0)
    } else {
        // The reference that `made` holds is one more.
        count == after.0 + 2 && after.1 == after.0
    };
    let size: usize = made.call_method0("__sizeof__")?.extract()?;
    Ok(counts_are_right
        && made.get_type().is(real.get_type())
        && made.extract::<u32>()? == value
        && made.eq(&real)?
        && made.hash()? == real.hash()?
        && made.str()?.to_str()? == real.str()?.to_str()?
        && made.add(1)?.eq(u64::from(value) + 1)?
        && (value == 0 || size == INT_BYTES))
}

/// Whether a list's items, its size and its room are where `ListObject` has them.
fn lists_are_as_known(python: Python<'_>) -> PyResult<bool> {
    let items: Vec<_> = (1000..1003).map(|value: u32| value.into_pyobject(python)).collect::<Result<_, _>>()?;
    let list = PyList::new(python, &items)?;
    let empty = PyList::empty(python);
    // SAFETY: the type says that a list has as many bytes as `ListObject`, so its fields may be read; that the size and
    // the room are right comes before following the pointer to the items.
    unsafe {
        let none = empty.as_ptr().cast::<ListObject>();
        if (*none).base.ob_size != 0 || !(*none).items.is_null() || (*none).allocated != 0 {
            return Ok(false);
        }
        let list = list.as_ptr().cast::<ListObject>();
        if (*list).base.ob_size != 3 || !(3..64).contains(&(*list).allocated) || (*list).items.is_null() {
            return Ok(false);
        }
        Ok((0..3).all(|place| *(*list).items.add(place) == items[place].as_ptr()))
    }
}
