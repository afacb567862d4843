//! The loop that `avx2` and `avx512` share, as a macro: a function with `#[target_feature]` can be generic neither over its
//! features nor over what it calls.

/// A hash's halves as the vectors take them, so that each is broadcast from memory.
#[derive(Clone, Copy, Default)]
pub struct Doubled {
    /// x in both halves.
    x_twice: u32,
    /// y in the upper half.
    y_above: u32,
}

impl Doubled {
    #[inline(always)]
    pub fn hash(self) -> u32 {
        self.y_above | self.x_twice & 0xFFFF
    }

    #[inline(always)]
    pub fn x(self) -> i32 {
        self.x_twice as i32
    }

    #[inline(always)]
    pub fn y(self) -> i32 {
        self.y_above as i32
    }
}

/// Give `work` the hashes' low 32 bits so, some at a time.
#[inline(always)]
pub fn in_doubled_halves(hashes: &[u64], mut work: impl FnMut(&[Doubled])) {
    const SOME: usize = 128;
    let mut halves = [Doubled::default(); SOME];
    for hashes in hashes.chunks(SOME) {
        for (half, &hash) in halves.iter_mut().zip(hashes) {
            let hash = hash as u32;
            *half = Doubled { x_twice: (hash & 0xFFFF) * 0x1_0001, y_above: hash & 0xFFFF_0000 };
        }
        work(&halves[..hashes.len()]);
    }
}

/// `fn block<VECTORS>`: the minima of `VECTORS * $lanes` permutations, which stay in registers.
///
/// The 32-bit lane (1, a) times (x, x) is (x, a x), both in one 16-bit multiplication; adding (0, y) gives the permuted
/// hash. Three instructions a vector of permutations, whatever its width.
macro_rules! block {
    ($features:literal, $vector:ty, $lanes:ident, $set:ident, $multiply:ident, $add:ident, $min:ident, $load:ident, $store:ident) => {
        #[inline]
        #[target_feature(enable = $features)]
        fn block<const VECTORS: usize>(halves: &[Doubled], multipliers: &[u16], minima: &mut [u32]) {
            let mut factors = [$set(0); VECTORS];
            let mut least: [$vector; VECTORS] = factors;
            for vector in 0..VECTORS {
                let own: &[u16] = &multipliers[vector * $lanes..(vector + 1) * $lanes];
                let mut pairs = [1u32; $lanes];
                for (pair, &multiplier) in pairs.iter_mut().zip(own) {
                    *pair |= u32::from(multiplier) << 16;
                }
                let minima: &[u32] = &minima[vector * $lanes..(vector + 1) * $lanes];
                // SAFETY: both have as many u32 as the vector has lanes; loads need no alignment.
                unsafe {
                    factors[vector] = $load(pairs.as_ptr().cast());
                    least[vector] = $load(minima.as_ptr().cast());
                }
            }
            for half in halves {
                let (x, y) = ($set(half.x()), $set(half.y()));
                for vector in 0..VECTORS {
                    least[vector] = $min(least[vector], $add($multiply(x, factors[vector]), y));
                }
            }
            for (vector, value) in least.into_iter().enumerate() {
                let minima: &mut [u32] = &mut minima[vector * $lanes..(vector + 1) * $lanes];
                // SAFETY: `minima` has as many u32 as the vector has lanes; the store needs no alignment.
                unsafe { $store(minima.as_mut_ptr().cast(), value) };
            }
        }
    };
}
pub(super) use block;
