//! Which writing systems a text is in: letters counted by their Unicode 16.0 script.
//!
//! Names are ISO 15924 codes. Japanese is written in three scripts at once and Korean in two, so a text with at least
//! one kana or hangul letter in ten among its Han letters is `Jpan` or `Kore`; Han alone is `Hani`. Letters of the scripts
//! Common and Inherited do not count. Cost: a look-up a character, about 500 MB/s.

use std::sync::OnceLock;

use crate::characters::class_ranges;

/// ISO 15924 code and Unicode's name of each script with letters that running text is written in.
const SCRIPTS: &[(&str, &str)] = &[
    ("Latn", "Latin"),
    ("Cyrl", "Cyrillic"),
    ("Grek", "Greek"),
    ("Arab", "Arabic"),
    ("Hebr", "Hebrew"),
    ("Hani", "Han"),
    ("Hira", "Hiragana"),
    ("Kana", "Katakana"),
    ("Hang", "Hangul"),
    ("Deva", "Devanagari"),
    ("Beng", "Bengali"),
    ("Guru", "Gurmukhi"),
    ("Gujr", "Gujarati"),
    ("Orya", "Oriya"),
    ("Taml", "Tamil"),
    ("Telu", "Telugu"),
    ("Knda", "Kannada"),
    ("Mlym", "Malayalam"),
    ("Sinh", "Sinhala"),
    ("Thai", "Thai"),
    ("Laoo", "Lao"),
    ("Tibt", "Tibetan"),
    ("Mymr", "Myanmar"),
    ("Khmr", "Khmer"),
    ("Geor", "Georgian"),
    ("Armn", "Armenian"),
    ("Ethi", "Ethiopic"),
    ("Cher", "Cherokee"),
    ("Cans", "Canadian_Aboriginal"),
    ("Mong", "Mongolian"),
    ("Syrc", "Syriac"),
    ("Thaa", "Thaana"),
    ("Nkoo", "Nko"),
    ("Tfng", "Tifinagh"),
    ("Bopo", "Bopomofo"),
    ("Yiii", "Yi"),
    ("Copt", "Coptic"),
    ("Goth", "Gothic"),
    ("Java", "Javanese"),
    ("Bali", "Balinese"),
    ("Sund", "Sundanese"),
    ("Olck", "Ol_Chiki"),
    ("Mtei", "Meetei_Mayek"),
    ("Adlm", "Adlam"),
    ("Vaii", "Vai"),
    ("Lisu", "Lisu"),
];

const HAN: usize = 5;
const KANA: [usize; 2] = [6, 7];
const HANGUL: usize = 8;

struct ScriptTable {
    row_of: Vec<u16>,
    /// Index in [`SCRIPTS`] plus one; 0 is no script.
    scripts: Vec<u8>,
}

fn table() -> &'static ScriptTable {
    static TABLE: OnceLock<ScriptTable> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut flat = vec![0u8; 0x11_0000];
        for (index, (_, name)) in SCRIPTS.iter().enumerate() {
            for (first, last) in class_ranges(&format!(r"[\p{{sc={name}}}&&[\p{{L}}\p{{M}}]]")) {
                flat[first as usize..=last as usize].fill(index as u8 + 1);
            }
        }
        let mut rows = std::collections::HashMap::new();
        let mut table = ScriptTable { row_of: Vec::new(), scripts: Vec::new() };
        for row in flat.chunks_exact(256) {
            let number = *rows.entry(row).or_insert_with(|| {
                table.scripts.extend_from_slice(row);
                (table.scripts.len() / 256 - 1) as u16
            });
            table.row_of.push(number);
        }
        table
    })
}

/// The script that most letters of a text are in, and its share of the letters that are in any.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Script {
    /// An ISO 15924 code; `Zyyy` when the text has no letters.
    pub code: &'static str,
    /// 0 to 1; 0 for `Zyyy`.
    pub share: f32,
}

/// Find the main script of bytes; those that are not UTF-8 count for nothing.
pub fn script(text: &[u8]) -> Script {
    let table = table();
    let mut counts = [0u64; SCRIPTS.len() + 1];
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            let code = character as usize;
            let script = table.scripts[usize::from(table.row_of[code >> 8]) << 8 | (code & 0xFF)];
            counts[usize::from(script)] += 1;
        }
    }
    let counts = &mut counts[1..];
    let letters: u64 = counts.iter().sum();
    if letters == 0 {
        return Script { code: "Zyyy", share: 0.0 };
    }
    let kana = KANA.iter().map(|&kana| counts[kana]).sum::<u64>();
    let (han, hangul) = (counts[HAN], counts[HANGUL]);
    let east_asian = if kana * 10 >= han + kana && kana >= hangul && kana > 0 {
        Some(("Jpan", han + kana))
    } else if hangul * 10 >= han + hangul && hangul > 0 {
        Some(("Kore", han + hangul))
    } else if han > 0 {
        Some(("Hani", han))
    } else {
        None
    };
    for index in [HAN, HANGUL].into_iter().chain(KANA) {
        counts[index] = 0;
    }
    let mut best = east_asian.unwrap_or(("Zyyy", 0));
    for (&count, &(code, _)) in counts.iter().zip(SCRIPTS) {
        if count > best.1 {
            best = (code, count);
        }
    }
    Script { code: best.0, share: best.1 as f32 / letters as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_of_real_words() {
        for (text, code) in [
            ("Hello, world 123", "Latn"),
            ("Привет, мир", "Cyrl"),
            ("日本語を勉強します", "Jpan"),
            ("汉字是一种文字", "Hani"),
            ("한국어 문장입니다", "Kore"),
            ("שלום", "Hebr"),
            ("مرحبا", "Arab"),
            ("สวัสดี", "Thai"),
            ("123 !?", "Zyyy"),
            ("", "Zyyy"),
        ] {
            assert_eq!(script(text.as_bytes()).code, code, "{text}");
        }
        assert_eq!(script("ab вг".as_bytes()), Script { code: "Latn", share: 0.5 });
        assert_eq!(script(b"\xFF\xFEabc").code, "Latn");
    }

    #[test]
    fn every_script_of_the_list_has_letters() {
        for (code, name) in SCRIPTS {
            assert!(!class_ranges(&format!(r"\p{{sc={name}}}")).is_empty(), "{code}");
        }
    }
}
