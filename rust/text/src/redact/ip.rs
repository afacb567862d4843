//! IP addresses, version 4 (four decimal numbers) and 6, as `ipaddress` of Python reads them.
//!
//! Not taken: numbers of sections (four numbers below 32 but for a few resolvers: one public address in 3,500, but most
//! section and version numbers), version numbers (`version 1.2.3.4`, `v1.2.3.4`), longer dotted numbers (object ids), and by default
//! every address that is not public by the IANA registries.

use std::net::{Ipv4Addr, Ipv6Addr};

use memchr::memchr_iter;

use super::{Kind, Match, is_word};

pub fn find(text: &[u8], public_only: bool, found: &mut Vec<Match>) {
    version_4(text, public_only, found);
    version_6(text, public_only, found);
}

/// The longest run of bytes that `belongs` around `at`, not before `free`.
fn run(text: &[u8], free: usize, at: usize, belongs: impl Fn(u8) -> bool) -> (usize, usize) {
    let before = text[free..at].iter().rev().take_while(|&&byte| belongs(byte)).count();
    let after = text[at..].iter().take_while(|&&byte| belongs(byte)).count();
    (at - before, at + after)
}

fn version_4(text: &[u8], public_only: bool, found: &mut Vec<Match>) {
    let mut free = 0;
    for at in memchr_iter(b'.', text) {
        if at < free || at == 0 || !text[at - 1].is_ascii_digit() {
            continue;
        }
        let (start, end) = run(text, free, at, |byte| byte.is_ascii_digit() || byte == b'.');
        free = end;
        let dots = text[start..end].iter().rev().take_while(|&&byte| byte == b'.').count();
        let end = end - dots;
        let glued = start > 0 && (is_word(text[start - 1]) || text[start - 1] == b'-')
            || text.get(end).is_some_and(|&next| is_word(next))
            || text[start] == b'.';
        if !glued
            && end - start <= 15
            && let Some(address) = parse_4(&text[start..end])
            && (!public_only || is_public_4(address))
            && !is_section(address)
            && !is_version(text, start)
        {
            found.push(Match { start, end, kind: Kind::Ip });
        }
    }
}

fn parse_4(text: &[u8]) -> Option<Ipv4Addr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn is_section(address: Ipv4Addr) -> bool {
    const RESOLVERS: [[u8; 4]; 5] = [[1, 1, 1, 1], [1, 0, 0, 1], [8, 8, 8, 8], [8, 8, 4, 4], [9, 9, 9, 9]];
    let numbers = address.octets();
    numbers.iter().all(|&number| number < 32) && !RESOLVERS.contains(&numbers) && is_public_4(address)
}

/// Whether the word before is `version`, as in `Version 1.2.3.4` or `release: 1.2.3.4`.
fn is_version(text: &[u8], start: usize) -> bool {
    let before = &text[start.saturating_sub(24)..start];
    let word_end = before.iter().rposition(u8::is_ascii_alphabetic).map_or(0, |last| last + 1);
    let gap = &before[word_end..];
    let word_start = before[..word_end].iter().rposition(|byte| !byte.is_ascii_alphabetic()).map_or(0, |last| last + 1);
    let word = &before[word_start..word_end];
    gap.len() <= 3
        && gap.iter().all(|byte| b" :=\t\"".contains(byte))
        && [&b"version"[..], b"ver", b"v", b"release", b"rev", b"build", b"section", b"sec", b"chapter"]
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name))
}

fn is_public_4(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    let special = match (a, b, c) {
        (0 | 10 | 127, _, _) => true,
        (100, 64..=127, _) => true,
        (169, 254, _) | (192, 168, _) => true,
        (172, 16..=31, _) => true,
        (192, 0, 0) => !matches!(d, 9 | 10),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => true,
        (198, 18..=19, _) => true,
        (224..=255, _, _) => true,
        _ => false,
    };
    !special
}

fn version_6(text: &[u8], public_only: bool, found: &mut Vec<Match>) {
    let mut free = 0;
    for at in memchr_iter(b':', text) {
        if at < free {
            continue;
        }
        // Runs are short or not addresses; a long one is read once.
        let (start, end) = run(text, free, at, |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
        free = end;
        let glued = start > 0 && (is_word(text[start - 1]) || text[start - 1] == b'-')
            || text.get(end).is_some_and(|&next| is_word(next));
        if glued || end - start > 48 {
            continue;
        }
        let mut candidate = &text[start..end];
        // A full stop or colon of the sentence may follow.
        while let Some(shorter) = candidate.strip_suffix(b".") {
            candidate = shorter;
        }
        let address = parse_6(candidate).or_else(|| {
            candidate = candidate.strip_suffix(b":")?;
            parse_6(candidate)
        });
        if let Some(address) = address
            && candidate.iter().any(u8::is_ascii_digit)
            && if public_only { is_public_6(address) } else { candidate.len() > 3 }
        {
            found.push(Match { start, end: start + candidate.len(), kind: Kind::Ip });
        }
    }
}

fn parse_6(text: &[u8]) -> Option<Ipv6Addr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn is_public_6(address: Ipv6Addr) -> bool {
    let [a, b, c, ..] = address.segments();
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_4(inner);
    }
    // Everything public is in 2000::/3; taken out are protocol assignments, documentation and 6to4.
    let special = matches!((a, b), (0x2001, 0..0x200 | 0xDB8) | (0x2002, _) | (0x3FFF, 0..0x1000));
    let exceptions = a == 0x2001 && (matches!(b, 0x20..=0x3F) || b == 3 || (b == 4 && c == 0x112));
    a & 0xE000 == 0x2000 && (!special || exceptions)
}

#[cfg(test)]
mod tests {
    use super::super::{Options, find, found_by};
    use super::*;

    #[test]
    fn public_addresses_only() {
        for (text, expected) in [
            ("from 8.8.8.8, 203.0.114.7:80 and 1.1.1.1/24.", vec!["8.8.8.8", "203.0.114.7", "1.1.1.1"]),
            ("10.0.0.1 127.0.0.1 192.168.1.1 172.16.0.1 169.254.1.1 224.0.0.1 255.255.255.255", vec![]),
            (
                "1.2.3.4.5 v8.8.8.8 6.1.2.2 section 8.2.4.44 version 8.8.8.8 Version: 8.8.4.4 256.1.1.1 08.8.8.8 8.8.8",
                vec![],
            ),
            (
                "[2606:4700:4700::1111]:53 2a00:1450:4001:81b::200e. end",
                vec!["2606:4700:4700::1111", "2a00:1450:4001:81b::200e"],
            ),
            ("::1 fe80::1 fc00::1 2001:db8::1 std::vec abc::def 12:34:56 ::ffff:10.0.0.1", vec![]),
            ("::ffff:8.8.8.8 x", vec!["::ffff:8.8.8.8"]),
            ("2606:4700::1: said", vec!["2606:4700::1"]),
            ("„8.8.8.8“ 中文2606:4700::1中文", vec!["8.8.8.8", "2606:4700::1"]),
        ] {
            assert_eq!(found_by(Kind::Ip, text), expected, "{text}");
        }
    }

    #[test]
    fn private_ones_when_asked() {
        let options = Options { public_addresses_only: false };
        let text = b"10.0.0.1 fe80::1 std::vec";
        let found: Vec<&[u8]> = find(text, &[Kind::Ip], &options).iter().map(|one| &text[one.start..one.end]).collect();
        assert_eq!(found, [&b"10.0.0.1"[..], b"fe80::1"]);
    }
}
