//! Numbers with check digits and telephone numbers: what is found by looking at digits.
//!
//! Cards: 13 to 19 digits, together or in groups with one kind of separator, of a known issuer, right by Luhn. IBANs: the
//! length of their country, right modulo 97 (ISO 13616). Telephone numbers: international with `+` (E.164), and North
//! American ones in groups of 3, 3 and 4.

use super::{Kind, Match, is_word};

const MOST_CARD_BYTES: usize = 19 + 18;

/// Calls `each` with the start of every run of digits that no word, and no dot or hyphen after a digit, stands before.
fn for_each_number(text: &[u8], mut each: impl FnMut(usize) -> Option<usize>) {
    let mut at = 0;
    while at < text.len() {
        let Some(found) = text[at..].iter().position(u8::is_ascii_digit) else { return };
        let start = at + found;
        let glued = start > 0
            && (is_word(text[start - 1])
                || (matches!(text[start - 1], b'.' | b'-' | b'/' | b',') && start > 1 && is_word(text[start - 2])));
        let end = if glued { None } else { each(start) };
        at = end.unwrap_or_else(|| start + text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count());
    }
}

/// Whether a number may end here: no more of a word or of a number follows.
fn ends(text: &[u8], end: usize) -> bool {
    match text.get(end) {
        None => true,
        Some(&next) if is_word(next) => false,
        Some(b'.' | b'-' | b',') => !text.get(end + 1).is_some_and(u8::is_ascii_digit),
        Some(_) => true,
    }
}

pub fn cards(text: &[u8], found: &mut Vec<Match>) {
    for_each_number(text, |start| {
        let window = &text[start..text.len().min(start + MOST_CARD_BYTES)];
        let (mut digits, mut number) = ([0; 19], 0);
        let (mut groups, mut group) = ([0; 5], 0);
        let mut separator = None;
        let mut length = 0;
        for (index, &byte) in window.iter().enumerate() {
            if byte.is_ascii_digit() {
                *digits.get_mut(number)? = byte - b'0';
                number += 1;
                groups[group] += 1;
                length = index + 1;
            } else if matches!(byte, b' ' | b'-')
                && separator.is_none_or(|one| one == byte)
                && groups[group] >= 4
                && group + 1 < groups.len()
                && window.get(index + 1).is_some_and(u8::is_ascii_digit)
            {
                separator = Some(byte);
                group += 1;
            } else {
                break;
            }
        }
        let digits = &digits[..number];
        let end = start + length;
        let grouped = matches!(groups[..=group], [_] | [4, 4, 4, 1..=7] | [4, 4, 4, 4, 3] | [4, 6, 4 | 5]);
        (grouped && is_issued(digits) && luhn(digits) && ends(text, end)).then(|| {
            found.push(Match { start, end, kind: Kind::Card });
            end
        })
    });
}

/// Whether a known issuer gives numbers of this beginning and length.
fn is_issued(digits: &[u8]) -> bool {
    if digits.len() < 13 {
        return false;
    }
    let head = digits[..4].iter().fold(0, |head, &digit| head * 10 + u32::from(digit));
    match head {
        4000..=4999 => matches!(digits.len(), 13 | 16 | 19),
        5100..=5599 | 2221..=2720 => digits.len() == 16,
        3400..=3499 | 3700..=3799 => digits.len() == 15,
        3000..=3059 | 3600..=3699 | 3800..=3999 => digits.len() == 14,
        3528..=3589 => (16..=19).contains(&digits.len()),
        6011 | 6440..=6599 | 6200..=6299 => (16..=19).contains(&digits.len()),
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, &digit)| match u32::from(digit) * (1 + index as u32 % 2) {
            doubled @ 10.. => doubled - 9,
            plain => plain,
        })
        .sum();
    sum.is_multiple_of(10) && digits.windows(2).any(|pair| pair[0] != pair[1])
}

/// Length of an IBAN by country, from the registry of ISO 13616 (release 99).
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

pub fn ibans(text: &[u8], found: &mut Vec<Match>) {
    let mut at = 0;
    while at + 15 <= text.len() {
        // The two check digits after two capitals are the rarest part.
        let is_start = text[at + 2].is_ascii_digit()
            && text[at + 3].is_ascii_digit()
            && text[at].is_ascii_uppercase()
            && text[at + 1].is_ascii_uppercase()
            && (at == 0 || !is_word(text[at - 1]));
        match if is_start { iban_end(text, at) } else { None } {
            Some(end) => {
                found.push(Match { start: at, end, kind: Kind::Iban });
                at = end;
            }
            None => at += 1,
        }
    }
}

fn iban_end(text: &[u8], start: usize) -> Option<usize> {
    let country = &text[start..start + 2];
    let (_, length) = IBAN_LENGTHS.iter().find(|(code, _)| code.as_slice() == country)?;
    let mut characters = Vec::with_capacity(*length);
    let mut end = start;
    while characters.len() < *length {
        let byte = *text.get(end)?;
        if byte.is_ascii_digit() || byte.is_ascii_uppercase() {
            characters.push(byte);
        } else if byte != b' ' || !characters.len().is_multiple_of(4) || text[end - 1] == b' ' {
            return None;
        }
        end += 1;
    }
    let mut remainder = 0u32;
    for &byte in characters[4..].iter().chain(&characters[..4]) {
        remainder = match byte {
            b'0'..=b'9' => remainder * 10 + u32::from(byte - b'0'),
            _ => remainder * 100 + u32::from(byte - b'A') + 10,
        } % 97;
    }
    (remainder == 1 && !text.get(end).is_some_and(|&next| is_word(next))).then_some(end)
}

pub fn phones(text: &[u8], found: &mut Vec<Match>) {
    let mut free = 0;
    for plus in memchr::memchr_iter(b'+', text) {
        if plus >= free
            && !(plus > 0 && (is_word(text[plus - 1]) || text[plus - 1] == b'+'))
            && let Some(end) = international_end(text, plus + 1)
        {
            found.push(Match { start: plus, end, kind: Kind::Phone });
            free = end;
        }
    }
    for_each_number(text, |start| {
        let (start, end) = north_american(text, start)?;
        found.push(Match { start, end, kind: Kind::Phone });
        Some(end)
    });
}

/// Digits after `+` in groups: 8 to 15, nine if they stand together, of three kinds, and no country code that was never given.
fn international_end(text: &[u8], start: usize) -> Option<usize> {
    let window = &text[start..text.len().min(start + 30)];
    let (mut digits, mut number, mut groups, mut end, mut open) = ([0; 15], 0, 1, 0, false);
    let mut gap = 0;
    for (index, &byte) in window.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                groups += usize::from(gap > 0);
                gap = 0;
                *digits.get_mut(number)? = byte;
                number += 1;
                end = index + 1;
            }
            b'(' if !open && number > 0 => (open, gap) = (true, gap + 1),
            b')' if open => (open, gap) = (false, gap + 1),
            b' ' | b'-' | b'.' | b'/' if gap < 3 && number > 0 => gap += 1,
            _ => break,
        }
    }
    let known = !matches!(digits[..number], [] | [b'0', ..] | [b'2', b'8', ..] | [b'8', b'3' | b'9', ..]);
    // Numbers in base two are long and have two digits.
    let varied = digits[..number].iter().fold(0u16, |seen, digit| seen | 1 << (digit - b'0')).count_ones() > 2;
    let enough = varied && number >= if groups > 1 { 8 } else { 9 };
    (known && enough && ends(text, start + end)).then_some(start + end)
}

/// `212-555-0100`, `(212) 555-0100`, `1 212 555 0100`: from the area code's first digit to the whole number.
fn north_american(text: &[u8], first: usize) -> Option<(usize, usize)> {
    let area = match text[first..] {
        [b'1', b' ' | b'-' | b'.', b'2'..=b'9', ..] => first + 2,
        _ => first,
    };
    let bracketed = area > 0 && text[area - 1] == b'(' && text.get(area + 3) == Some(&b')');
    let mut at = area;
    let three = |at: usize| matches!(text.get(at..at + 3), Some([b'2'..=b'9', b'0'..=b'9', b'0'..=b'9']));
    if !three(at) {
        return None;
    }
    at += 3;
    if bracketed {
        at += 1;
        at += usize::from(matches!(text.get(at), Some(b' ' | b'-')));
    } else {
        if !matches!(text.get(at), Some(b'-' | b'.' | b' ')) {
            return None;
        }
        at += 1;
    }
    if !three(at) {
        return None;
    }
    let separator = *text.get(at + 3)?;
    let uniform = bracketed || text[area + 3] == separator;
    // Groups with spaces only are too often columns of numbers.
    let telling = bracketed || area > first || separator != b' ';
    at += 4;
    let last = text.get(at..at + 4)?;
    let fits = uniform && telling && matches!(separator, b'-' | b'.' | b' ') && last.iter().all(u8::is_ascii_digit);
    (fits && ends(text, at + 4)).then_some((if bracketed { area - 1 } else { first }, at + 4))
}

#[cfg(test)]
mod tests {
    use super::super::found_by;
    use super::*;

    #[test]
    fn cards_with_right_check_digits() {
        let good =
            ["4111 1111 1111 1111", "5555555555554444", "3782-822463-10005", "6011111111111117", "30569309025904"];
        for card in good {
            assert_eq!(found_by(Kind::Card, &format!("pay {card}.")), [card], "{card}");
        }
        for bad in [
            "4111 1111 1111 1112",
            "1234567812345678",
            "4111-1111 1111-1111",
            "x4111111111111111",
            "4111111111111111.5",
            "0000000000000000",
        ] {
            assert!(found_by(Kind::Card, bad).is_empty(), "{bad}");
        }
    }

    #[test]
    fn ibans_with_right_check_digits() {
        for iban in [
            "DE89370400440532013000",
            "GB29 NWBK 6016 1331 9268 19",
            "NO9386011117947",
            "FR14 2004 1010 0505 0001 3M02 606",
        ] {
            assert_eq!(found_by(Kind::Iban, &format!("to {iban}, now")), [iban], "{iban}");
        }
        for bad in
            ["DE88370400440532013000", "DE893704004405320130001", "XX89370400440532013000", "aDE89370400440532013000"]
        {
            assert!(found_by(Kind::Iban, bad).is_empty(), "{bad}");
        }
    }

    #[test]
    fn telephone_numbers() {
        for (text, expected) in [
            ("call +49 30 901820 or +442079460958.", vec!["+49 30 901820", "+442079460958"]),
            ("+49 (0) 89 / 766274, +33 1 - 23", vec!["+49 (0) 89 / 766274"]),
            ("+1 (212) 555-0100 x", vec!["+1 (212) 555-0100"]),
            (
                "(212) 555-0100, 212-555-0100; 212.555.0100 1-800-555-0199",
                vec!["(212) 555-0100", "212-555-0100", "212.555.0100", "1-800-555-0199"],
            ),
            (
                "x+12345678901 ++4912345678 +0123456789 +10011010010 a +1 b 212 555 0100 112-555-0100 2020-11-23 1.212.555",
                vec![],
            ),
            ("978-0-306-40615-7 555-0100 212-555-01001 3.212-555-0100", vec![]),
        ] {
            assert_eq!(found_by(Kind::Phone, text), expected, "{text}");
        }
    }
}
