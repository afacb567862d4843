//! One pass over lengths: how many documents have each, and which are longer than a row. At the speed of memory.

use std::ops::Range;

use tokenfoundry_kernels::prefetch::prefetch;

/// A thread's share is at least this many documents.
const PARALLEL_FROM_DOCUMENTS: usize = 1 << 18;

/// Ranges of documents, one a thread: one only where they are too few to pay, or the histograms too large.
pub(crate) fn parts(documents: usize, longest: u32) -> Vec<Range<usize>> {
    let wanted = if longest > 1 << 18 { 1 } else { rayon::current_num_threads() };
    let parts = wanted.min(documents / PARALLEL_FROM_DOCUMENTS).max(1);
    (0..parts).map(|part| documents * part / parts..documents * (part + 1) / parts).collect()
}

/// Histograms that are counted side by side, so that equal lengths in a row do not wait for each other.
const LANES: usize = 4;

/// Lanes are worth their memory while all of them fit the nearest cache.
const MOST_CLASSES_IN_LANES: usize = 2200;

const CHUNK: usize = 1024;

/// A number of tokens up to a row's, in as few bytes as it needs.
pub(crate) trait Short: Copy + Default {
    fn of(length: u32) -> Self;
    fn get(self) -> u32;
}

impl Short for u16 {
    #[inline(always)]
    fn of(length: u32) -> Self {
        length as Self
    }

    #[inline(always)]
    fn get(self) -> u32 {
        u32::from(self)
    }
}

impl Short for u32 {
    #[inline(always)]
    fn of(length: u32) -> Self {
        length
    }

    #[inline(always)]
    fn get(self) -> u32 {
        self
    }
}

/// A length for each of some documents.
#[derive(Debug)]
pub(crate) enum ShortLengths {
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

/// How many documents have each length, 0 to `longest`. `last` is given a length for each document: its own, or, where it
/// is longer, what `long(first document, lengths, places, their own)` puts there, which is called with the places of such
/// documents, in order. Negative lengths are among them.
pub(crate) fn count<S: Short, E>(
    lengths: &[i64],
    documents: Range<usize>,
    longest: u32,
    last: &mut Vec<S>,
    mut long: impl FnMut(u32, &[i64], &[u16], &mut [S]) -> Result<(), E>,
) -> Result<Vec<u32>, E> {
    // The last class is that of all documents that do not fit.
    let classes = longest as usize + 2;
    let lanes = if classes <= MOST_CLASSES_IN_LANES { LANES } else { 1 };
    let mut counts = vec![0u32; classes * lanes];
    let mut places = [0u16; CHUNK];
    let mut own = [S::default(); CHUNK];
    for (number, chunk) in (0..).zip(lengths[documents.clone()].chunks(CHUNK)) {
        let behind = &lengths[(documents.start + (number + 1) * CHUNK).min(lengths.len())..];
        let own = &mut own[..chunk.len()];
        let found = match lanes {
            1 => count_chunk::<1, S>(chunk, behind, longest, &mut counts, &mut places, own),
            _ => count_chunk::<LANES, S>(chunk, behind, longest, &mut counts, &mut places, own),
        };
        long((documents.start + number * CHUNK) as u32, chunk, &places[..found], own)?;
        last.extend_from_slice(own);
    }
    let mut histogram: Vec<u32> = counts.chunks_exact(lanes).map(|lanes| lanes.iter().sum()).collect();
    histogram.pop();
    Ok(histogram)
}

/// Count at most a chunk of lengths; how many are too long, and their places.
#[inline(never)]
fn count_chunk<const LANES: usize, S: Short>(
    chunk: &[i64],
    behind: &[i64],
    longest: u32,
    counts: &mut [u32],
    places: &mut [u16; CHUNK],
    own: &mut [S],
) -> usize {
    let too_long = u64::from(longest) + 1;
    let mut found = 0;
    for (place, (&length, own)) in chunk.iter().zip(own).enumerate() {
        if place % 8 == 0 {
            prefetch(behind, place);
        }
        let class = (length as u64).min(too_long);
        counts[class as usize * LANES + place % LANES] += 1;
        *own = S::of(class as u32);
        // Written always and kept where it is long: a branch here would be guessed wrong for each long one.
        places[found % CHUNK] = place as u16;
        found += usize::from(class == too_long);
    }
    found
}
