//! The part of a copy that is whole vectors at places for them: stores that go past the caches have to be aligned.

use super::scalar::Slot;

/// So many vectors to copy from `source`, anywhere, to `to`, which is aligned.
pub struct Aligned<V> {
    pub vectors: usize,
    pub source: *const V,
    pub to: *mut V,
}

/// Copy what lies before and behind the whole vectors of `out`, which is as long as `from`.
#[inline(always)]
pub fn aligned<S: Slot, V>(from: &[S], out: &mut [S]) -> Aligned<V> {
    let per_vector = size_of::<V>() / size_of::<S>();
    let before = out.as_ptr().align_offset(size_of::<V>()).min(out.len());
    let vectors = (out.len() - before) / per_vector;
    let behind = before + vectors * per_vector;
    out[..before].copy_from_slice(&from[..before]);
    out[behind..].copy_from_slice(&from[behind..]);
    Aligned { vectors, source: from[before..behind].as_ptr().cast(), to: out[before..behind].as_mut_ptr().cast() }
}
