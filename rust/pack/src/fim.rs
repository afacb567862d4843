//! Fill-in-the-middle on tokens: a document's middle moves behind its end, so that a model learns to fill gaps.
//!
//! Source: Bavarian et al., "Efficient Training of Language Models to Fill in the Middle" (2022). What is drawn for a
//! document depends on the seed, the epoch and the document's id alone, not on the order documents come in.

use tokenfoundry_base::stable_hash::mix64;

/// The tokens that mark the parts.
#[derive(Clone, Copy, Debug)]
pub struct Marks {
    pub prefix: u32,
    pub middle: u32,
    pub suffix: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub marks: Marks,
    /// Share of documents that are changed, and of these the share with the suffix first; in 2^-32.
    pub rate: u64,
    pub suffix_first_rate: u64,
    pub seed: u64,
}

/// Append a document, changed or as it is; whether it was changed. A changed one is three tokens longer.
pub fn fill_in_the_middle(tokens: &[u32], id: u64, options: &Options, out: &mut Vec<u32>) -> bool {
    let key = mix64(mix64(options.seed) ^ id);
    let draw = |number: u64| mix64(key.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    if tokens.is_empty() || draw(0) >> 32 >= options.rate {
        out.extend_from_slice(tokens);
        return false;
    }
    // Two cuts anywhere, also at the ends: parts may be empty.
    let below = |drawn: u64| ((u128::from(drawn) * (tokens.len() as u128 + 1)) >> 64) as usize;
    let (one, other) = (below(draw(1)), below(draw(2)));
    let (prefix, rest) = tokens.split_at(one.min(other));
    let (middle, suffix) = rest.split_at(one.max(other) - prefix.len());
    let Marks { prefix: before, middle: between, suffix: after } = options.marks;
    if draw(3) >> 32 < options.suffix_first_rate {
        out.extend_from_slice(&[before, after]);
        out.extend_from_slice(suffix);
        out.push(between);
        out.extend_from_slice(prefix);
    } else {
        out.push(before);
        out.extend_from_slice(prefix);
        out.push(after);
        out.extend_from_slice(suffix);
        out.push(between);
    }
    out.extend_from_slice(middle);
    true
}
