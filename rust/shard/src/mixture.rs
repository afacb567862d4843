//! Which source a sample comes from, and how many of that source came before it: in closed form, so that any sample can
//! be asked for, with weights that change during a run and no sample lost or repeated.
//!
//! Samples come in blocks of 65,536. In a block every source has a whole number of slots, as near to its weight as can
//! be, and slots are dealt in bit-reversed order (van der Corput), so that at every moment each source is within a few
//! samples of its share. A phase with other weights begins at any sample; what was taken before it is counted once.

use std::sync::OnceLock;

use crate::ShardError;

const BITS: u32 = 16;
pub const BLOCK: u64 = 1 << BITS;

/// One block of a phase: for each position its source, and how many of that source lie before it.
#[derive(Debug)]
struct Table {
    source: Vec<u32>,
    rank: Vec<u32>,
}

#[derive(Debug)]
struct Phase {
    start: u64,
    /// Slots a block.
    shares: Vec<u32>,
    /// Samples of each source before the phase.
    taken: Vec<u64>,
    table: OnceLock<Table>,
}

impl Phase {
    fn table(&self) -> &Table {
        self.table.get_or_init(|| {
            let mut owner = Vec::with_capacity(BLOCK as usize);
            for (source, &share) in (0..).zip(&self.shares) {
                owner.extend(std::iter::repeat_n(source, share as usize));
            }
            let mut counts = vec![0u32; self.shares.len()];
            let mut table = Table { source: Vec::with_capacity(owner.len()), rank: Vec::with_capacity(owner.len()) };
            for position in 0..BLOCK as u32 {
                let source: u32 = owner[(position.reverse_bits() >> (32 - BITS)) as usize];
                table.source.push(source);
                table.rank.push(counts[source as usize]);
                counts[source as usize] += 1;
            }
            table
        })
    }

    /// Samples of each source in the first `samples` of the phase, and before it.
    fn taken_after(&self, samples: u64) -> Vec<u64> {
        let (blocks, rest) = (samples / BLOCK, (samples % BLOCK) as usize);
        let mut taken: Vec<u64> =
            self.taken.iter().zip(&self.shares).map(|(taken, &share)| taken + blocks * u64::from(share)).collect();
        if rest > 0 {
            for &source in &self.table().source[..rest] {
                taken[source as usize] += 1;
            }
        }
        taken
    }
}

#[derive(Debug)]
pub struct Mixture {
    phases: Vec<Phase>,
}

impl Mixture {
    /// Phases by their first sample, the first at 0; a weight for each source in each. Weights are finite, not
    /// negative, and not all 0.
    pub fn new(schedule: &[(u64, Vec<f64>)]) -> Result<Self, ShardError> {
        let mut phases: Vec<Phase> = Vec::with_capacity(schedule.len());
        for (start, weights) in schedule {
            let taken = match phases.last() {
                None if *start == 0 => vec![0; weights.len()],
                Some(last) if *start > last.start && weights.len() == last.shares.len() => {
                    last.taken_after(start - last.start)
                }
                _ => {
                    return Err(ShardError(format!(
                        "the schedule's phase at sample {start} does not follow the others"
                    )));
                }
            };
            phases.push(Phase { start: *start, shares: shares(weights)?, taken, table: OnceLock::new() });
        }
        if phases.is_empty() {
            return Err(ShardError("the schedule has no phase".to_owned()));
        }
        Ok(Self { phases })
    }

    fn phase(&self, sample: u64) -> &Phase {
        &self.phases[self.phases.partition_point(|phase| phase.start <= sample).saturating_sub(1)]
    }

    /// The source of a sample, and how many of that source come before it.
    #[inline]
    pub fn locate(&self, sample: u64) -> (u32, u64) {
        let phase = if self.phases.len() == 1 { &self.phases[0] } else { self.phase(sample) };
        let (block, position) = ((sample - phase.start) / BLOCK, ((sample - phase.start) % BLOCK) as usize);
        let table = phase.table();
        let source = table.source[position];
        let before = phase.taken[source as usize] + block * u64::from(phase.shares[source as usize]);
        (source, before + u64::from(table.rank[position]))
    }

    /// Call `take(source, samples of it before)` for `count` samples from `first` on, in order: the same as of
    /// [`Mixture::locate`], with phase and block looked up once for many.
    #[inline(always)]
    pub fn for_each(&self, first: u64, count: u64, mut take: impl FnMut(u32, u64)) {
        let end = first.saturating_add(count);
        let mut at = first;
        while at < end {
            let number = self.phases.partition_point(|phase| phase.start <= at).saturating_sub(1);
            let phase = &self.phases[number];
            let (block, position) = ((at - phase.start) / BLOCK, ((at - phase.start) % BLOCK) as usize);
            let next_phase = self.phases.get(number + 1).map_or(u64::MAX, |next| next.start);
            let samples = (BLOCK - position as u64).min(next_phase - at).min(end - at);
            let table = phase.table();
            let positions = position..position + samples as usize;
            for (&source, &rank) in table.source[positions.clone()].iter().zip(&table.rank[positions]) {
                let before = phase.taken[source as usize] + block * u64::from(phase.shares[source as usize]);
                take(source, before + u64::from(rank));
            }
            at += samples;
        }
    }

    /// Samples of each source before a sample.
    pub fn taken(&self, sample: u64) -> Vec<u64> {
        let phase = self.phase(sample);
        phase.taken_after(sample - phase.start)
    }

    /// Slots of each source in a block of the phase that a sample is in.
    pub fn shares(&self, sample: u64) -> &[u32] {
        &self.phase(sample).shares
    }
}

/// Whole slots in proportion to weights, by largest remainder; a source with a weight has one at least.
fn shares(weights: &[f64]) -> Result<Vec<u32>, ShardError> {
    let total: f64 = weights.iter().sum();
    let positive = weights.iter().filter(|&&weight| weight > 0.0).count() as u64;
    if !weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0) || total <= 0.0 || !total.is_finite() {
        return Err(ShardError("weights must be finite, not negative, and not all zero".to_owned()));
    }
    if positive > BLOCK {
        return Err(ShardError(format!("{positive} sources have weights; {BLOCK} may")));
    }
    // One slot for each that has a weight, the others by weight.
    let exact: Vec<f64> = weights.iter().map(|weight| weight / total * BLOCK as f64).collect();
    let mut shares: Vec<u32> = exact.iter().map(|&slots| if slots > 0.0 { (slots as u32).max(1) } else { 0 }).collect();
    let mut given: i64 = shares.iter().map(|&share| i64::from(share)).sum();
    let mut order: Vec<usize> = (0..weights.len()).filter(|&source| shares[source] > 0).collect();
    // The most below its exact share first; ties in the order of sources.
    order.sort_by(|&one, &other| {
        let short = |source: usize| exact[source] - f64::from(shares[source]);
        short(other).total_cmp(&short(one)).then(one.cmp(&other))
    });
    let mut turn = 0;
    while given < BLOCK as i64 {
        shares[order[turn % order.len()]] += 1;
        given += 1;
        turn += 1;
    }
    // Too many only where many tiny weights were raised to one slot: taken back from the largest.
    while given > BLOCK as i64 {
        let Some(largest) = (0..shares.len()).max_by_key(|&source| shares[source]) else { break };
        shares[largest] -= 1;
        given -= 1;
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_whole_and_no_source_is_forgotten() {
        assert_eq!(shares(&[3.0, 1.0]).unwrap_or_default(), [49_152, 16_384]);
        let tiny = shares(&[1.0, 1e-12, 0.0]).unwrap_or_default();
        assert_eq!(tiny, [65_535, 1, 0]);
        let thirds = shares(&[1.0; 3]).unwrap_or_default();
        assert_eq!(thirds.iter().sum::<u32>(), 65_536);
        assert!(shares(&[0.0]).is_err() && shares(&[f64::NAN]).is_err() && shares(&[-1.0, 2.0]).is_err());
    }

    #[test]
    fn located_samples_are_counted_one_by_one_across_phases() {
        let schedule = [(0, vec![3.0, 1.0, 0.0]), (1000, vec![1.0, 1.0, 2.0]), (1001, vec![0.0, 0.0, 1.0])];
        let mixture = Mixture::new(&schedule).unwrap_or_else(|error| panic!("{error}"));
        let mut counts = [0u64; 3];
        for sample in 0..200_000 {
            if sample % 997 == 0 {
                assert_eq!(mixture.taken(sample), counts);
            }
            let (source, before) = mixture.locate(sample);
            assert_eq!(counts[source as usize], before);
            counts[source as usize] += 1;
        }
        for (first, count) in [(0, 3), (990, 70_000), (1000, 1), (65_530, 140_000), (7, 0)] {
            let mut found = Vec::new();
            mixture.for_each(first, count, |source, before| found.push((source, before)));
            assert_eq!(found, (first..first + count).map(|sample| mixture.locate(sample)).collect::<Vec<_>>());
        }
    }
}
