//! Words as spaCy's tokenizer for English makes them of text that was simplified: what datatrove does by default.
//!
//! spaCy splits at blanks, takes signs off both ends of what is left, splits that at symbols inside, and has a table of
//! contractions. Of its signs few remain after the simplification, and none but these matter:
//!
//! * contractions without their apostrophe ("dont" is "do", "nt"; also "id", "wed" and "its" kin that are words of their own);
//! * currency signs, quotes and marks of other scripts at either end, symbols (Unicode's So, as spaCy lists it) anywhere;
//! * units behind a number ("0km" is "0", "km");
//! * `<`, `=` and `>` between letters, which come out of struck-through ones only.
//!
//! The order in which it looks at ends, contractions and the inside is its own, and is followed. Tables are those of spaCy 3.8.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::properties::within;

/// Every beginning goes with every ending of its line.
#[rustfmt::skip]
const CONTRACTIONS: &[(&[&str], &[&str])] = &[
    (&["ai", "are", "dare", "has", "have", "is", "was", "were"], &["nt"]),
    (&["can"], &["not"]),
    (&["ca", "did", "does", "do", "had", "may", "need", "ought", "sha", "wo"], &["nt", "nt ve"]),
    (&["could", "might", "must", "should", "would"], &["nt", "nt ve", "ve"]),
    (&["gon"], &["na"]),
    (&["got"], &["ta"]),
    (&["he"], &["d", "d ve", "ll ve", "s"]),
    (&["how", "there", "what", "when", "where", "why"], &["d", "d ve", "ll", "ll ve", "re", "s", "ve"]),
    (&["i"], &["d", "d ve", "ll ve", "m", "m a", "ve"]),
    (&["it"], &["d", "d ve", "ll", "ll ve"]),
    (&["not"], &["ve"]),
    (&["she"], &["d ve", "ll ve", "s"]),
    (&["that", "this"], &["d", "d ve", "ll", "ll ve", "s"]),
    (&["these", "they", "those", "you"], &["d", "d ve", "ll", "ll ve", "re", "ve"]),
    (&["we"], &["d", "d ve", "ll ve", "ve"]),
    (&["who"], &["d", "d ve", "ll", "ll ve", "s", "ve"]),
    (&["y"], &["all"]),
];
/// What its rules would split, and its table says is one word.
const WHOLE: [(&str, &[&str]); 2] = [("‘s", &["‘", "s"]), ("<space>", &["<", "space", ">"])];
const LONGEST_CONTRACTION: usize = 10;

/// What stands together, to its words with blanks between them.
static TOGETHER: LazyLock<FxHashMap<Vec<u8>, String>> = LazyLock::new(|| {
    let mut together = FxHashMap::default();
    for (beginnings, endings) in CONTRACTIONS {
        for beginning in *beginnings {
            for ending in *endings {
                let words = format!("{beginning} {ending}");
                together.insert(words.replace(' ', "").into_bytes(), words);
            }
        }
    }
    together.extend(WHOLE.iter().map(|(whole, _)| (whole.as_bytes().to_vec(), (*whole).to_owned())));
    together
});

fn special(chunk: &str) -> Option<&'static str> {
    if chunk.len() > LONGEST_CONTRACTION {
        return None;
    }
    TOGETHER.get(chunk.as_bytes()).map(String::as_str)
}

/// Behind a number.
#[rustfmt::skip]
const UNITS: &[&str] = &[
    "km", "km²", "km³", "m", "m²", "m³", "dm", "dm²", "dm³", "cm", "cm²", "cm³", "mm", "mm²", "mm³", "ha", "µm", "nm", "yd",
    "in", "ft", "kg", "g", "mg", "µg", "t", "lb", "oz", "kmh", "mph", "mbar", "mb", "kb", "gb", "tb",
    "км", "км²", "км³", "м", "м²", "м³", "дм", "дм²", "дм³", "см", "см²", "см³", "мм", "мм²", "мм³", "нм", "кг", "г", "мг",
    "мбар", "кб", "мб", "гб", "тбكم", "كم²", "كم³", "م", "م²", "م³", "سم", "سم²", "سم³", "مم", "مم²", "مم³", "كم", "غرام",
    "جرام", "جم", "كغ", "ملغ", "كوب", "اكواب",
];

fn is_currency(character: char) -> bool {
    matches!(character, '£' | '¥' | '฿' | '\u{20A0}'..='\u{20BF}' | '﷼')
}

/// Marks and quotes, at either end.
fn is_mark(character: char) -> bool {
    const MARKS: &str = "<>;`¡«´·»¿،؛؟٪۔।–—‘’‚“”„…〈〉⟦⟧〔〕、。！（），：；？～";
    matches!(character, '\u{3008}'..='\u{3011}') || MARKS.contains(character)
}

fn is_icon(character: char) -> bool {
    !character.is_ascii() && within(ICONS, character)
}

fn is_alpha(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_alphabetic() } else { within(ALPHA, character) }
}

/// Bytes of the sign that the chunk begins with, if it does.
fn prefix(chunk: &str) -> usize {
    let first = chunk.chars().next();
    let sign = first.filter(|&sign| matches!(sign, '=' | '§') || is_mark(sign) || is_currency(sign) || is_icon(sign));
    sign.map_or(0, char::len_utf8)
}

/// Bytes of the sign or unit that the chunk ends with: the longest.
fn suffix(chunk: &str) -> usize {
    let units = chunk.match_indices('0').map(|(at, zero)| &chunk[at + zero.len()..]);
    if let Some(unit) = units.into_iter().find(|rest| UNITS.contains(rest)) {
        return unit.len();
    }
    let mut backwards = chunk.chars().rev();
    let Some(last) = backwards.next() else { return 0 };
    let taken = is_mark(last) || is_icon(last) || is_currency(last) && backwards.next() == Some('0');
    if taken { last.len_utf8() } else { 0 }
}

/// Nothing in it can be split, unless it is in the table.
fn is_plain(chunk: &str) -> bool {
    chunk.bytes().all(|byte| byte.is_ascii_alphabetic())
        || chunk.chars().all(|character| {
            // Letters in circles and squares are symbols too.
            let enclosed = matches!(character, '\u{2460}'..='\u{24FF}' | '\u{1F100}'..='\u{1F1FF}');
            character != '0' && character.is_alphanumeric() && !enclosed
        })
}

/// Visit the words of what stands between two blanks.
pub fn split(chunk: &str, mut visit: impl FnMut(&str)) {
    if is_plain(chunk) {
        return match special(chunk) {
            Some(words) => words.split(' ').for_each(visit),
            None => visit(chunk),
        };
    }
    let (mut words, mut behind) = (Vec::new(), Vec::new());
    let rest = ends_off(chunk, &mut words, &mut behind);
    match special(rest) {
        Some(found) => words.extend(found.split(' ')),
        None => inside(rest, &mut words),
    }
    words.extend(behind.into_iter().rev());
    let mut left = words.as_slice();
    while let Some((first, others)) = left.split_first() {
        match WHOLE.iter().find(|(_, parts)| left.starts_with(parts)) {
            Some((whole, parts)) => {
                visit(whole);
                left = &left[parts.len()..];
            }
            None => {
                visit(first);
                left = others;
            }
        }
    }
}

/// Take signs off both ends until none is left, or what is left is in the table. Those at the end come last first.
fn ends_off<'a>(chunk: &'a str, before: &mut Vec<&'a str>, behind: &mut Vec<&'a str>) -> &'a str {
    let mut rest = chunk;
    while !rest.is_empty() && special(rest).is_none() {
        let first = prefix(rest);
        let (sign, others) = rest.split_at(first);
        if first > 0 && special(others).is_some() {
            before.push(sign);
            return others;
        }
        let last = suffix(others);
        let (whole, end) = rest.split_at(rest.len() - last);
        if last > 0 {
            behind.push(end);
            // The table is asked for it with the sign in front.
            if special(whole).is_some() {
                return whole;
            }
        }
        if first > 0 {
            before.push(sign);
        }
        if first + last == 0 {
            break;
        }
        rest = &whole[first..];
    }
    rest
}

/// Split at symbols, but for one that the chunk begins with, and at `<`, `=` and `>` between letters.
fn inside<'a>(chunk: &'a str, words: &mut Vec<&'a str>) {
    let mut start = 0;
    let mut previous = None;
    for (at, character) in chunk.char_indices() {
        let end = at + character.len_utf8();
        let between = matches!(character, '<' | '=' | '>')
            && previous.is_some_and(|previous| previous == '0' || is_alpha(previous))
            && chunk[end..].chars().next().is_some_and(is_alpha);
        previous = Some(character);
        if at == 0 || !(between || is_icon(character)) {
            continue;
        }
        if start < at {
            words.push(&chunk[start..at]);
        }
        words.push(&chunk[at..end]);
        start = end;
    }
    if start < chunk.len() {
        words.push(&chunk[start..]);
    }
}

/// spaCy's symbols: Unicode's So of an older version.
#[rustfmt::skip]
const ICONS: &[(u32, u32)] = &[
    (0x00A6, 0x00A6), (0x00A9, 0x00A9), (0x00AE, 0x00AE), (0x00B0, 0x00B0), (0x0482, 0x0482), (0x058D, 0x058E),
    (0x060E, 0x060F), (0x06DE, 0x06DE), (0x06E9, 0x06E9), (0x06FD, 0x06FE), (0x07F6, 0x07F6), (0x09FA, 0x09FA),
    (0x0B70, 0x0B70), (0x0BF3, 0x0BF8), (0x0BFA, 0x0BFA), (0x0C7F, 0x0C7F), (0x0D4F, 0x0D4F), (0x0D79, 0x0D79),
    (0x0F01, 0x0F03), (0x0F13, 0x0F13), (0x0F15, 0x0F17), (0x0F1A, 0x0F1F), (0x0F34, 0x0F34), (0x0F36, 0x0F36),
    (0x0F38, 0x0F38), (0x0FBE, 0x0FC5), (0x0FC7, 0x0FCC), (0x0FCE, 0x0FCF), (0x0FD5, 0x0FD8), (0x109E, 0x109F),
    (0x1390, 0x1399), (0x1940, 0x1940), (0x19DE, 0x19FF), (0x1B61, 0x1B6A), (0x1B74, 0x1B7C), (0x2100, 0x2101),
    (0x2103, 0x2106), (0x2108, 0x2109), (0x2114, 0x2114), (0x2116, 0x2117), (0x211E, 0x2123), (0x2125, 0x2125),
    (0x2127, 0x2127), (0x2129, 0x2129), (0x212E, 0x212E), (0x213A, 0x213B), (0x214A, 0x214A), (0x214C, 0x214D),
    (0x214F, 0x214F), (0x218A, 0x218B), (0x2195, 0x2199), (0x219C, 0x219F), (0x21A1, 0x21A2), (0x21A4, 0x21A5),
    (0x21A7, 0x21AD), (0x21AF, 0x21CD), (0x21D0, 0x21D1), (0x21D3, 0x21D3), (0x21D5, 0x21F3), (0x2300, 0x2307),
    (0x230C, 0x231F), (0x2322, 0x2328), (0x232B, 0x237B), (0x237D, 0x239A), (0x23B4, 0x23DB), (0x23E2, 0x2426),
    (0x2440, 0x244A), (0x249C, 0x24E9), (0x2500, 0x25B6), (0x25B8, 0x25C0), (0x25C2, 0x25F7), (0x2600, 0x266E),
    (0x2670, 0x2767), (0x2794, 0x27BF), (0x2800, 0x28FF), (0x2B00, 0x2B2F), (0x2B45, 0x2B46), (0x2B4D, 0x2B73),
    (0x2B76, 0x2B95), (0x2B98, 0x2BC8), (0x2BCA, 0x2BFE), (0x2CE5, 0x2CEA), (0x2E80, 0x2E99), (0x2E9B, 0x2EF3),
    (0x2F00, 0x2FD5), (0x2FF0, 0x2FFB), (0x3004, 0x3004), (0x3012, 0x3013), (0x3020, 0x3020), (0x3036, 0x3037),
    (0x303E, 0x303F), (0x3190, 0x3191), (0x3196, 0x319F), (0x31C0, 0x31E3), (0x3200, 0x321E), (0x322A, 0x3247),
    (0x3250, 0x3250), (0x3260, 0x327F), (0x328A, 0x32B0), (0x32C0, 0x32FE), (0x3300, 0x33FF), (0x4DC0, 0x4DFF),
    (0xA490, 0xA4C6), (0xA828, 0xA82B), (0xA836, 0xA837), (0xA839, 0xA839), (0xAA77, 0xAA79), (0xFDFD, 0xFDFD),
    (0xFFE4, 0xFFE4), (0xFFE8, 0xFFE8), (0xFFED, 0xFFEE), (0xFFFC, 0xFFFD), (0x10137, 0x1013F), (0x10179, 0x10189),
    (0x1018C, 0x1018E), (0x10190, 0x1019B), (0x101A0, 0x101A0), (0x101D0, 0x101FC), (0x10877, 0x10878),
    (0x10AC8, 0x10AC8), (0x1173F, 0x1173F), (0x16B3C, 0x16B3F), (0x16B45, 0x16B45), (0x1BC9C, 0x1BC9C),
    (0x1D000, 0x1D0F5), (0x1D100, 0x1D126), (0x1D129, 0x1D164), (0x1D16A, 0x1D16C), (0x1D183, 0x1D184),
    (0x1D18C, 0x1D1A9), (0x1D1AE, 0x1D1E8), (0x1D200, 0x1D241), (0x1D245, 0x1D245), (0x1D300, 0x1D356),
    (0x1D800, 0x1D9FF), (0x1DA37, 0x1DA3A), (0x1DA6D, 0x1DA74), (0x1DA76, 0x1DA83), (0x1DA85, 0x1DA86),
    (0x1ECAC, 0x1ECAC), (0x1F000, 0x1F02B), (0x1F030, 0x1F093), (0x1F0A0, 0x1F0AE), (0x1F0B1, 0x1F0BF),
    (0x1F0C1, 0x1F0CF), (0x1F0D1, 0x1F0F5), (0x1F110, 0x1F16B), (0x1F170, 0x1F1AC), (0x1F1E6, 0x1F202),
    (0x1F210, 0x1F23B), (0x1F240, 0x1F248), (0x1F250, 0x1F251), (0x1F260, 0x1F265), (0x1F300, 0x1F3FA),
    (0x1F400, 0x1F6D4), (0x1F6E0, 0x1F6EC), (0x1F6F0, 0x1F6F9), (0x1F700, 0x1F773), (0x1F780, 0x1F7D8),
    (0x1F800, 0x1F80B), (0x1F810, 0x1F847), (0x1F850, 0x1F859), (0x1F860, 0x1F887), (0x1F890, 0x1F8AD),
    (0x1F900, 0x1F90B), (0x1F910, 0x1F93E), (0x1F940, 0x1F970), (0x1F973, 0x1F976), (0x1F97A, 0x1F97A),
    (0x1F97C, 0x1F9A2), (0x1F9B0, 0x1F9B9), (0x1F9C0, 0x1F9C2), (0x1F9D0, 0x1F9FF), (0x1FA60, 0x1FA6D),
];

/// What spaCy takes for letters.
#[rustfmt::skip]
const ALPHA: &[(u32, u32)] = &[
    (0x00C0, 0x00D6), (0x00D8, 0x00F6), (0x00F8, 0x01BF), (0x01C4, 0x02AF), (0x0386, 0x0386), (0x0388, 0x038A),
    (0x038C, 0x038C), (0x038E, 0x038F), (0x0391, 0x03A9), (0x03AC, 0x03AF), (0x03B1, 0x03C9), (0x03CC, 0x03CE),
    (0x0400, 0x0401), (0x0403, 0x040A), (0x040C, 0x040D), (0x0410, 0x0451), (0x0453, 0x045A), (0x045C, 0x045D),
    (0x0490, 0x0491), (0x0496, 0x0497), (0x04A2, 0x04A3), (0x04AE, 0x04AF), (0x04BA, 0x04BB), (0x04D8, 0x04D9),
    (0x04E8, 0x04E9), (0x0591, 0x05F4), (0x0620, 0x064A), (0x066E, 0x06D5), (0x06E5, 0x06FF), (0x0750, 0x077F),
    (0x08A0, 0x08BD), (0x0900, 0x09FF), (0x0B80, 0x0CFF), (0x0D80, 0x0DFF), (0x1100, 0x137F), (0x1D00, 0x1D25),
    (0x1D6B, 0x1D77), (0x1D79, 0x1D9A), (0x1E00, 0x1EFF), (0x2C60, 0x2C7B), (0x2C7E, 0x2C7F), (0x2E80, 0x2FDF),
    (0x2FF0, 0x30FF), (0x31C0, 0x31EF), (0x3200, 0x4DBF), (0x4E00, 0x9FFF), (0xA722, 0xA76F), (0xA771, 0xA787),
    (0xA78B, 0xA78E), (0xA790, 0xA7B9), (0xA7FA, 0xA7FA), (0xAB30, 0xAB5A), (0xAB60, 0xAB64), (0xAC00, 0xD7AF),
    (0xF900, 0xFAFF), (0xFB1D, 0xFBB1), (0xFBD3, 0xFD3D), (0xFD50, 0xFDC7), (0xFDF0, 0xFDFB), (0xFE30, 0xFE4F),
    (0xFE70, 0xFEFC), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0x1EE00, 0x1EEBB), (0x1F200, 0x1F2FF),
    (0x20000, 0x2A6DF), (0x2A700, 0x2EBEF), (0x2F800, 0x2FA1F),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn words(chunk: &str) -> String {
        let mut words = Vec::new();
        split(chunk, |word| words.push(word.to_owned()));
        words.join(" ")
    }

    /// As spaCy 3.8 splits them.
    #[test]
    fn by_hand() {
        for (chunk, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("dont", "do nt"),
            ("whatdve", "what d ve"),
            ("xdont", "xdont"),
            ("0km", "0 km"),
            ("v0kmh", "v0 kmh"),
            ("0cm²", "0 cm²"),
            ("0pm", "0pm"),
            ("m0", "m0"),
            ("€0", "€ 0"),
            ("0€", "0 €"),
            ("x€", "x€"),
            ("°dont", "° do nt"),
            ("dont°", "do nt °"),
            ("¿x♥y¡", "¿ x ♥ y ¡"),
            ("♥♥", "♥ ♥"),
            ("‘s", "‘s"),
            ("‘s°x", "‘s ° x"),
            ("a=b", "a = b"),
            ("=b", "= b"),
            ("a=", "a="),
        ] {
            assert_eq!(words(chunk), expected, "{chunk}");
        }
    }

    #[test]
    fn plain_characters_are_no_signs() {
        let mut text = String::new();
        for character in (char::MIN..=char::MAX).filter(|&character| character != '0') {
            text.clear();
            text.push(character);
            let sign =
                is_mark(character) || is_currency(character) || is_icon(character) || matches!(character, '=' | '§');
            assert!(!(sign && is_plain(&text)), "{character:?}");
        }
        assert!(TOGETHER.keys().all(|key| key.len() <= LONGEST_CONTRACTION));
    }
}
