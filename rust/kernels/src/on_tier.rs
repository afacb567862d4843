//! Compiling a caller's own loop for the tier that it will run on.
//!
//! A function with `#[target_feature]` inlines only into functions that have the same features, so a loop around a kernel
//! must be compiled with them too. [`on_tier`](crate::on_tier) calls one generic function inside a function with the features of
//! each tier; write that function `#[inline(always)]`.

/// Run [`Work::run`] with the [`Classifier`](crate::byte_classes::Classifier) of the current tier, compiled for it.
pub trait Work {
    type Output;
    fn run(self, classifier: impl crate::byte_classes::Classifier) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn run_avx2<W: Work>(work: W, classifier: crate::byte_classes::Avx2) -> W::Output {
    work.run(classifier)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2")]
fn run_avx512<W: Work>(work: W, classifier: crate::byte_classes::Avx512) -> W::Output {
    work.run(classifier)
}

/// `vector` on the current tier if it is one with vectors, else `scalar`.
#[inline]
pub fn on_tier<W: Work>(work: W, scalar: impl FnOnce(W) -> W::Output) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    {
        use crate::byte_classes::{Avx2, Avx512};
        use crate::tier::{Tier, current};
        match current() {
            Tier::Avx512 => {
                if let Some(classifier) = Avx512::new() {
                    // SAFETY: there is a classifier of this tier, so the CPU has the tier.
                    return unsafe { run_avx512(work, classifier) };
                }
            }
            Tier::Avx2 => {
                if let Some(classifier) = Avx2::new() {
                    // SAFETY: as above.
                    return unsafe { run_avx2(work, classifier) };
                }
            }
            Tier::Scalar => {}
        }
    }
    scalar(work)
}
