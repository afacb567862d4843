//! Presets: published thresholds as lists of rules, and the first rule that a document fails.
//!
//! A rule looks at one signal; a document is kept when it passes all rules of its preset.

use crate::signals::{Asked, Family, Reader, Scratch};

/// When a document is dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Dropped when the signal is below.
    AtLeast(f64),
    /// Dropped when the signal is above.
    AtMost(f64),
}

impl Limit {
    #[inline]
    fn holds(self, value: f64) -> bool {
        match self {
            AtLeast(least) => value >= least,
            AtMost(most) => value <= most,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The verdict: `gopher.too_few_words`.
    pub verdict: &'static str,
    pub family: Family,
    /// A name from [`Family::signals`].
    pub signal: &'static str,
    pub limit: Limit,
}

const fn gopher(verdict: &'static str, signal: &'static str, limit: Limit) -> Rule {
    Rule { verdict, family: Family::Gopher, signal, limit }
}

use Limit::{AtLeast, AtMost};

/// Rae et al. 2021, appendix A1.1, "Quality filtering".
const GOPHER_QUALITY: &[Rule] = &[
    gopher("gopher.too_few_words", "words", AtLeast(50.0)),
    gopher("gopher.too_many_words", "words", AtMost(100_000.0)),
    gopher("gopher.short_words", "mean_word_length", AtLeast(3.0)),
    gopher("gopher.long_words", "mean_word_length", AtMost(10.0)),
    gopher("gopher.too_many_hashes", "hash_ratio", AtMost(0.1)),
    gopher("gopher.too_many_ellipses", "ellipsis_ratio", AtMost(0.1)),
    gopher("gopher.too_many_bullet_lines", "bullet_lines", AtMost(0.9)),
    gopher("gopher.too_many_ellipsis_lines", "ellipsis_lines", AtMost(0.3)),
    gopher("gopher.too_few_alphabetic_words", "alphabetic_words", AtLeast(0.8)),
    gopher("gopher.too_few_stop_words", "stop_words", AtLeast(2.0)),
];

/// Rae et al. 2021, table A1, "Repetition removal".
const GOPHER_REPETITION: &[Rule] = &[
    gopher("gopher.empty", "characters", AtLeast(1.0)),
    gopher("gopher.duplicate_paragraphs", "duplicate_paragraphs", AtMost(0.3)),
    gopher("gopher.duplicate_paragraph_characters", "duplicate_paragraph_characters", AtMost(0.2)),
    gopher("gopher.duplicate_lines", "duplicate_lines", AtMost(0.3)),
    gopher("gopher.duplicate_line_characters", "duplicate_line_characters", AtMost(0.2)),
    gopher("gopher.top_2_gram", "top_2_gram", AtMost(0.2)),
    gopher("gopher.top_3_gram", "top_3_gram", AtMost(0.18)),
    gopher("gopher.top_4_gram", "top_4_gram", AtMost(0.16)),
    gopher("gopher.duplicate_5_grams", "duplicate_5_grams", AtMost(0.15)),
    gopher("gopher.duplicate_6_grams", "duplicate_6_grams", AtMost(0.14)),
    gopher("gopher.duplicate_7_grams", "duplicate_7_grams", AtMost(0.13)),
    gopher("gopher.duplicate_8_grams", "duplicate_8_grams", AtMost(0.12)),
    gopher("gopher.duplicate_9_grams", "duplicate_9_grams", AtMost(0.11)),
    gopher("gopher.duplicate_10_grams", "duplicate_10_grams", AtMost(0.10)),
];

const fn c4(verdict: &'static str, signal: &'static str, limit: Limit) -> Rule {
    Rule { verdict, family: Family::C4, signal, limit }
}

/// Raffel et al. 2020, section 2.2, on the lines that its line rules keep.
const C4: &[Rule] = &[
    c4("c4.lorem_ipsum", "lorem_ipsum", AtMost(0.0)),
    c4("c4.curly_bracket", "curly_bracket", AtMost(0.0)),
    c4("c4.too_few_sentences", "sentences", AtLeast(5.0)),
];

const fn fineweb(verdict: &'static str, signal: &'static str, limit: Limit) -> Rule {
    Rule { verdict, family: Family::Fineweb, signal, limit }
}

/// Penedo et al. 2024, section 3.6: FineWeb's own rules, which come after Gopher's and C4's in its pipeline.
const FINEWEB: &[Rule] = &[
    fineweb("fineweb.empty", "lines", AtLeast(1.0)),
    fineweb("fineweb.unpunctuated_lines", "punctuated_lines", AtLeast(0.12)),
    fineweb("fineweb.short_lines", "short_lines", AtMost(0.67)),
    fineweb("fineweb.duplicate_line_characters", "duplicate_line_characters", AtMost(0.01)),
    fineweb("fineweb.list", "newlines_per_word", AtMost(0.3)),
];

const fn dclm(verdict: &'static str, signal: &'static str, limit: Limit) -> Rule {
    Rule { verdict, family: Family::Dclm, signal, limit }
}

/// Li et al. 2024, "DataComp-LM": the text rules of its published `dclm_baseline_refinedweb` configuration, in its order.
const DCLM: &[Rule] = &[
    dclm("dclm.too_few_words", "words", AtLeast(50.0)),
    dclm("dclm.too_many_words", "words", AtMost(100_000.0)),
    dclm("dclm.short_words", "mean_word_length", AtLeast(3.0)),
    dclm("dclm.long_words", "mean_word_length", AtMost(10.0)),
    dclm("dclm.too_many_symbols", "symbol_ratio", AtMost(0.1)),
    dclm("dclm.too_many_bullet_lines", "bullet_lines", AtMost(0.9)),
    dclm("dclm.too_many_ellipsis_lines", "ellipsis_lines", AtMost(0.3)),
    dclm("dclm.too_few_alphabetic_words", "symbolic_words", AtMost(0.2)),
    dclm("dclm.too_few_stop_words", "stop_words", AtLeast(2.0)),
    dclm("dclm.duplicate_lines", "duplicate_lines", AtMost(0.3)),
    dclm("dclm.duplicate_paragraphs", "duplicate_paragraphs", AtMost(0.3)),
    dclm("dclm.duplicate_line_characters", "duplicate_line_characters", AtMost(0.2)),
    dclm("dclm.duplicate_paragraph_characters", "duplicate_paragraph_characters", AtMost(0.2)),
    dclm("dclm.top_2_gram", "top_2_gram", AtMost(0.2)),
    dclm("dclm.top_3_gram", "top_3_gram", AtMost(0.18)),
    dclm("dclm.top_4_gram", "top_4_gram", AtMost(0.16)),
    dclm("dclm.duplicate_5_grams", "duplicate_5_grams", AtMost(0.15)),
    dclm("dclm.duplicate_6_grams", "duplicate_6_grams", AtMost(0.14)),
    dclm("dclm.duplicate_7_grams", "duplicate_7_grams", AtMost(0.13)),
    dclm("dclm.duplicate_8_grams", "duplicate_8_grams", AtMost(0.12)),
    dclm("dclm.duplicate_9_grams", "duplicate_9_grams", AtMost(0.11)),
    dclm("dclm.duplicate_10_grams", "duplicate_10_grams", AtMost(0.10)),
    dclm("dclm.removed_words", "removed_words", AtMost(0.05)),
];

const fn dolma(verdict: &'static str, signal: &'static str, limit: Limit) -> Rule {
    Rule { verdict, family: Family::Dolma, signal, limit }
}

/// Soldaini et al. 2024, "Dolma": "Gopher All" for web pages, with the thresholds and in the order of its published mix.
const DOLMA: &[Rule] = &[
    dolma("dolma.too_few_words", "words", AtLeast(50.0)),
    dolma("dolma.too_many_words", "words", AtMost(100_000.0)),
    dolma("dolma.short_words", "median_word_length", AtLeast(3.0)),
    dolma("dolma.long_words", "median_word_length", AtMost(10.0)),
    dolma("dolma.too_many_symbols", "symbol_words", AtMost(0.1)),
    dolma("dolma.too_few_alphabetic_words", "alphabetic_words", AtLeast(0.8)),
    dolma("dolma.too_few_stop_words", "stop_words", AtLeast(2.0)),
    dolma("dolma.too_many_bullet_lines", "bullet_lines", AtMost(0.9)),
    dolma("dolma.too_many_ellipsis_lines", "ellipsis_lines", AtMost(0.3)),
    dolma("dolma.duplicate_lines", "duplicate_lines", AtMost(0.3)),
    dolma("dolma.duplicate_line_characters", "duplicate_line_characters", AtMost(0.3)),
    dolma("dolma.top_2_gram", "top_2_gram", AtMost(0.2)),
    dolma("dolma.top_3_gram", "top_3_gram", AtMost(0.18)),
    dolma("dolma.top_4_gram", "top_4_gram", AtMost(0.16)),
    dolma("dolma.duplicate_5_grams", "duplicate_5_grams", AtMost(0.15)),
    dolma("dolma.duplicate_6_grams", "duplicate_6_grams", AtMost(0.14)),
    dolma("dolma.duplicate_7_grams", "duplicate_7_grams", AtMost(0.13)),
    dolma("dolma.duplicate_8_grams", "duplicate_8_grams", AtMost(0.12)),
    dolma("dolma.duplicate_9_grams", "duplicate_9_grams", AtMost(0.11)),
    dolma("dolma.duplicate_10_grams", "duplicate_10_grams", AtMost(0.10)),
];

/// Names of the presets and the lists of rules they join.
pub const PRESETS: &[(&str, &[&[Rule]])] = &[
    ("gopher", &[GOPHER_QUALITY, GOPHER_REPETITION]),
    ("gopher_quality", &[GOPHER_QUALITY]),
    ("gopher_repetition", &[GOPHER_REPETITION]),
    ("c4", &[C4]),
    ("fineweb", &[FINEWEB]),
    ("dclm", &[DCLM]),
    ("dolma", &[DOLMA]),
];

/// Presets made ready: their rules, the signals they need, and where in the values each rule looks.
#[derive(Clone, Debug)]
pub struct Preset {
    pub rules: Vec<Rule>,
    places: Vec<Place>,
    width: usize,
}

/// Where a rule's value is found.
#[derive(Clone, Copy, Debug)]
struct Place {
    family: Family,
    /// Where the family's values begin.
    start: usize,
    /// The signal, by its number in the family.
    signal: usize,
    /// What to measure where it is not there yet: itself, and what comes with it and is needed later.
    asked: Asked,
}

impl Preset {
    /// The preset of this name, `None` when there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::from_names(&[name])
    }

    /// Several presets, asked one after another; `None` when one does not exist.
    pub fn from_names<S: AsRef<str>>(names: &[S]) -> Option<Self> {
        let mut rules: Vec<Rule> = Vec::new();
        for name in names {
            let (_, lists) = PRESETS.iter().find(|(known, _)| *known == name.as_ref())?;
            rules.extend(lists.iter().flat_map(|list| list.iter().copied()));
        }
        let mut needed: Vec<(Family, usize, Asked)> = Vec::new();
        let mut width = 0;
        for rule in &rules {
            let signal = rule.family.signals().iter().position(|&signal| signal == rule.signal)?;
            match needed.iter_mut().find(|(family, ..)| *family == rule.family) {
                Some((.., asked)) => *asked |= 1 << signal,
                None => {
                    needed.push((rule.family, width, 1 << signal));
                    width += rule.family.signals().len();
                }
            }
        }
        let place = |rule: &Rule| {
            let &(family, start, all) = needed.iter().find(|(family, ..)| *family == rule.family)?;
            let signal = family.signals().iter().position(|&signal| signal == rule.signal)?;
            Some(Place { family, start, signal, asked: family.together(signal) & all })
        };
        let places = rules.iter().map(place).collect::<Option<Vec<Place>>>()?;
        Some(Self { rules, places, width })
    }

    /// The first rule that `text` fails, as its index in [`Preset::rules`], and the value it failed with.
    ///
    /// Signals are measured when the first rule asks for them, so a document that goes early costs little.
    pub fn judge(&self, text: &str, scratch: &mut Scratch, values: &mut Vec<f64>) -> Option<(usize, f64)> {
        values.clear();
        values.resize(self.width, f64::NAN);
        let mut reader = Reader::new(text, scratch);
        // No signal is NaN: ratios of nothing are 0.
        for (index, (rule, place)) in self.rules.iter().zip(&self.places).enumerate() {
            let column = place.start + place.signal;
            if values[column].is_nan() {
                let end = place.start + place.family.signals().len();
                reader.measure(place.family, place.asked, &mut values[place.start..end]);
            }
            if !rule.limit.holds(values[column]) {
                return Some((index, values[column]));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_names_signals_that_exist() {
        for (name, _) in PRESETS {
            assert!(Preset::from_name(name).is_some(), "{name}");
        }
        assert!(Preset::from_name("gopher2").is_none());
    }

    #[test]
    fn the_first_failing_rule_and_its_value() {
        let preset = Preset::from_name("gopher").expect("gopher is a preset");
        let (mut scratch, mut values) = (Scratch::default(), Vec::new());
        let mut judge = |text: &str| {
            preset.judge(text, &mut scratch, &mut values).map(|(rule, value)| (preset.rules[rule].verdict, value))
        };
        assert_eq!(judge("too short to be kept"), Some(("gopher.too_few_words", 5.0)));
        assert_eq!(judge(&"the same thing of it\n".repeat(40)), Some(("gopher.duplicate_lines", 39.0 / 41.0)));
        let prose: String = (0..60).map(|number| format!("the word{number} of text{number} ")).collect();
        assert_eq!(judge(&prose), None);
    }
}
