//! The order of samples: a pure function of sources, weights, seed and the sample's number.

use tokenfoundry_base::stable_hash::mix64;

use crate::ShardError;
use crate::mixture::Mixture;
use crate::permutation::Permutation;

/// Where a sample lies: an item (a row, a window, a piece) of a source, in which pass through that source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub source: u32,
    pub epoch: u64,
    pub item: u64,
}

/// How sources take turns.
#[derive(Debug)]
enum Turns {
    /// By weights; each source begins anew when it is through.
    Mixed(Mixture),
    /// All sources are one: an epoch has each item of each once. First item of each source, and their number.
    Joined(Vec<u64>),
}

#[derive(Debug)]
pub struct Order {
    turns: Turns,
    sizes: Vec<u64>,
    seed: u64,
    shuffled: bool,
}

/// Permutations of the epochs that were asked for last; one a source.
#[derive(Debug, Default)]
pub struct Shuffles {
    of_source: Vec<Option<(u64, Permutation)>>,
}

impl Order {
    /// `sizes`: items of each source. `schedule`: weights by first sample, see [`Mixture`]; none joins the sources.
    pub fn new(
        sizes: Vec<u64>,
        schedule: Option<&[(u64, Vec<f64>)]>,
        seed: u64,
        shuffled: bool,
    ) -> Result<Self, ShardError> {
        let turns = match schedule {
            Some(schedule) => Turns::Mixed(Mixture::new(schedule)?),
            None => {
                let mut first = vec![0];
                let mut total = 0u64;
                for &size in &sizes {
                    total = total
                        .checked_add(size)
                        .filter(|&total| total <= 1 << 62)
                        .ok_or_else(|| ShardError("the sources have more than 2^62 items".to_owned()))?;
                    first.push(total);
                }
                Turns::Joined(first)
            }
        };
        Ok(Self { turns, sizes, seed, shuffled })
    }

    /// Items in an epoch over all sources, where there is such a thing: without weights, or with one source.
    pub fn epoch_size(&self) -> Option<u64> {
        match &self.turns {
            Turns::Joined(first) => first.last().copied(),
            Turns::Mixed(_) if self.sizes.len() == 1 => Some(self.sizes[0]),
            Turns::Mixed(_) => None,
        }
    }

    /// Items of each source.
    pub fn sizes(&self) -> &[u64] {
        &self.sizes
    }

    /// Items of each source before a sample. Joined and shuffled sources are counted from the epoch's begin.
    pub fn taken(&self, sample: u64) -> Vec<u64> {
        match &self.turns {
            Turns::Mixed(mixture) => mixture.taken(sample),
            Turns::Joined(_) => {
                let total = self.sizes.iter().sum::<u64>().max(1);
                let mut taken: Vec<u64> = self.sizes.iter().map(|size| size * (sample / total)).collect();
                let mut shuffles = Shuffles::default();
                for earlier in sample / total * total..sample {
                    taken[self.locate(earlier, &mut shuffles).source as usize] += 1;
                }
                taken
            }
        }
    }

    pub fn mixture(&self) -> Option<&Mixture> {
        match &self.turns {
            Turns::Mixed(mixture) => Some(mixture),
            Turns::Joined(_) => None,
        }
    }

    #[inline]
    pub fn locate(&self, sample: u64, shuffles: &mut Shuffles) -> Place {
        match &self.turns {
            Turns::Mixed(mixture) => {
                let (source, taken) = mixture.locate(sample);
                self.of_source(source, taken, shuffles)
            }
            Turns::Joined(first) => {
                let total = first[first.len() - 1].max(1);
                let (epoch, place) = (sample / total, sample % total);
                let item = self.shuffle(0, epoch, place, total, shuffles);
                let source = first.partition_point(|&begin| begin <= item) - 1;
                Place { source: source as u32, epoch, item: item - first[source] }
            }
        }
    }

    /// Call `take` for `count` samples from `first` on, in order.
    pub fn for_each(&self, first: u64, count: u64, mut take: impl FnMut(Place)) {
        let mut shuffles = Shuffles::default();
        match &self.turns {
            Turns::Mixed(mixture) => {
                mixture.for_each(first, count, |source, taken| take(self.of_source(source, taken, &mut shuffles)));
            }
            Turns::Joined(_) => {
                (first..first.saturating_add(count)).for_each(|sample| take(self.locate(sample, &mut shuffles)));
            }
        }
    }

    /// A source's item, so many of which were taken before.
    #[inline]
    fn of_source(&self, source: u32, taken: u64, shuffles: &mut Shuffles) -> Place {
        let size = self.sizes[source as usize].max(1);
        let (epoch, place) = if taken < size { (0, taken) } else { (taken / size, taken % size) };
        let item = self.shuffle(source, epoch, place, size, shuffles);
        Place { source, epoch, item }
    }

    #[inline]
    fn shuffle(&self, source: u32, epoch: u64, place: u64, size: u64, shuffles: &mut Shuffles) -> u64 {
        if !self.shuffled {
            return place;
        }
        let slot = source as usize;
        if shuffles.of_source.len() <= slot {
            shuffles.of_source.resize(self.sizes.len().max(slot + 1), None);
        }
        match &shuffles.of_source[slot] {
            Some((cached, permutation)) if *cached == epoch => permutation.apply(place),
            _ => {
                let key = mix64(mix64(self.seed ^ (u64::from(source) << 40)) ^ epoch);
                let permutation = Permutation::new(size, key);
                shuffles.of_source[slot] = Some((epoch, permutation));
                permutation.apply(place)
            }
        }
    }
}
