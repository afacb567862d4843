//! Asking for larger pages before memory is touched. A table that is read here and there costs a walk through the page
//! tables at each look where its pages are of 4 KiB.

/// Below this, pages do not matter.
pub const FROM_BYTES: usize = 1 << 21;

/// A vector with room for `capacity` values, on huge pages if that is worth it.
pub fn vec_with_capacity<T>(capacity: usize) -> Vec<T> {
    let mut vec = Vec::with_capacity(capacity);
    let room: &[std::mem::MaybeUninit<T>] = vec.spare_capacity_mut();
    advise(room);
    vec
}

/// Ask for huge pages for the memory of `values`; a refusal costs speed only.
#[cfg(target_os = "linux")]
pub fn advise<T>(values: &[T]) {
    const PAGE: usize = 4096;
    let bytes = size_of_val(values);
    if bytes < FROM_BYTES {
        return;
    }
    let start = (values.as_ptr() as usize).next_multiple_of(PAGE);
    let end = (values.as_ptr() as usize + bytes) / PAGE * PAGE;
    // SAFETY: the range lies within the memory that `values` borrows, and this advice changes no contents.
    unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
}

/// Nothing to ask for.
#[cfg(not(target_os = "linux"))]
pub fn advise<T>(_values: &[T]) {}
