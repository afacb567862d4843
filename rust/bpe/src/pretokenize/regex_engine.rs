//! Patterns that no scanner knows, on a backtracking regex engine.
//!
//! Slow (tens of MB/s), and a pattern may be quadratic on hostile text: the engine's step limit turns that into an
//! error that names the pattern instead of a hang.

use fancy_regex::Regex;

use super::PatternError;

#[derive(Clone, Debug)]
pub struct RegexEngine(Regex);

impl RegexEngine {
    pub fn new(regex: &str) -> Result<Self, PatternError> {
        Regex::new(regex)
            .map(Self)
            .map_err(|error| PatternError(format!("pattern {regex:?} is not a regular expression: {error}")))
    }

    pub fn pieces(&self, text: &str, visit: &mut impl FnMut(usize, usize) -> bool) -> Result<(), PatternError> {
        let mut done = 0;
        for found in self.0.find_iter(text) {
            let found = found.map_err(|error| {
                PatternError(format!("pattern {:?} gave up after byte {done} of a text: {error}", self.0.as_str()))
            })?;
            if found.start() > done && !visit(done, found.start()) {
                return Ok(());
            }
            if found.end() > found.start() && !visit(found.start(), found.end()) {
                return Ok(());
            }
            done = found.end();
        }
        if done < text.len() {
            visit(done, text.len());
        }
        Ok(())
    }
}
