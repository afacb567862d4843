//! Asking for larger pages before memory is touched. A table that is read here and there costs a walk through the page
//! tables at each look where its pages are of 4 KiB.

use crate::prefetch::LINE_BYTES;

/// Below this, pages do not matter.
pub const FROM_BYTES: usize = HUGE_PAGE;
const HUGE_PAGE: usize = 2 << 20;

/// A vector with room for `capacity` values, on huge pages if that is worth it.
pub fn vec_with_capacity<T>(capacity: usize) -> Vec<T> {
    let mut vec = Vec::with_capacity(capacity);
    let room: &[std::mem::MaybeUninit<T>] = vec.spare_capacity_mut();
    advise(room);
    vec
}

/// Values that start with a cache line, or with a huge page if they fill one: an allocation of two megabytes that starts
/// elsewhere has no whole one.
#[derive(Clone, Debug)]
pub struct Aligned<T> {
    values: Vec<T>,
    skip: usize,
    count: usize,
}

impl<T: Copy> Aligned<T> {
    /// `count` values that are all zero bytes, as the system gives them: not touched yet.
    pub fn zeroed(count: usize) -> Self
    where
        T: Default,
    {
        let align = if count * size_of::<T>() >= FROM_BYTES { HUGE_PAGE } else { LINE_BYTES };
        let most_skipped = align / size_of::<T>() - 1;
        let values = vec![T::default(); count + most_skipped];
        let skip = values.as_ptr().align_offset(align).min(most_skipped);
        advise(&values);
        Self { values, skip, count }
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.values[self.skip..self.skip + self.count]
    }
}

impl<T> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.skip..self.skip + self.count]
    }
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
