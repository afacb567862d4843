//! Finding what identifies a person or opens a door, and taking it out of the text.
//!
//! Each kind is one function: a cheap search for a byte that every such thing holds (`@`, `:`, a digit), then an exact
//! look at its surroundings, never further back than the last one. Matches do not overlap; where two kinds claim the
//! same bytes the one that starts first wins, then the longer. The values found are returned to nobody: only
//! counts are. Placeholders hold no match of any kind, so redacting twice changes nothing more.
//!
//! Text is bytes here: what is not UTF-8 passes through untouched. Cost: linear; see `docs/text.md` for MB/s and for
//! precision and recall.

mod credentials;
mod digits;
mod email;
mod ip;
mod secrets;

use std::borrow::Cow;

use siphasher::sip::SipHasher24;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Email,
    Ip,
    Phone,
    Iban,
    Card,
    /// A key of a well-known provider.
    Credential,
    /// A PEM or PGP private key block.
    PrivateKey,
    /// A JSON web token.
    Jwt,
    /// A random-looking value assigned to a name such as `password`.
    Secret,
}

impl Kind {
    pub const ALL: [Kind; 9] = [
        Kind::Email,
        Kind::Ip,
        Kind::Phone,
        Kind::Iban,
        Kind::Card,
        Kind::Credential,
        Kind::PrivateKey,
        Kind::Jwt,
        Kind::Secret,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Email => "email",
            Kind::Ip => "ip",
            Kind::Phone => "phone",
            Kind::Iban => "iban",
            Kind::Card => "card",
            Kind::Credential => "credential",
            Kind::PrivateKey => "private_key",
            Kind::Jwt => "jwt",
            Kind::Secret => "secret",
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
            Kind::Phone => "<PHONE_NUMBER>",
            Kind::Iban => "<IBAN>",
            Kind::Card => "<CARD_NUMBER>",
            Kind::Credential => "<CREDENTIAL>",
            Kind::PrivateKey => "<PRIVATE_KEY>",
            Kind::Jwt => "<JWT>",
            Kind::Secret => "<SECRET>",
        }
    }

    fn find(self, text: &[u8], options: &Options, found: &mut Vec<Match>) {
        match self {
            Kind::Email => email::find(text, found),
            Kind::Ip => ip::find(text, options.public_addresses_only, found),
            Kind::Phone => digits::phones(text, found),
            Kind::Iban => digits::ibans(text, found),
            Kind::Card => digits::cards(text, found),
            Kind::Credential => credentials::find(text, found),
            Kind::PrivateKey => secrets::private_keys(text, found),
            Kind::Jwt => secrets::web_tokens(text, found),
            Kind::Secret => secrets::assigned(text, found),
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

/// A placeholder that tells equal values from different ones to who holds the key: `<EMAIL_ADDRESS:kdbahpcmlogfniej>`.
///
/// Sixteen letters for the 64 bits of SipHash-2-4 under the key; letters, so that no placeholder is a number.
pub fn hashed_placeholder(kind: Kind, value: &[u8], key: &[u8; 16], into: &mut Vec<u8>) {
    let hash = SipHasher24::new_with_key(key).hash(value);
    let placeholder = kind.placeholder().as_bytes();
    into.extend_from_slice(&placeholder[..placeholder.len() - 1]);
    into.push(b':');
    into.extend((0..16).rev().map(|nibble| b'a' + (hash >> (4 * nibble) & 0xF) as u8));
    into.push(b'>');
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
