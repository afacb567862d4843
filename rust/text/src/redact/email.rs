//! E-mail addresses: ASCII, with a domain that has a dot and ends in letters (RFC 5321 without quoting and literals).
//!
//! Left alone, because they are code and no addresses: a last label that is a file ending (`icon@2x.png`), and a name that
//! is called (`x@w.mean()`).

use memchr::memchr_iter;

use super::{Kind, Match, is_word};

const MOST_LOCAL_BYTES: usize = 64;
const MOST_DOMAIN_BYTES: usize = 253;
const MOST_LABEL_BYTES: usize = 63;

const FILE_ENDINGS: &[&[u8]] = &[
    b"bmp", b"css", b"gif", b"htm", b"html", b"ico", b"jpeg", b"jpg", b"json", b"jsx", b"js", b"pdf", b"php", b"png",
    b"svg", b"webp", b"xml",
];

pub fn find(text: &[u8], found: &mut Vec<Match>) {
    let mut free = 0;
    for at in memchr_iter(b'@', text) {
        if at < free {
            continue;
        }
        if let Some(end) = domain_end(text, at + 1)
            && let Some(start) = local_start(text, free, at)
        {
            found.push(Match { start, end, kind: Kind::Email });
            free = end;
        }
    }
}

#[inline]
fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte)
}

/// Where the local part before the `@` begins; it begins and ends with a letter, a digit or `_`.
fn local_start(text: &[u8], free: usize, at: usize) -> Option<usize> {
    if at == free || !(is_word(text[at - 1]) || b"-+".contains(&text[at - 1])) {
        return None;
    }
    let floor = free.max(at.saturating_sub(MOST_LOCAL_BYTES + 1));
    let mut start = at;
    while start > floor && is_local(text[start - 1]) {
        if text[start - 1] == b'.' && text[start] == b'.' {
            break;
        }
        start -= 1;
    }
    while start < at && !is_word(text[start]) {
        start += 1;
    }
    let fits = start < at && at - start <= MOST_LOCAL_BYTES;
    // What is glued to other letters (`日本a@b.co` in text without spaces) is still an address.
    fits.then_some(start)
}

/// Where the domain after the `@` ends, if it is one.
fn domain_end(text: &[u8], start: usize) -> Option<usize> {
    let rest = &text[start..text.len().min(start + MOST_DOMAIN_BYTES + 1)];
    let mut end = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')).count();
    if end > MOST_DOMAIN_BYTES {
        return None;
    }
    while end > 0 && matches!(rest[end - 1], b'.' | b'-') {
        end -= 1;
    }
    let domain = &rest[..end];
    // "a@b.org..." and "a@b.org.-x": the domain stops where a label is empty.
    let domain = match memchr::memmem::find(domain, b"..") {
        Some(stop) => &domain[..stop],
        None => domain,
    };
    let mut labels = 0;
    let mut last: &[u8] = b"";
    for label in domain.split(|&byte| byte == b'.') {
        if label.is_empty() || label.len() > MOST_LABEL_BYTES || label.starts_with(b"-") || label.ends_with(b"-") {
            return None;
        }
        labels += 1;
        last = label;
    }
    let top_level = last.len() >= 2
        && (last.iter().all(u8::is_ascii_alphabetic)
            || last.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"xn--")));
    let is_file = FILE_ENDINGS.iter().any(|ending| last.eq_ignore_ascii_case(ending));
    let end = start + domain.len();
    let is_called = text.get(end) == Some(&b'(');
    let is_cut = text.get(end) == Some(&b'_');
    (labels >= 2 && top_level && !is_file && !is_called && !is_cut).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::super::found_by;
    use super::*;

    #[test]
    fn addresses_and_what_looks_like_them() {
        for (text, expected) in [
            ("Write to ann.lee+news@mail.example.co.uk.", vec!["ann.lee+news@mail.example.co.uk"]),
            ("<bob@x.org>, mailto:c_d@y-z.com?subject=hi", vec!["bob@x.org", "c_d@y-z.com"]),
            ("'quoted'@x.org \"a@b.de\"", vec!["a@b.de"]),
            ("用户a1@例子 b@例.com 邮箱foo@bar.com吧", vec!["foo@bar.com"]),
            ("@decorator.name x@y a@b.c icon@2x.png x@w.mean() npm@1.2.3", vec![]),
            ("a@b.org...and", vec!["a@b.org"]),
            ("..a@b.org", vec!["a@b.org"]),
            ("a@b@c.org", vec!["b@c.org"]),
            ("user@xn--bcher-kva.example", vec!["user@xn--bcher-kva.example"]),
            ("@@@@ a@ @b.org @", vec![]),
        ] {
            assert_eq!(found_by(Kind::Email, text), expected, "{text}");
        }
        assert!(found_by(Kind::Email, &format!("{}@b.org", "a".repeat(65))).is_empty());
    }
}
