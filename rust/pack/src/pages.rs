//! Large zeroed vectors on huge pages, where the system has them.
//!
//! A plan of ten million pieces writes 200 MB of fresh memory; in pages of 4 KiB their first touches cost more than
//! the planning (see `benches/experiments.md`).

use std::sync::atomic::AtomicU32;

/// Below this, pages do not matter.
const FROM_BYTES: usize = 1 << 21;

/// `length` zeros.
pub(crate) fn zeros<T: Copy + Default + Zeroed>(length: usize) -> Vec<T> {
    let values = vec![T::default(); length];
    advise(&values);
    values
}

/// An empty vector with room for `length` values; None where there is no memory for it.
pub(crate) fn with_room<T>(length: usize) -> Option<Vec<T>> {
    let mut values = Vec::new();
    values.try_reserve_exact(length).ok()?;
    advise(values.spare_capacity_mut());
    Some(values)
}

/// Numbers that threads may write side by side.
pub(crate) fn as_atomic(values: &mut [u32]) -> &[AtomicU32] {
    // SAFETY: an `AtomicU32` has the size, the alignment and the values of a `u32`, and the borrow is exclusive, so
    // nobody reads or writes these plainly meanwhile.
    unsafe { std::slice::from_raw_parts(values.as_mut_ptr().cast::<AtomicU32>(), values.len()) }
}

/// Types whose default is all zero bytes, so that the allocator gives fresh pages and touches none.
pub(crate) trait Zeroed {}
impl Zeroed for u32 {}
impl Zeroed for i64 {}

#[cfg(target_os = "linux")]
fn advise<T>(values: &[T]) {
    const PAGE: usize = 4096;
    let bytes = size_of_val(values);
    if bytes < FROM_BYTES {
        return;
    }
    let start = (values.as_ptr() as usize).next_multiple_of(PAGE);
    let end = (values.as_ptr() as usize + bytes) / PAGE * PAGE;
    // SAFETY: the range lies within the vector's own allocation, and this advice changes no contents: it only asks
    // for larger pages. A refusal costs speed only.
    unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise<T>(_values: &[T]) {}
