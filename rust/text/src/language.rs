//! Language identification with py3langid's model (naive Bayes over byte n-grams that an automaton finds; Lui and
//! Baldwin 2012, "langid.py"): the same answers, without its loops over bytes in Python.
//!
//! The model's arrays come from its package; here they are only used. Cost: one table look-up a byte and one row of
//! additions a distinct n-gram. A text that is all capitals is read in small letters, and in the normal form C, as there.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The automaton and the table of a model.
#[derive(Debug)]
pub struct Model {
    /// The next state, by row of the present one and byte.
    next: Vec<u32>,
    /// Row of each state in `next`: equal rows are shared.
    row: Vec<u16>,
    /// The n-gram that ends in a state, or -1.
    output: Vec<i32>,
    /// A row of logarithms, one a class, for each n-gram; in fixed point, which halves what has to be loaded.
    weights: Vec<i16>,
    unit: f32,
    prior: Vec<f32>,
    /// The first class of the same name.
    first: Vec<u16>,
}

/// Memory that one thread reuses; all counts are zero between texts.
#[derive(Debug, Default)]
pub struct Scratch {
    counts: Vec<u32>,
    found: Vec<u32>,
    scores: Vec<f32>,
    text: String,
}

impl Model {
    /// `None` when the arrays do not fit each other.
    pub fn new(
        next: Vec<u32>,
        row: Vec<u16>,
        output: Vec<i32>,
        weights: Vec<f32>,
        prior: Vec<f32>,
        names: &[String],
    ) -> Option<Self> {
        let (states, classes) = (row.len(), prior.len());
        let features = weights.len().checked_div(classes)?;
        let fits = output.len() == states
            && names.len() == classes
            && features * classes == weights.len()
            && row.iter().all(|&row| (usize::from(row) + 1) * 256 <= next.len())
            && next.iter().all(|&state| (state as usize) < states)
            && weights.iter().all(|weight| weight.is_finite())
            && output.iter().all(|&feature| feature < features as i32)
            && states > 0;
        let first = names.iter().map(|name| names.iter().position(|other| other == name).unwrap_or(0) as u16).collect();
        let largest = weights.iter().fold(f32::MIN_POSITIVE, |most, weight| most.max(weight.abs()));
        // Half-precision numbers of the size of the largest ones are exact in this.
        let unit = (largest / f32::from(i16::MAX)).log2().ceil().exp2();
        let weights = weights.iter().map(|weight| (weight / unit).round() as i16).collect();
        fits.then_some(Self { next, row, output, weights, unit, prior, first })
    }

    /// The likeliest class and its probability; `None` when no n-gram of the text is known.
    pub fn classify(&self, text: &str, scratch: &mut Scratch) -> Option<(usize, f32)> {
        let text = prepared(text, &mut scratch.text);
        scratch.counts.resize(self.weights.len() / self.prior.len(), 0);
        scratch.found.clear();
        let mut state = 0usize;
        for &byte in text.as_bytes() {
            state = self.next[usize::from(self.row[state]) << 8 | usize::from(byte)] as usize;
            let feature = self.output[state];
            if feature >= 0 {
                let count = &mut scratch.counts[feature as usize];
                if *count == 0 {
                    scratch.found.push(feature as u32);
                }
                *count += 1;
            }
        }
        if scratch.found.is_empty() {
            return None;
        }
        let scores = &mut scratch.scores;
        scores.clear();
        scores.resize(self.prior.len(), 0.0);
        for &feature in &scratch.found {
            let feature = feature as usize;
            let factor = (std::mem::take(&mut scratch.counts[feature]) as f32).ln_1p() * self.unit;
            let weights = &self.weights[feature * scores.len()..][..scores.len()];
            scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += factor * f32::from(*weight));
        }
        // The softmax at a temperature of the root of the bytes, so that confidence does not grow with length alone.
        let factor = (1.0 / (text.len() as f64).sqrt()) as f32;
        scores.iter_mut().zip(&self.prior).for_each(|(score, prior)| *score = (*score + prior) * factor);
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for score in scores.iter_mut() {
            *score = (*score - most).exp();
            sum += *score;
        }
        for class in 0..scores.len() {
            let first = usize::from(self.first[class]);
            if first != class {
                scores[first] += std::mem::take(&mut scores[class]);
            }
        }
        let (best, score) = scores
            .iter()
            .enumerate()
            .fold((0, f32::NEG_INFINITY), |best, (class, &score)| if score > best.1 { (class, score) } else { best });
        Some((best, score / sum))
    }
}

/// In small letters if all are capitals, and in the normal form C.
fn prepared<'t>(text: &'t str, scratch: &'t mut String) -> &'t str {
    let lowered = is_upper(text).then(|| text.to_lowercase());
    let plain = lowered.as_deref().unwrap_or(text);
    if is_nfc_quick(plain.chars()) == IsNormalized::Yes {
        match lowered {
            None => return text,
            Some(lowered) => *scratch = lowered,
        }
    } else {
        let normal: String = plain.nfc().collect();
        *scratch = normal;
    }
    scratch
}

/// Python's `str.isupper`: there are letters with case, and all of them are capitals.
fn is_upper(text: &str) -> bool {
    let mut found = false;
    for character in text.chars() {
        if character.is_lowercase() {
            return false;
        }
        if character.is_uppercase() {
            found = true;
        } else if !character.is_ascii() && character.to_lowercase().next() != Some(character) {
            // A title-case digraph.
            return false;
        }
    }
    found
}

/// The first `most` characters.
pub fn head(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| String::from(*name)).collect()
    }

    #[test]
    fn a_model_of_two_letters() {
        // State 1 after "a", state 2 after "b"; "b" speaks for the second class, which the third repeats.
        let mut next = vec![0u32; 256];
        next[usize::from(b'a')] = 1;
        next[usize::from(b'b')] = 2;
        let weights = vec![0.0, -5.0, -5.0, -5.0, 0.0, 0.0];
        let classes = names(&["xx", "yy", "yy"]);
        let model = Model::new(next.clone(), vec![0; 3], vec![-1, 0, 1], weights.clone(), vec![0.0; 3], &classes)
            .expect("the arrays fit");
        let mut scratch = Scratch::default();
        assert_eq!(model.classify("aaab", &mut scratch).map(|(class, _)| class), Some(0));
        assert_eq!(model.classify("BBB", &mut scratch).map(|(class, _)| class), Some(1));
        assert_eq!(model.classify("?!", &mut scratch), None);
        assert_eq!(model.classify("", &mut scratch), None);
        assert!(Model::new(next, vec![0; 3], vec![-1, 0, 2], weights, vec![0.0; 3], &classes).is_none());
    }

    #[test]
    fn capitals_are_pythons() {
        assert!(is_upper("ÀB1") && !is_upper("Ab") && !is_upper("12") && !is_upper("A\u{1C5}"));
        assert_eq!(head("aé中😀", 3), "aé中");
    }
}
