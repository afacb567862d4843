//! How few rows any packing of these pieces could have: the largest of the sum bound, Martello and Toth's L2 ("Knapsack
//! Problems", 1990, section 8.4), and the count bound: a row has at most `k` pieces longer than a `k + 1`-th of it.
//! O(capacity).

/// The bound for `histogram[l]` pieces of `l` tokens, none longer than `capacity`.
pub fn lower_bound(histogram: &[u32], capacity: u32) -> u64 {
    let capacity = u64::from(capacity);
    // counts[l], sums[l]: pieces of at most l tokens, and their tokens.
    let mut counts: Vec<u64> = histogram.iter().map(|&count| u64::from(count)).collect();
    counts.resize(capacity as usize + 1, 0);
    let mut sums: Vec<u64> = counts.iter().zip(0u64..).map(|(count, length)| count * length).collect();
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
    for k in 1..=capacity {
        let longer = counts[all] - counts[(capacity / (k + 1)) as usize];
        best = best.max(longer.div_ceil(k));
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(lengths: &[usize]) -> u64 {
        let mut histogram = vec![0; 11];
        lengths.iter().for_each(|&length| histogram[length] += 1);
        lower_bound(&histogram, 10)
    }

    #[test]
    fn by_hand() {
        assert_eq!(bound(&[]), 0);
        assert_eq!(bound(&[10, 10, 1]), 3);
        // Three pieces over half a row need three rows though their sum would fit in two.
        assert_eq!(bound(&[6, 6, 6]), 3);
        assert_eq!(bound(&[6, 4, 6, 4]), 2);
        // Two of 4 leave room for 2: two a row, though by their sum five would need two rows.
        assert_eq!(bound(&[4, 4, 4, 4, 4]), 3);
        // Three of 3 a row: by the sum, and by halves, seven would fit in three.
        assert_eq!(bound(&[3; 10]), 4);
        // 4s fit beside the 6s, 5s do not.
        assert_eq!(bound(&[6, 6, 5, 5]), 3);
    }
}
