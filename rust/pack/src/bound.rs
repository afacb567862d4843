//! How few rows any packing of these pieces could have: the larger of the sum bound and Martello and Toth's L2
//! ("Knapsack Problems", 1990, section 8.4). O(pieces + capacity).

/// L2 for pieces of 1 to `capacity` tokens.
pub fn lower_bound(lengths: impl Iterator<Item = u32>, capacity: u32) -> u64 {
    let capacity = u64::from(capacity);
    let mut count = vec![0u64; capacity as usize + 1];
    for length in lengths {
        count[length as usize] += 1;
    }
    // counts[l], sums[l]: pieces of at most l tokens, and their tokens.
    let (mut counts, mut sums) = (count.clone(), count.iter().zip(0u64..).map(|(n, l)| n * l).collect::<Vec<_>>());
    for length in 1..=capacity as usize {
        counts[length] += counts[length - 1];
        sums[length] += sums[length - 1];
    }
    let half = capacity / 2;
    let all = capacity as usize;
    let mut best = sums[all].div_ceil(capacity);
    for k in 0..=half {
        // Over capacity - k: alone in a row as far as pieces of k or more go. Over half: one a row.
        let above = (capacity - k) as usize;
        let alone = counts[all] - counts[above];
        let large = counts[above] - counts[half as usize];
        let large_sum = sums[above] - sums[half as usize];
        let below_k = if k == 0 { 0 } else { k as usize - 1 };
        let medium_sum = sums[half as usize] - sums[below_k];
        let room = large * capacity - large_sum;
        best = best.max(alone + large + medium_sum.saturating_sub(room).div_ceil(capacity));
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(lower_bound([].into_iter(), 10), 0);
        assert_eq!(lower_bound([10, 10, 1].into_iter(), 10), 3);
        // Three pieces over half a row need three rows though their sum would fit in two.
        assert_eq!(lower_bound([6, 6, 6].into_iter(), 10), 3);
        assert_eq!(lower_bound([6, 4, 6, 4].into_iter(), 10), 2);
        // 4s fit beside the 6s, 5s do not.
        assert_eq!(lower_bound([6, 6, 5, 5].into_iter(), 10), 3);
    }
}
