//! Every hand-written scanner against the regex it stands for, in the regex engine; and its windows against itself.

use tokenfoundry_kernels::byte_classes::{Classifier, Scalar};

use super::*;

/// Characters that sit on the edges of the classes, in all the ways that patterns tell them apart.
const ALPHABET: &[&str] = &[
    "a",
    "b",
    "s",
    "t",
    "re",
    "ll",
    "VE",
    "S",
    "T",
    "A",
    "Z",
    "'",
    "'",
    "ſ",
    "K",
    "é",
    "É",
    "ǅ",
    "ʰ",
    "中",
    "文",
    "々",
    "〇",
    "の",
    "゙",
    "゛",
    "・",
    "한",
    "ا",
    "\u{301}",
    "\u{1ADC}",
    "1",
    "2",
    "3",
    "٣",
    "Ⅷ",
    "½",
    " ",
    " ",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\u{a0}",
    "\u{2028}",
    "\u{3000}",
    "\u{85}",
    "\u{200b}",
    "\u{1c}",
    ".",
    ",",
    "!",
    "/",
    "-",
    "_",
    "$",
    "+",
    "€",
    "\u{fffd}",
    "🙂",
    "\u{feff}",
    "\u{0}",
    "\u{378}",
    "\u{323B0}",
    "𝒜",
    "𝒶",
    "\u{e000}",
    "(",
    "\"",
];

fn texts(seed: u64, count: usize, longest: usize) -> impl Iterator<Item = String> {
    let mut state = seed;
    let mut random = move |below: usize| {
        state = tokenfoundry_base::stable_hash::mix64(state);
        (state % below as u64) as usize
    };
    (0..count).map(move |_| {
        // Few distinct characters a text, so that runs of one class are common.
        let chosen: Vec<&str> = (0..1 + random(6)).map(|_| ALPHABET[random(ALPHABET.len())]).collect();
        (0..random(longest)).map(|_| chosen[random(chosen.len())]).collect()
    })
}

fn assert_same(name: &str, fast: &Pretokenizer, slow: &Pretokenizer, count: usize) {
    assert!(fast.known().is_some(), "{name} has no scanner");
    assert!(slow.known().is_none());
    for text in texts(7, count, 24) {
        let fast = fast.pieces(&text).expect("scanners cannot fail");
        assert_eq!(fast, slow.pieces(&text).expect("a plain pattern"), "{name} {text:?}");
    }
}

#[test]
fn scanners_are_their_regexes() {
    let patterns = PATTERNS.iter().filter(|(name, _)| !matches!(*name, "kimi"));
    for (name, regex) in patterns {
        let fast = Pretokenizer::from_pattern(name).expect("a known pattern");
        // A group around it changes nothing but the text that it is recognised by.
        let slow = Pretokenizer::from_pattern(&format!("(?:{regex})")).expect("a pattern that compiles");
        assert_same(name, &fast, &slow, 20_000);
    }
}

#[test]
fn deepseek_scanner_is_its_chain() {
    let chain = Step::deepseek_chain().expect("patterns that compile");
    let slow = Pretokenizer { steps: chain.clone() };
    assert_same("deepseek", &Pretokenizer::from_steps(chain), &slow, 40_000);
}

#[test]
fn pieces_cover_the_text() {
    for (name, _) in PATTERNS {
        let pretokenizer = Pretokenizer::from_pattern(name).expect("a known pattern");
        for text in texts(11, 2_000, 40) {
            assert_eq!(pretokenizer.pieces(&text).expect("pieces").concat(), text, "{name}");
        }
    }
}

fn ends_one_by_one<S: Scan>(scanner: S, text: &[u8], stop: usize) -> Vec<u32> {
    let mut ends = Vec::new();
    let mut at = 0;
    while at < stop {
        at = scanner.end(text, at);
        ends.push(at as u32);
    }
    ends
}

fn check_windows<S: Scan>(scanner: S, classifier: impl Classifier, name: &str) {
    for text in texts(13, 12_000, 90).chain(texts(17, 300, 600)) {
        let length = text.len();
        let mut padded = text.clone().into_bytes();
        padded.resize(length + window::NEEDED, 0);
        let mut ends = vec![0; length + 65];
        let count = window::scan_last(classifier, scanner, &padded, length, 0, 0, &mut ends);
        assert_eq!(ends[..count], ends_one_by_one(scanner, text.as_bytes(), length), "{name} {text:?}");
        let stop = length.saturating_sub(window::NEEDED);
        let mut ends = vec![0; length + 65];
        let found = window::scan(classifier, scanner, text.as_bytes(), 0, 0..stop, length + 1, &mut ends);
        let expected = ends_one_by_one(scanner, text.as_bytes(), length);
        assert_eq!(ends[..found.count], expected[..found.count.min(expected.len())], "{name} {text:?}");
        assert!(found.at >= stop && (found.count == 0 || found.at == ends[found.count - 1] as usize));
    }
}

#[test]
fn windows_find_what_scanners_find() {
    for known in [
        Known::Gpt2,
        Known::Cl100k,
        Known::Llama3,
        Known::Qwen2,
        Known::Qwen35,
        Known::O200k,
        Known::Tekken,
        Known::DeepSeek,
    ] {
        with_scanner!(known, scanner => {
            let name = format!("{known:?}");
            check_windows(scanner, Scalar, &name);
            #[cfg(target_arch = "x86_64")]
            {
                use tokenfoundry_kernels::byte_classes::{Avx2, Avx512};
                if let Some(classifier) = Avx2::new() {
                    check_windows(scanner, classifier, &name);
                }
                if let Some(classifier) = Avx512::new() {
                    check_windows(scanner, classifier, &name);
                }
            }
        });
    }
}

#[test]
fn behaviours_are_those_of_tokenizers() {
    // The example of the tokenizers documentation.
    let text = "the-final--countdown";
    let cases: [(Behaviour, &[&str]); 5] = [
        (Behaviour::Removed, &["the", "final", "countdown"]),
        (Behaviour::Isolated, &["the", "-", "final", "-", "-", "countdown"]),
        (Behaviour::MergedWithPrevious, &["the-", "final-", "-", "countdown"]),
        (Behaviour::MergedWithNext, &["the", "-final", "-", "-countdown"]),
        (Behaviour::Contiguous, &["the", "-", "final", "--", "countdown"]),
    ];
    for (behaviour, expected) in cases {
        let step = Step::split_literal("-", behaviour, false).expect("a literal");
        let pieces = Pretokenizer::from_steps(vec![step]).pieces(text).expect("pieces");
        assert_eq!(pieces, expected, "{behaviour:?}");
    }
}

#[test]
fn broken_patterns_are_errors() {
    assert!(Pretokenizer::from_pattern("(").is_err());
    let explodes = Pretokenizer::from_pattern(r"(a|aa|aaa)*\1b").expect("compiles");
    assert!(explodes.pieces(&"a".repeat(200)).is_err());
}
