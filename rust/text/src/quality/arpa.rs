//! Back-off language models over words in ARPA's text format, as KenLM, SRILM and others write it, and KenLM's score.
//!
//! A text is scored line by line, each with its begin and end, and the perplexity is that of all words and line ends together, as CCNet
//! has it (Wenzek et al. 2020). Words are cut at white space; case and punctuation are the user's business, before.
//!
//! N-grams are 64-bit hashes of their words' numbers. Cost: about 100 ns a word.

use std::collections::HashMap;

use crate::table::{hash, mix};

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// log10 of the probability.
    probability: f32,
    backoff: f32,
}

#[derive(Debug)]
pub struct Model {
    order: usize,
    words: HashMap<Vec<u8>, u32>,
    ngrams: HashMap<u64, Entry>,
    unknown: u32,
    begin: u32,
    end: u32,
}

fn combine(ngram: u64, word: u32) -> u64 {
    mix(ngram, u64::from(word).wrapping_add(0x9E37_79B9_7F4A_7C15))
}

fn ngram_key(words: &[u32]) -> u64 {
    words.iter().fold(hash(&[words.len() as u8]), |key, &word| combine(key, word))
}

impl Model {
    /// Read a model; the error names the line.
    pub fn from_text(text: &[u8]) -> Result<Self, String> {
        let mut model = Self { order: 0, words: HashMap::new(), ngrams: HashMap::new(), unknown: 0, begin: 0, end: 0 };
        let mut section = 0usize;
        let mut finished = false;
        let mut ids = Vec::new();
        for (number, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line == b"\\data\\" || (section == 0 && line.starts_with(b"ngram ")) {
                continue;
            }
            if line == b"\\end\\" {
                finished = true;
                break;
            }
            if let Some(head) = line.strip_prefix(b"\\").and_then(|line| line.strip_suffix(b"-grams:")) {
                let order = std::str::from_utf8(head).ok().and_then(|head| head.parse::<usize>().ok());
                section = order.filter(|&order| order == section + 1 && order <= 16).ok_or_else(|| {
                    format!(
                        "line {}: {:?} is not the section that comes next",
                        number + 1,
                        String::from_utf8_lossy(line)
                    )
                })?;
                model.order = section;
                continue;
            }
            if section == 0 {
                return Err(format!("line {}: this is no ARPA file (it begins with \\data\\)", number + 1));
            }
            let wrong = || format!("line {}: not an n-gram of {section} words", number + 1);
            let mut fields = line.split(|byte| matches!(byte, b'\t' | b' ')).filter(|field| !field.is_empty());
            let float = |field: Option<&[u8]>| {
                field.and_then(|field| std::str::from_utf8(field).ok()).and_then(|field| field.parse::<f32>().ok())
            };
            let probability = float(fields.next()).ok_or_else(wrong)?;
            ids.clear();
            for _ in 0..section {
                let word = fields.next().ok_or_else(wrong)?;
                let next = model.words.len() as u32;
                let id = match model.words.get(word) {
                    Some(&id) => id,
                    None if section == 1 => {
                        model.words.insert(word.to_vec(), next);
                        next
                    }
                    None => return Err(format!("line {}: a word that is no 1-gram", number + 1)),
                };
                ids.push(id);
            }
            let backoff = match fields.next() {
                Some(field) => float(Some(field)).ok_or_else(wrong)?,
                None => 0.0,
            };
            model.ngrams.insert(ngram_key(&ids), Entry { probability, backoff });
        }
        if !finished {
            return Err(String::from("it does not end with \\end\\: it is cut short"));
        }
        let next = model.words.len() as u32;
        let special =
            |name: &[u8]| model.words.get(name).or_else(|| model.words.get(&name.to_ascii_uppercase())).copied();
        model.unknown = special(b"<unk>").unwrap_or(next);
        model.begin = special(b"<s>").ok_or("it has no word <s>")?;
        model.end = special(b"</s>").ok_or("it has no word </s>")?;
        Ok(model)
    }

    pub fn order(&self) -> usize {
        self.order
    }

    pub fn words(&self) -> usize {
        self.words.len()
    }

    pub fn ngrams(&self) -> usize {
        self.ngrams.len()
    }

    /// The log10 probability of `word` after `context`, of which the last `order - 1` words matter.
    fn score(&self, context: &[u32], word: u32) -> f32 {
        let mut score = 0.0;
        let mut ngram = context[context.len().saturating_sub(self.order - 1)..].to_vec();
        loop {
            ngram.push(word);
            if let Some(entry) = self.ngrams.get(&ngram_key(&ngram)) {
                return score + entry.probability;
            }
            ngram.pop();
            if ngram.is_empty() {
                // KenLM's probability of a word that the model cannot know.
                return score - 100.0;
            }
            score += self.ngrams.get(&ngram_key(&ngram)).map_or(0.0, |entry| entry.backoff);
            ngram.remove(0);
        }
    }

    /// log10 of the probability of one line, begin and end included, and its words with its end.
    pub fn line(&self, line: &[u8]) -> (f64, usize) {
        let mut context = vec![self.begin];
        let mut score = 0.0;
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | 0x0B | 0x0C | 0);
        for word in line.split(is_blank).filter(|word| !word.is_empty()) {
            let id = self.words.get(word).copied().unwrap_or(self.unknown);
            score += f64::from(self.score(&context, id));
            context.push(id);
        }
        score += f64::from(self.score(&context, self.end));
        (score, context.len())
    }

    /// The perplexity of a text by its lines that are not blank; infinite for a text without any.
    pub fn perplexity(&self, text: &[u8]) -> f64 {
        let (mut score, mut words) = (0.0, 0);
        for line in text.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            let (line_score, line_words) = self.line(line);
            score += line_score;
            words += line_words;
        }
        if words == 0 { f64::INFINITY } else { 10f64.powf(-score / words as f64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\\data\\\nngram 1=5\nngram 2=2\n\n\\1-grams:\n-1.0\t<unk>\n0\t<s>\t-0.5\n-0.7\t</s>\n-0.4\ta\t-0.3\n-0.6\tb\t-0.2\n\n\\2-grams:\n-0.1\t<s> a\n-0.2\ta b\n\n\\end\\\n";

    #[test]
    fn scores_by_hand() {
        let model = Model::from_text(SMALL.as_bytes()).expect("it is sound");
        // <s> a: -0.1; a b: -0.2; b </s>: -0.2 - 0.7.
        let (score, words) = model.line(b"a b");
        assert!((score + 1.2).abs() < 1e-6 && words == 3, "{score}");
        // <s> x: -0.5 - 1.0; <unk> </s>: -0.7.
        assert!((model.line(b"x").0 + 2.2).abs() < 1e-6);
        assert!((model.perplexity(b"a b\n\nx") - 10f64.powf(3.4 / 5.0)).abs() < 1e-4);
        assert_eq!(model.perplexity(b" \n"), f64::INFINITY);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, message) in [
            ("hello", "line 1"),
            ("\\data\\\n\\1-grams:\nx\ta\n", "line 3"),
            ("\\data\\\n\\2-grams:\n", "line 2"),
            (&SMALL[..SMALL.len() - 6], "cut short"),
        ] {
            let error = Model::from_text(text.as_bytes()).expect_err("it is damaged");
            assert!(error.contains(message), "{error}");
        }
    }
}
