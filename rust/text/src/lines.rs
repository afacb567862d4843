//! Dropping whole lines: C4's line rules, repeated lines, lines that are links or e-mail addresses only.
//!
//! For web text. Not for source code, where `}` says something each time. One pass a rule; order is that of the asked rules.

use crate::characters::{SPACE, characters, trim};
use crate::redact::{self, Kind};
use crate::seen::Seen;
use crate::signals::{c4, furniture::Cleared};
use crate::table::hash;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// C4's line rules; see [`c4`].
    C4,
    /// C4's line rules but for the punctuation at the end, as FineWeb uses them.
    C4WithoutPunctuation,
    /// RefinedWeb's line rules as DCLM's program applies them; see [`crate::signals::furniture`].
    Refinedweb,
    /// Lines that say again what an earlier line of the document said, blanks at their ends apart; blank lines stay.
    Repeated,
    /// Lines of links only.
    Url,
    /// Lines of e-mail addresses only.
    Email,
}

impl Rule {
    pub const ALL: [(&str, Rule); 6] = [
        ("c4", Rule::C4),
        ("c4_without_punctuation", Rule::C4WithoutPunctuation),
        ("refinedweb", Rule::Refinedweb),
        ("repeated", Rule::Repeated),
        ("url", Rule::Url),
        ("email", Rule::Email),
    ];

    pub fn from_name(name: &str) -> Option<Rule> {
        Rule::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, rule)| rule)
    }
}

/// Reasons for which lines go, the columns of [`Dropped`].
pub const REASONS: [&str; 9] = [
    "long_word",
    "no_terminal_punctuation",
    "few_words",
    "javascript",
    "policy",
    "repeated",
    "url",
    "email",
    "furniture",
];

/// Lines dropped, by reason.
pub type Dropped = [u64; REASONS.len()];

/// The text without the lines that `rules` drop, one rule after another.
pub fn drop_lines(text: &str, rules: &[Rule], seen: &mut Seen) -> (String, Dropped) {
    let mut dropped = Dropped::default();
    let mut kept = String::from(text);
    for rule in rules {
        match rule {
            Rule::C4 | Rule::C4WithoutPunctuation => {
                let options = c4::Options { terminal_punctuation: *rule == Rule::C4 };
                let (lines, counts) = c4::keep_lines(&kept, &options);
                kept = lines;
                dropped.iter_mut().zip(counts).for_each(|(all, new)| *all += new);
            }
            Rule::Repeated => {
                let newlines = memchr::memchr_iter(b'\n', kept.as_bytes()).count();
                seen.reset(newlines + 1);
                kept = filter(&kept, &mut dropped[5], |line| {
                    let line = trim(line);
                    line.is_empty() || !seen.insert(hash(line.as_bytes()))
                });
            }
            Rule::Refinedweb => {
                let cleared = Cleared::new(&kept);
                dropped[8] += cleared.dropped;
                let mut left = String::with_capacity(kept.len());
                for (index, line) in cleared.lines().enumerate() {
                    if index > 0 {
                        left.push('\n');
                    }
                    left.push_str(line);
                }
                kept = left;
            }
            Rule::Url => kept = filter(&kept, &mut dropped[6], |line| !all_chunks(line, is_link)),
            Rule::Email => kept = filter(&kept, &mut dropped[7], |line| !all_chunks(line, is_email)),
        }
    }
    (kept, dropped)
}

/// The lines (cut at `\n`) that `keeps` keeps.
fn filter(text: &str, dropped: &mut u64, mut keeps: impl FnMut(&str) -> bool) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if keeps(line.strip_suffix('\n').unwrap_or(line)) {
            kept.push_str(line);
        } else {
            *dropped += 1;
        }
    }
    kept
}

fn all_chunks(line: &str, is: impl Fn(&str) -> bool) -> bool {
    let table = characters();
    let mut chunks = line.split(|one| table.is(one, SPACE)).filter(|chunk| !chunk.is_empty()).peekable();
    chunks.peek().is_some() && chunks.all(is)
}

fn is_link(chunk: &str) -> bool {
    let chunk = chunk.trim_start_matches(['<', '(', '[']);
    ["http://", "https://", "ftp://", "www."]
        .iter()
        .any(|start| chunk.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
}

fn is_email(chunk: &str) -> bool {
    let bare = chunk.trim_matches(['<', '>', '(', ')', '[', ']', ',', ';', '.']);
    let found = redact::find(bare.as_bytes(), &[Kind::Email], &redact::Options::default());
    matches!(found.as_slice(), [one] if one.start == 0 && one.end == bare.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_and_are_counted() {
        let text = "Menu\nHome\n\nA text.\nMenu \nhttps://a.b <http://c.d>\nann@x.org, bob@y.de\nsee ann@x.org\n\nEnd";
        let rules = [Rule::Repeated, Rule::Url, Rule::Email];
        let (kept, dropped) = drop_lines(text, &rules, &mut Seen::default());
        assert_eq!(kept, "Menu\nHome\n\nA text.\nsee ann@x.org\n\nEnd");
        assert_eq!(dropped, [0, 0, 0, 0, 0, 1, 1, 1, 0]);
        let (_, dropped) = drop_lines("one\nA line that is kept.", &[Rule::C4], &mut Seen::default());
        assert_eq!(dropped[1], 1);
    }
}
