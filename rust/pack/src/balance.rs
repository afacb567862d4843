//! Dealing costs to groups so that the dearest group is as cheap as can be: nobody waits.
//!
//! `largest_first` is LPT (Graham 1969): the dearest item to the cheapest group. `differencing` is Karmarkar and Karp's
//! (1982), which is closer: it keeps partial partitions and joins the two with the largest spread, large sets with
//! small ones. `exchange` swaps items of groups that were dealt. Costs are sums of `u64`, so results are the same everywhere.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// Whichever of the two is closer, and, where groups have equal counts, closer still by swaps: neither can make up for a
/// few very dear items with cheap ones when every group needs as many.
pub fn best(costs: &[u64], groups: usize, equal_counts: bool) -> Vec<u32> {
    let dearest = |group_of: &[u32]| {
        let mut sums = vec![0u64; groups];
        costs.iter().zip(group_of).for_each(|(cost, &group)| sums[group as usize] += cost);
        sums.into_iter().max()
    };
    let differenced = differencing(costs, groups, equal_counts);
    let greedy = largest_first(costs, groups, equal_counts);
    let mut group_of = if dearest(&greedy) < dearest(&differenced) { greedy } else { differenced };
    if equal_counts {
        exchange(costs, groups, &mut group_of);
    }
    group_of
}

/// Groups that are looked at for a swap with the dearest: the cheapest ones, and all others only where none of these will do.
const CHEAPEST: usize = 4;

/// So small a part of the mean is not worth another swap.
const CLOSE: u64 = 1 << 11;

/// Swap items of the dearest group for cheaper ones of another, as long as the dearer of the two becomes cheaper than
/// that and it is not close to the mean: at most eight swaps a group, each a look at all pairs of some groups.
pub fn exchange(costs: &[u64], groups: usize, group_of: &mut [u32]) {
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); groups];
    let mut sums = vec![0u64; groups];
    for (item, &group) in (0..).zip(group_of.iter()) {
        members[group as usize].push(item);
        sums[group as usize] += costs[item as usize];
    }
    let mean = sums.iter().sum::<u64>() / groups.max(1) as u64;
    let mut by_sum: BTreeSet<(u64, u32)> = sums.into_iter().zip(0..).collect();
    for _ in 0..8 * groups {
        let Some(&(most, dear)) = by_sum.last().filter(|dearest| dearest.0 > mean + mean / CLOSE) else { break };
        // What the dearer of the two costs then, the group's sum, and which of their members are swapped.
        let mut found: Option<(u64, (u64, u32), usize, usize)> = None;
        for (turn, &(sum, group)) in by_sum.iter().enumerate() {
            if turn >= CHEAPEST && found.is_some() || sum == most {
                break;
            }
            for (one, &item) in members[dear as usize].iter().enumerate() {
                for (other, &cheaper) in members[group as usize].iter().enumerate() {
                    let (cost, least) = (costs[item as usize], costs[cheaper as usize]);
                    if cost > least {
                        let dearer = (most - (cost - least)).max(sum + (cost - least));
                        if dearer < found.map_or(most, |found| found.0) {
                            found = Some((dearer, (sum, group), one, other));
                        }
                    }
                }
            }
        }
        let Some((_, (sum, group), one, other)) = found else { break };
        let (item, cheaper) = (members[dear as usize][one], members[group as usize][other]);
        let moved = costs[item as usize] - costs[cheaper as usize];
        members[dear as usize][one] = cheaper;
        members[group as usize][other] = item;
        by_sum.remove(&(most, dear));
        by_sum.remove(&(sum, group));
        by_sum.insert((most - moved, dear));
        by_sum.insert((sum + moved, group));
    }
    for (group, members) in (0..).zip(members) {
        members.into_iter().for_each(|item| group_of[item as usize] = group);
    }
}

/// The group of each item. With `equal_counts` groups have the same number of items, give or take one.
pub fn largest_first(costs: &[u64], groups: usize, equal_counts: bool) -> Vec<u32> {
    let mut group_of = vec![0u32; costs.len()];
    let (least, above) = (costs.len() / groups, costs.len() % groups);
    // Cost and number of items; groups that are full are not in the heap. How many may have one more is counted.
    let mut open: BinaryHeap<Reverse<(u64, u32)>> = (0..groups as u32).map(|group| Reverse((0, group))).collect();
    let mut counts = vec![0usize; groups];
    let mut above_left = above;
    let mut at_least: Vec<Reverse<(u64, u32)>> = Vec::new();
    for item in dearest_first(costs) {
        let Some(Reverse((cost, group))) = open.pop() else { break };
        group_of[item as usize] = group;
        counts[group as usize] += 1;
        let next = Reverse((cost + costs[item as usize], group));
        if !equal_counts || counts[group as usize] < least {
            open.push(next);
        } else if counts[group as usize] == least {
            // Takes one more if there are still some above.
            at_least.push(next);
            if above_left > 0 && open.is_empty() {
                open.extend(at_least.drain(..));
            }
        } else {
            above_left -= 1;
        }
        if equal_counts && open.is_empty() && above_left > 0 {
            open.extend(at_least.drain(..));
        }
    }
    group_of
}

fn dearest_first(costs: &[u64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..costs.len() as u32).collect();
    order.sort_by_key(|&item| (Reverse(costs[item as usize]), item));
    order
}

/// Sets of items with their sums, dearest first. What all sums have in common does not matter.
struct Partition {
    /// Sum and set; sets that are missing have sum 0 and nothing in them.
    sets: Vec<(u64, u32)>,
    /// The least of all sums.
    base: u64,
    spread: u64,
}

impl Partition {
    /// Of sets sorted by decreasing sum; `groups - sets.len()` more are empty.
    fn new(sets: Vec<(u64, u32)>, groups: usize) -> Self {
        let base = if sets.len() < groups { 0 } else { sets.last().map_or(0, |set| set.0) };
        let spread = sets.first().map_or(0, |set| set.0 - base);
        Self { sets, base, spread }
    }
}

/// Karmarkar and Karp's differencing. O((items + groups) log) for a fixed number of groups a join.
pub fn differencing(costs: &[u64], groups: usize, equal_counts: bool) -> Vec<u32> {
    let order = dearest_first(costs);
    // Sets are linked lists over items: heads and tails, joined in O(1).
    let mut lists = Lists { next: vec![u32::MAX; costs.len()], ends: Vec::new() };
    let mut partitions: BinaryHeap<(u64, Reverse<u32>)> = BinaryHeap::new();
    let mut store: Vec<Partition> = Vec::new();
    let mut add = |partition: Partition, store: &mut Vec<Partition>| {
        partitions.push((partition.spread, Reverse(store.len() as u32)));
        store.push(partition);
    };
    // With equal counts a partition begins with an item for every set; the last may have fewer.
    for items in order.chunks(if equal_counts { groups } else { 1 }) {
        let mut sets: Vec<(u64, u32)> = items.iter().map(|&item| (costs[item as usize], lists.of(item))).collect();
        sets.sort_unstable_by(|one, other| other.cmp(one));
        add(Partition::new(sets, groups), &mut store);
    }
    while let (Some((_, Reverse(one))), Some((_, Reverse(other)))) = (partitions.pop(), partitions.pop()) {
        let (one, other) = (take(&mut store[one as usize]), take(&mut store[other as usize]));
        let joined = join(one, other, groups, &mut lists);
        partitions.push((joined.spread, Reverse(store.len() as u32)));
        store.push(joined);
        if partitions.len() == 1 {
            break;
        }
    }
    let mut group_of = vec![0u32; costs.len()];
    if let Some(last) = store.last() {
        for (group, &(_, list)) in last.sets.iter().enumerate() {
            let mut item = lists.ends[list as usize].0;
            while item != u32::MAX {
                group_of[item as usize] = group as u32;
                item = lists.next[item as usize];
            }
        }
    }
    group_of
}

struct Lists {
    next: Vec<u32>,
    ends: Vec<(u32, u32)>,
}

impl Lists {
    fn of(&mut self, item: u32) -> u32 {
        self.ends.push((item, item));
        self.ends.len() as u32 - 1
    }

    fn join(&mut self, one: u32, other: u32) -> u32 {
        let (first, last) = self.ends[one as usize];
        let (second, end) = self.ends[other as usize];
        self.next[last as usize] = second;
        self.ends[one as usize] = (first, end);
        one
    }
}

fn take(partition: &mut Partition) -> Partition {
    std::mem::replace(partition, Partition { sets: Vec::new(), base: 0, spread: 0 })
}

/// The dearest set of one with the cheapest of the other, and so on.
fn join(mut one: Partition, mut other: Partition, groups: usize, lists: &mut Lists) -> Partition {
    if one.sets.len() < other.sets.len() {
        std::mem::swap(&mut one, &mut other);
    }
    // Of the larger partition only the sets that meet one of the smaller change: its last ones, counting empty ones.
    let (large, small) = (one.sets.len(), other.sets.len());
    let first_met = groups - small;
    let mut changed = Vec::with_capacity(small);
    for (turn, &(sum, list)) in other.sets.iter().enumerate() {
        let partner = groups - 1 - turn;
        let sum = sum - other.base;
        changed.push(if partner < large {
            let (partner_sum, partner_list) = one.sets[partner];
            (sum + partner_sum, lists.join(partner_list, list))
        } else {
            (sum, list)
        });
    }
    changed.sort_unstable_by(|one, other| other.cmp(one));
    let mut sets = one.sets;
    sets.truncate(first_met.min(large));
    insert(&mut sets, &changed);
    Partition::new(sets, groups)
}

/// Put some, sorted by decreasing sum, among others that are. From the back, and what lies between two of them is moved at
/// once: most joins are of a large partition with a small one.
fn insert(sets: &mut Vec<(u64, u32)>, some: &[(u64, u32)]) {
    let mut end = sets.len();
    sets.extend_from_slice(some);
    for (before, set) in some.iter().enumerate().rev() {
        let place = sets[..end].partition_point(|other| other > set);
        sets.copy_within(place..end, place + before + 1);
        sets[place + before] = *set;
        end = place;
    }
}
