//! Asking for a cache line before it is needed. Nothing where the CPU has no such instruction.

/// Ask for the line that `item` starts in.
#[inline(always)]
pub fn prefetch_item<T>(item: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of a valid reference's address; it reads nothing and cannot fault.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(std::ptr::from_ref(item).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = item;
}

/// Ask for the line of `slice[index]`; an index out of range asks for nothing.
#[inline(always)]
pub fn prefetch<T>(slice: &[T], index: usize) {
    if let Some(item) = slice.get(index) {
        prefetch_item(item);
    }
}

/// The same for `slice[index]` that is to be written.
#[inline(always)]
pub fn prefetch_write<T>(slice: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = slice.get(index) {
        // SAFETY: as above; a CPU without this instruction takes it for none.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_ET0 }>(std::ptr::from_ref(item).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, index);
}

/// Ask for the line of `slice[index]` to come as far as the second-level cache: what is needed after a few kilobytes
/// more.
#[inline(always)]
pub fn prefetch_second_level<T>(slice: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = slice.get(index) {
        // SAFETY: as above.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(std::ptr::from_ref(item).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, index);
}

/// Ask for as many lines as `items` have, so many bytes behind them, to be written: a loop goes on there, or ends.
#[inline(always)]
pub fn prefetch_write_behind<T, const N: usize>(items: &[T; N], bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        let mut line = 0;
        while line < size_of::<[T; N]>() {
            let place = items.as_ptr().cast::<i8>().wrapping_add(bytes + line);
            // SAFETY: as above; of an address that is none of the process's it asks for nothing.
            unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_ET0 }>(place) };
            line += LINE_BYTES;
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, bytes);
}

pub const LINE_BYTES: usize = 64;

/// Ask for all lines of a slice that is read next: before what is at hand is worked on, so that both go on at once.
pub fn prefetch_all(bytes: &[u8]) {
    for line in (0..bytes.len()).step_by(LINE_BYTES) {
        prefetch(bytes, line);
    }
}
