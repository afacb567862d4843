//! Large zeroed vectors on huge pages, where the system has them.
//!
//! A plan of ten million pieces writes 200 MB of fresh memory; in pages of 4 KiB their first touches cost more than
//! the planning (see `benches/experiments.md`).

use std::sync::atomic::AtomicU32;

/// Below this, pages do not matter.
const FROM_BYTES: usize = 1 << 22;

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

/// `length` zeros that threads may write side by side.
pub(crate) fn atomic_zeros(length: usize) -> Vec<AtomicU32> {
    let mut values = std::mem::ManuallyDrop::new(zeros::<u32>(length));
    let (start, capacity) = (values.as_mut_ptr(), values.capacity());
    // SAFETY: the vector is taken apart and never used again, and an `AtomicU32` has the size, the alignment and the
    // values of a `u32`. Mapping one by one would touch every fresh page once more.
    unsafe { Vec::from_raw_parts(start.cast::<AtomicU32>(), length, capacity) }
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
