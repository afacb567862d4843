//! Hash tables whose buckets are cache lines, so that a look at a bucket is one wait for memory.
//!
//! The first words of a line's entries stand side by side, then their second words, and so on: what is compared is one vector.
//!
//! An entry of `N` words (2, 4 or 8, so 4, 2 or 1 in a line) may stand in either of two buckets, and pushes others on to
//! their second one where both are full (cuckoo hashing), so tables are dense: three quarters full, at four in a line,
//! before they grow. What comes early, which is what comes often, stands in its first bucket nearly always. Tables start
//! small so that a new tokenizer answers at once, and are bounded: at the bound what is new takes the place of another.

use tokenfoundry_kernels::packed_tokens::Line;
use tokenfoundry_kernels::{huge_pages::Aligned, prefetch::prefetch_item};

/// Words of a line.
const LINE: usize = size_of::<Line>() / size_of::<u64>();

/// Lines of a table, zeroed by the system and not touched.
#[derive(Clone, Debug)]
struct Lines(Aligned<u64>);

impl Lines {
    /// `count` is a power of two.
    fn new(count: usize) -> Self {
        assert!(count.is_power_of_two());
        Self(Aligned::zeroed(count * LINE))
    }

    fn count(&self) -> usize {
        self.0.len() / LINE
    }

    #[inline(always)]
    fn all(&self) -> &[Line] {
        self.0.as_chunks().0
    }

    fn get_mut(&mut self, bucket: usize) -> Option<&mut Line> {
        self.0.as_chunks_mut().0.get_mut(bucket)
    }
}

/// The number of a line in one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket(pub u32);

/// A table to look things up in: what a loop keeps in registers.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// A power of two of them.
    lines: &'a [Line],
    shift: u32,
}

impl<'a> View<'a> {
    /// What a hash is shifted by to be the number of its first bucket.
    #[inline(always)]
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// Where an entry of this hash stands, if not in its second bucket.
    #[inline(always)]
    pub fn first(&self, hash: u64) -> Bucket {
        Bucket((hash >> self.shift) as u32)
    }

    #[inline(always)]
    pub fn second(&self, hash: u64) -> Bucket {
        Bucket(((hash ^ hash >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> self.shift) as u32)
    }

    /// The entries of a bucket; of one of a larger table, those of some bucket.
    #[inline(always)]
    pub fn line(&self, Bucket(bucket): Bucket) -> &'a Line {
        // SAFETY: the number of lines is a power of two, so that less one it masks numbers that are less.
        unsafe { self.lines.get_unchecked(bucket as usize & (self.lines.len() - 1)) }
    }

    #[inline(always)]
    pub fn prefetch(&self, bucket: Bucket) {
        prefetch_item(self.line(bucket));
    }
}

/// The hash by which an entry is placed; all its high bits depend on all of the key.
type HashOf<const N: usize> = fn(&[u64; N]) -> u64;

/// See the module. An entry whose first word is zero is none.
#[derive(Clone, Debug)]
pub struct Sets<const N: usize> {
    lines: Lines,
    /// What is left of a hash after this shift is a bucket.
    shift: u32,
    used: usize,
    most_lines: usize,
    /// In a table that forgets each push is a wait for memory that only moves the loss to another entry.
    pushes_at_bound: usize,
    /// Takes turns among the entries of full buckets.
    turn: usize,
}

/// Entries that an insertion pushes on at most.
const PUSHES: usize = 32;

impl<const N: usize> Sets<N> {
    const WAYS: usize = LINE / N;
    /// Eighths of a table that are in use before it grows: two buckets of one entry fill to a half at most, of two to nine
    /// tenths, of four to all but a few in a hundred; and the fewer, the more stand in their first.
    const FULL: usize = match Self::WAYS {
        1 => 3,
        2 => 5,
        _ => 4,
    };

    /// Of so many entries at first and at most; powers of two, no fewer than two lines.
    pub fn new(first: usize, most: usize) -> Self {
        let lines = |entries: usize| (entries / Self::WAYS).next_power_of_two().clamp(2, 1 << 30);
        Self::of_lines(lines(first), lines(most.max(first)))
    }

    /// Of so many entries, a power of two, that are to find a place even where nearly all are taken.
    pub fn dense(entries: usize) -> Self {
        Self { pushes_at_bound: PUSHES, ..Self::new(entries, entries) }
    }

    fn of_lines(lines: usize, most_lines: usize) -> Self {
        Self {
            lines: Lines::new(lines),
            shift: 64 - lines.trailing_zeros(),
            used: 0,
            most_lines,
            pushes_at_bound: 1,
            turn: 0,
        }
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        self.used
    }

    fn is_full(&self) -> bool {
        self.used * 8 >= self.entries() * Self::FULL
    }

    fn entries(&self) -> usize {
        self.lines.count() * Self::WAYS
    }

    #[inline(always)]
    pub fn view(&self) -> View<'_> {
        View { lines: self.lines.all(), shift: self.shift }
    }

    /// The entry in one of the two buckets of `hash` that `is` the one.
    #[inline(always)]
    pub fn find(&self, hash: u64, is: impl Fn(&[u64; N]) -> bool) -> Option<[u64; N]> {
        let view = self.view();
        for bucket in [view.first(hash), view.second(hash)] {
            let line = view.line(bucket);
            for way in 0..Self::WAYS {
                let entry = Self::entry(line, way);
                if is(&entry) {
                    return Some(entry);
                }
            }
        }
        None
    }

    #[inline(always)]
    fn entry(line: &Line, way: usize) -> [u64; N] {
        let mut entry = [0; N];
        for word in 0..N {
            entry[word] = line[word * Self::WAYS + way];
        }
        entry
    }

    /// Put an entry, not yet there, where it belongs.
    pub fn insert(&mut self, entry: [u64; N], hash_of: HashOf<N>) {
        if self.is_full() {
            self.grow(hash_of);
        }
        if let Some(homeless) = self.push(entry, hash_of)
            && self.grow(hash_of)
        {
            // Among four times the buckets; if there is no place even there, it is forgotten.
            self.push(homeless, hash_of);
        }
    }

    /// Put an entry in one of its buckets, pushing on others; what has no place at last.
    fn push(&mut self, mut entry: [u64; N], hash_of: HashOf<N>) -> Option<[u64; N]> {
        let mut from = None;
        let is_bound = self.lines.count() == self.most_lines && self.is_full();
        for _ in 0..if is_bound { self.pushes_at_bound } else { PUSHES } {
            let hash = hash_of(&entry);
            let view = self.view();
            let buckets = [view.first(hash), view.second(hash)];
            if buckets.iter().any(|&bucket| self.put_if_room(bucket, entry)) {
                return None;
            }
            // Not back to where it was pushed from.
            let bucket = if from == Some(buckets[0]) { buckets[1] } else { buckets[0] };
            self.turn = self.turn.wrapping_add(1);
            entry = self.put(bucket, self.turn % Self::WAYS, entry);
            from = Some(bucket);
        }
        Some(entry)
    }

    /// `false` for a bucket that is full.
    #[inline(always)]
    fn put_if_room(&mut self, bucket: Bucket, entry: [u64; N]) -> bool {
        let way = self.view().line(bucket)[..Self::WAYS].iter().position(|&word| word == 0);
        if let Some(way) = way {
            self.put(bucket, way, entry);
            self.used += 1;
        }
        way.is_some()
    }

    /// Write an entry, and give the one that was there.
    fn put(&mut self, bucket: Bucket, way: usize, entry: [u64; N]) -> [u64; N] {
        let Some(line) = self.lines.get_mut(bucket.0 as usize) else { return entry };
        let mut before = [0; N];
        for word in 0..N {
            before[word] = std::mem::replace(&mut line[word * Self::WAYS + way], entry[word]);
        }
        before
    }

    /// `false` at the bound.
    #[cold]
    fn grow(&mut self, hash_of: HashOf<N>) -> bool {
        if self.lines.count() == self.most_lines {
            return false;
        }
        // Small tables fourfold: what is copied again and again is less.
        let factor = if self.lines.count() * size_of::<Line>() < QUICKLY_BELOW_BYTES { 4 } else { 2 };
        let mut larger = Self::of_lines((self.lines.count() * factor).min(self.most_lines), self.most_lines);
        // A bucket's number is the high bits of a hash: what stands in its first one goes to one of the next few, in turn, and
        // has room there. Few do not; they go back to their first if they can.
        let mut others = Vec::new();
        for (bucket, line) in self.lines.all().iter().enumerate() {
            for way in 0..Self::WAYS {
                let entry = Self::entry(line, way);
                if entry[0] == 0 {
                    continue;
                }
                let hash = hash_of(&entry);
                if self.view().first(hash).0 as usize == bucket {
                    larger.put_if_room(larger.view().first(hash), entry);
                } else {
                    others.push(entry);
                }
            }
        }
        for entry in others {
            larger.push(entry, hash_of);
        }
        *self = larger;
        true
    }
}

/// Tables smaller than this grow fourfold.
const QUICKLY_BELOW_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<const N: usize>(number: u64) -> [u64; N] {
        let mut entry = [number; N];
        entry[0] = number.wrapping_mul(0x2545_F491_4F6C_DD1D) | 1;
        entry
    }

    fn hash_of<const N: usize>(entry: &[u64; N]) -> u64 {
        entry[0].wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn found<const N: usize>(sets: &Sets<N>, wanted: u64) -> bool {
        let wanted = entry::<N>(wanted);
        sets.find(hash_of(&wanted), |entry| entry[0] == wanted[0]) == Some(wanted)
    }

    fn grows_without_loss<const N: usize>() {
        let mut sets = Sets::<N>::new(64, 1 << 20);
        for number in 0..20_000 {
            assert!(!found(&sets, number));
            sets.insert(entry(number), hash_of);
            assert!(found(&sets, number), "{number}");
        }
        let lost = (0..20_000).filter(|&number| !found(&sets, number)).count();
        assert_eq!(lost, 0);
        assert!(sets.entries() <= 20_000 * 16, "{} entries are dense", sets.entries());
    }

    #[test]
    fn tables_grow_without_loss() {
        grows_without_loss::<2>();
        grows_without_loss::<4>();
        grows_without_loss::<8>();
    }

    #[test]
    fn a_table_at_its_bound_takes_what_is_new() {
        let mut sets = Sets::<4>::new(64, 256);
        for number in 0..10_000 {
            sets.insert(entry(number), hash_of);
        }
        assert_eq!(sets.entries(), 256);
        let kept = (0..10_000).filter(|&number| found(&sets, number)).count();
        assert!((200..=256).contains(&kept), "{kept}");
    }

    #[test]
    fn entries_that_all_have_one_hash_do_no_harm() {
        let mut sets = Sets::<2>::new(64, 1 << 12);
        for number in 0..5_000 {
            sets.insert(entry(number), |_| 0x5DEE_CE66_D000_0000);
        }
        assert!(sets.entries() <= 1 << 12);
    }
}
