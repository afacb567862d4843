//! The definition. The lanes are written out so that the compiler makes vectors of them where the baseline has any (SSE2,
//! NEON).

const LANES: usize = 16;

#[inline(always)]
fn permuted(x: u16, y: u16, multiplier: u16) -> u32 {
    u32::from(multiplier.wrapping_mul(x).wrapping_add(y)) << 16 | u32::from(x)
}

#[inline(always)]
pub fn permute_min_halves(hashes: impl Iterator<Item = u32> + Clone, multipliers: &[u16], minima: &mut [u32]) {
    let (lanes, rest) = minima.as_chunks_mut::<LANES>();
    let (lane_multipliers, rest_multipliers) = multipliers.as_chunks::<LANES>();
    for (lanes, multipliers) in lanes.iter_mut().zip(lane_multipliers) {
        let mut least = *lanes;
        for hash in hashes.clone() {
            let (x, y) = (hash as u16, (hash >> 16) as u16);
            for lane in 0..LANES {
                least[lane] = least[lane].min(permuted(x, y, multipliers[lane]));
            }
        }
        *lanes = least;
    }
    for (minimum, &multiplier) in rest.iter_mut().zip(rest_multipliers) {
        for hash in hashes.clone() {
            *minimum = (*minimum).min(permuted(hash as u16, (hash >> 16) as u16, multiplier));
        }
    }
}
