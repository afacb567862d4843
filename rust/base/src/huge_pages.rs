//! Asking for huge pages: fewer faults when a large buffer is first written, and fewer misses of the address cache after.
//!
//! For buffers of several megabytes that will be used as a whole; smaller ones are left alone. A hint that the system may
//! ignore.

use std::mem::MaybeUninit;

/// Buffers below this gain nothing.
pub const WORTH_BYTES: usize = 4 << 20;

/// Ask for huge pages for `buffer`.
pub fn ask<T: Copy>(buffer: &mut [T]) {
    ask_at(buffer.as_mut_ptr().cast::<u8>(), size_of_val(buffer));
}

fn ask_at(start: *mut u8, bytes: usize) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 4096;
        if bytes < WORTH_BYTES {
            return;
        }
        let start = start as usize;
        let first = start.next_multiple_of(PAGE);
        let end = (start + bytes) & !(PAGE - 1);
        if first < end {
            // SAFETY: the pages from `first` to `end` lie in the buffer, which the callers have borrowed for themselves alone; the advice changes
            // how they are backed and nothing of what they hold.
            unsafe {
                libc::madvise(first as *mut libc::c_void, end - first, libc::MADV_HUGEPAGE);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, bytes);
}

/// A vector with room for `capacity` values, on huge pages if that is worth it.
pub fn vec_with_capacity<T>(capacity: usize) -> Vec<T> {
    let mut vec = Vec::with_capacity(capacity);
    let room: &mut [MaybeUninit<T>] = vec.spare_capacity_mut();
    ask_at(room.as_mut_ptr().cast(), size_of_val(room));
    vec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_every_size_can_be_used() {
        for capacity in [0, 1, 1000, WORTH_BYTES, WORTH_BYTES * 3 + 5] {
            let mut vec: Vec<u8> = vec_with_capacity(capacity);
            vec.resize(capacity, 7);
            assert!(vec.iter().all(|&byte| byte == 7));
        }
    }
}
