//! Which instruction set the kernels use: what the CPU has, or less when `TOKENFOUNDRY_TIER` says so.
//!
//! One wheel serves every x86-64, so the choice is made at run time, once. Forcing a tier is for tests and for
//! measuring; asking for more than the CPU has gives what it has.

use std::sync::OnceLock;

/// Instruction sets, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Portable Rust: the definition that every other tier must equal.
    Scalar,
    /// x86-64-v3: AVX2, BMI1/2, LZCNT, POPCNT.
    Avx2,
    /// x86-64-v4 with VBMI and VBMI2 (Ice Lake, Zen 4 and later).
    Avx512,
}

impl Tier {
    pub const ALL: [Tier; 3] = [Tier::Scalar, Tier::Avx2, Tier::Avx512];

    pub fn name(self) -> &'static str {
        match self {
            Tier::Scalar => "scalar",
            Tier::Avx2 => "avx2",
            Tier::Avx512 => "avx512",
        }
    }

    fn from_name(name: &str) -> Option<Tier> {
        Tier::ALL.into_iter().find(|tier| tier.name() == name)
    }
}

/// The best tier of this CPU, whatever the environment says.
#[inline]
pub fn detected() -> Tier {
    static DETECTED: OnceLock<Tier> = OnceLock::new();
    *DETECTED.get_or_init(detect)
}

fn detect() -> Tier {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        let avx512 = avx2
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2");
        if avx512 {
            return Tier::Avx512;
        }
        if avx2 {
            return Tier::Avx2;
        }
    }
    Tier::Scalar
}

/// Every tier that runs on this CPU: what a differential test has to cover.
pub fn available() -> impl Iterator<Item = Tier> {
    let best = detected();
    Tier::ALL.into_iter().filter(move |tier| *tier <= best)
}

/// The tier that kernels use in this process.
#[inline]
pub fn current() -> Tier {
    static CURRENT: OnceLock<Tier> = OnceLock::new();
    *CURRENT.get_or_init(|| {
        let asked = std::env::var("TOKENFOUNDRY_TIER").ok().and_then(|name| Tier::from_name(name.trim()));
        asked.map_or(detected(), |asked| asked.min(detected()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_scalar_is_always_there() {
        for tier in Tier::ALL {
            assert_eq!(Tier::from_name(tier.name()), Some(tier));
        }
        assert_eq!(available().next(), Some(Tier::Scalar));
        assert!(current() <= detected());
    }
}
