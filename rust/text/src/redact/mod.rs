//! Finding what identifies a person or opens a door, and taking it out of the text.
//!
//! Each kind is one file: a cheap search for a byte that every such thing holds (`@`, `:`, a digit), then an exact
//! look at its surroundings, never further back than the last one. Matches do not overlap; where two kinds claim the
//! same bytes the one that starts first wins, then the longer. The values found are returned to nobody: only
//! counts are. Placeholders hold no match of any kind, so redacting twice changes nothing more.
//!
//! Text is bytes here: what is not UTF-8 passes through untouched. Cost: linear; see `docs/text.md` for MB/s and for
//! precision and recall.

mod email;
mod ip;

use std::borrow::Cow;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Email,
    Ip,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Email, Kind::Ip];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Email => "email",
            Kind::Ip => "ip",
        }
    }

    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What stands in the text instead.
    pub fn placeholder(self) -> &'static str {
        match self {
            Kind::Email => "<EMAIL_ADDRESS>",
            Kind::Ip => "<IP_ADDRESS>",
        }
    }

    fn find(self, text: &[u8], options: &Options, found: &mut Vec<Match>) {
        match self {
            Kind::Email => email::find(text, found),
            Kind::Ip => ip::find(text, options.public_addresses_only, found),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Leave private, loopback, documentation and multicast addresses alone: they identify nobody.
    pub public_addresses_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { public_addresses_only: true }
    }
}

/// Bytes `start..end` of the text are a `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

/// All matches of `kinds`, in order, none overlapping.
pub fn find(text: &[u8], kinds: &[Kind], options: &Options) -> Vec<Match> {
    let mut found = Vec::new();
    for kind in kinds {
        kind.find(text, options, &mut found);
    }
    found.sort_by_key(|one| (one.start, std::cmp::Reverse(one.end), one.kind));
    let mut end = 0;
    found.retain(|one| {
        let apart = one.start >= end;
        if apart {
            end = one.end;
        }
        apart
    });
    found
}

/// The text with every match's bytes replaced by what `instead` says; borrowed when there are no matches.
pub fn replace<'t>(
    text: &'t [u8],
    matches: &[Match],
    mut instead: impl FnMut(&Match, &[u8], &mut Vec<u8>),
) -> Cow<'t, [u8]> {
    if matches.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut replaced = Vec::with_capacity(text.len());
    let mut at = 0;
    for one in matches {
        replaced.extend_from_slice(&text[at..one.start]);
        instead(one, &text[one.start..one.end], &mut replaced);
        at = one.end;
    }
    replaced.extend_from_slice(&text[at..]);
    Cow::Owned(replaced)
}

/// Whether the byte belongs to an ASCII word: what may not stand next to a match.
#[inline]
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
pub(crate) fn found_by(kind: Kind, text: &str) -> Vec<&str> {
    find(text.as_bytes(), &[kind], &Options::default()).iter().map(|one| &text[one.start..one.end]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_no_matches() {
        for kind in Kind::ALL {
            for placeholder in Kind::ALL.map(Kind::placeholder) {
                assert!(found_by(kind, placeholder).is_empty());
                assert!(found_by(kind, &format!("a@b.co{placeholder}@x.org{placeholder}:1")).len() <= 2);
            }
        }
    }

    #[test]
    fn replacing_keeps_the_rest() {
        let text = b"mail \xFF ann@example.org from 8.8.8.8.";
        let matches = find(text, &Kind::ALL, &Options::default());
        let replaced =
            replace(text, &matches, |one, _, into| into.extend_from_slice(one.kind.placeholder().as_bytes()));
        assert_eq!(&replaced[..], b"mail \xFF <EMAIL_ADDRESS> from <IP_ADDRESS>.");
    }
}
