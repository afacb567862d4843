//! From the hidden vector to labels: softmax, one-vs-all, or a binary tree of labels (hierarchical softmax).

use super::matrix::Matrix;

/// The original's logarithm, which is never of zero.
fn log(value: f32) -> f32 {
    (f64::from(value) + 1e-5).ln() as f32
}

/// The original's logistic function for one-vs-all: a table of 513 values.
fn table_sigmoid(value: f32) -> f32 {
    const MOST: f32 = 8.0;
    const STEPS: f32 = 512.0;
    if value < -MOST {
        return 0.0;
    }
    if value > MOST {
        return 1.0;
    }
    let step = ((value + MOST) * STEPS / MOST / 2.0) as i64;
    let middle = (step * 16) as f32 / STEPS - MOST;
    (1.0 / (1.0 + f64::from((-middle).exp()))) as f32
}

#[derive(Debug)]
pub enum Loss {
    Softmax,
    /// One-vs-all, and negative sampling.
    Binary,
    Tree(Vec<Node>),
}

#[derive(Clone, Copy, Debug)]
pub struct Node {
    children: Option<(u32, u32)>,
}

impl Loss {
    /// By the format's number: 1 hierarchical softmax, 2 negative sampling, 3 softmax, 4 one-vs-all.
    pub fn new(number: i32, counts: &[i64]) -> Option<Self> {
        match number {
            1 => Some(Loss::Tree(tree(counts))),
            2 | 4 => Some(Loss::Binary),
            3 => Some(Loss::Softmax),
            _ => None,
        }
    }

    /// The `most` best labels as (logarithm of probability, label), best first.
    pub fn best(
        &self,
        most: usize,
        output: &Matrix,
        hidden: &[f32],
        scores: &mut Vec<f32>,
        found: &mut Vec<(f32, u32)>,
    ) {
        found.clear();
        if let Loss::Tree(nodes) = self {
            descend(nodes, most, output, hidden, found);
        } else {
            scores.clear();
            scores.extend((0..output.rows).map(|row| output.dot(row, hidden)));
            match self {
                Loss::Binary => scores.iter_mut().for_each(|score| *score = table_sigmoid(*score)),
                _ => softmax(scores),
            }
            for (label, &probability) in scores.iter().enumerate() {
                offer(found, most, (log(probability), label as u32));
            }
        }
        found.sort_by(|left, right| right.0.total_cmp(&left.0));
    }
}

fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// Keep the best `most`: of equal ones the earlier.
fn offer(found: &mut Vec<(f32, u32)>, most: usize, one: (f32, u32)) {
    let place = found.partition_point(|other| other.0 >= one.0);
    if place < most {
        found.insert(place, one);
        found.truncate(most);
    }
}

/// Huffman's tree of labels by their counts, which come in falling order; built as the original builds it.
fn tree(counts: &[i64]) -> Vec<Node> {
    const ENDLESS: i64 = 1_000_000_000_000_000;
    let labels = counts.len();
    let mut weights = vec![ENDLESS; 2 * labels - 1];
    weights[..labels].copy_from_slice(counts);
    let mut nodes = vec![Node { children: None }; 2 * labels - 1];
    let (mut leaf, mut node) = (labels as i64 - 1, labels);
    for made in labels..2 * labels - 1 {
        let mut lightest = || {
            if leaf >= 0 && weights[leaf as usize] < weights[node] {
                leaf -= 1;
                (leaf + 1) as usize
            } else {
                node += 1;
                node - 1
            }
        };
        let (left, right) = (lightest(), lightest());
        nodes[made].children = Some((left as u32, right as u32));
        weights[made] = weights[left].saturating_add(weights[right]);
    }
    nodes
}

fn descend(nodes: &[Node], most: usize, output: &Matrix, hidden: &[f32], found: &mut Vec<(f32, u32)>) {
    let labels = nodes.len().div_ceil(2);
    let mut open = vec![(nodes.len() - 1, 0.0f32)];
    while let Some((node, score)) = open.pop() {
        if score < log(0.0) || (found.len() == most && found.last().is_some_and(|worst| score < worst.0)) {
            continue;
        }
        match nodes[node].children {
            None => offer(found, most, (score, node as u32)),
            Some((left, right)) => {
                let value = output.dot(node - labels, hidden);
                let taken = (1.0 / f64::from(1.0 + (-value).exp())) as f32;
                open.push((right as usize, score + log(taken)));
                open.push((left as usize, score + log((1.0 - f64::from(taken)) as f32)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_of_labels() {
        let nodes = tree(&[8, 4, 2, 1]);
        assert_eq!(nodes.len(), 7);
        let children: Vec<_> = nodes[4..].iter().map(|node| node.children).collect();
        assert_eq!(children, [Some((3, 2)), Some((4, 1)), Some((5, 0))]);
        assert_eq!(tree(&[5]).len(), 1);
    }

    #[test]
    fn the_best_of_equal_ones_is_the_earlier() {
        let mut found = Vec::new();
        for one in [(0.5, 3), (0.7, 4), (0.5, 5), (0.9, 6)] {
            offer(&mut found, 3, one);
        }
        assert_eq!(found, [(0.9, 6), (0.7, 4), (0.5, 3)]);
    }
}
