//! Keys of well-known providers, by how they begin.
//!
//! All keys hold sixteen or more letters, digits, `_` and `-` in a row, which other text seldom does, so such runs are looked for, 64
//! bytes at a time, and keys where they begin.

use std::sync::OnceLock;

use tokenfoundry_kernels::byte_classes::{AsciiTable, BLOCK, Classifier, Scalar};
use tokenfoundry_kernels::on_tier::{Work, on_tier};

use super::{Kind, Match, is_word};

/// Bytes that may follow a key's beginning.
#[derive(Clone, Copy)]
enum Alphabet {
    Upper,
    Word,
    Dashed,
    Hex,
    Dotted,
}

use Alphabet::{Dashed, Dotted, Hex, Upper, Word};

impl Alphabet {
    fn holds(self, byte: u8) -> bool {
        match self {
            Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Dashed => is_run(byte),
            Hex => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
            Dotted => is_run(byte) || matches!(byte, b'.' | b'/'),
        }
    }
}

/// How keys of the well-known providers begin, what follows, and how much of it: least and most bytes.
const KEYS: &[(&str, Alphabet, usize, usize)] = &[
    // Amazon.
    ("AKIA", Upper, 16, 16),
    ("ASIA", Upper, 16, 16),
    ("AROA", Upper, 16, 16),
    ("AIDA", Upper, 16, 16),
    ("ABIA", Upper, 16, 16),
    ("ACCA", Upper, 16, 16),
    // GitHub, GitLab, Atlassian, Bitbucket.
    ("ghp_", Word, 36, 255),
    ("gho_", Word, 36, 255),
    ("ghu_", Word, 36, 255),
    ("ghs_", Word, 36, 255),
    ("ghr_", Word, 36, 255),
    ("github_pat_", Word, 22, 255),
    ("glpat-", Dotted, 20, 300),
    ("gldt-", Dashed, 20, 64),
    ("glrt-", Dotted, 20, 300),
    ("glptt-", Dashed, 40, 40),
    ("glcbt-", Dashed, 20, 64),
    ("glsoat-", Dashed, 20, 64),
    ("ATATT3", Dashed, 180, 255),
    ("ATBB", Word, 32, 36),
    // Slack.
    ("xoxb-", Dashed, 11, 255),
    ("xoxa-", Dashed, 11, 255),
    ("xoxp-", Dashed, 11, 255),
    ("xoxr-", Dashed, 11, 255),
    ("xoxs-", Dashed, 11, 255),
    ("xoxe-", Dashed, 11, 255),
    ("xoxe.xoxp-", Dashed, 20, 255),
    ("xoxe.xoxb-", Dashed, 20, 255),
    ("xapp-", Dashed, 40, 255),
    // Stripe, Square, Shopify.
    ("sk_live_", Word, 16, 255),
    ("rk_live_", Word, 16, 255),
    ("sk_test_", Word, 16, 255),
    ("rk_test_", Word, 16, 255),
    ("whsec_", Word, 32, 64),
    ("sq0atp-", Dashed, 22, 22),
    ("sq0csp-", Dashed, 43, 43),
    ("shpat_", Hex, 32, 32),
    ("shpca_", Hex, 32, 32),
    ("shppa_", Hex, 32, 32),
    ("shpss_", Hex, 32, 32),
    // Google.
    ("AIza", Dashed, 35, 35),
    ("ya29.", Dashed, 20, 1000),
    ("GOCSPX-", Dashed, 28, 28),
    // Models.
    ("sk-ant-", Dashed, 20, 255),
    ("sk-proj-", Dashed, 20, 255),
    ("sk-svcacct-", Dashed, 20, 255),
    ("sk-admin-", Dashed, 20, 255),
    ("sk-or-v1-", Hex, 64, 64),
    ("sk-", Word, 32, 255),
    ("hf_", Word, 30, 64),
    ("gsk_", Word, 52, 52),
    ("xai-", Word, 80, 80),
    ("pplx-", Word, 40, 64),
    ("r8_", Word, 37, 37),
    ("nvapi-", Dashed, 60, 80),
    ("tvly-", Dashed, 24, 64),
    ("lsv2_pt_", Word, 42, 50),
    ("lsv2_sk_", Word, 42, 50),
    // Packages.
    ("npm_", Word, 36, 36),
    ("pypi-AgEI", Dashed, 50, 1000),
    ("rubygems_", Hex, 48, 48),
    ("dckr_pat_", Dashed, 27, 32),
    // Machines and data.
    ("dop_v1_", Hex, 64, 64),
    ("doo_v1_", Hex, 64, 64),
    ("dor_v1_", Hex, 64, 64),
    ("hvs.", Dashed, 24, 255),
    ("hvb.", Dashed, 24, 255),
    ("dapi", Hex, 32, 32),
    ("sbp_", Hex, 40, 40),
    ("pscale_tkn_", Dashed, 32, 64),
    ("pscale_pw_", Dashed, 32, 64),
    ("tskey-", Dashed, 20, 80),
    ("pul-", Hex, 40, 40),
    ("glsa_", Word, 41, 41),
    ("glc_", Word, 32, 400),
    ("NRAK-", Upper, 27, 27),
    ("sntrys_", Dashed, 60, 400),
    ("sntryu_", Hex, 64, 64),
    ("dp.pt.", Word, 40, 44),
    // Mail and teams.
    ("SG.", Dotted, 60, 80),
    ("xkeysib-", Dashed, 64, 84),
    ("SK", Hex, 32, 32),
    ("lin_api_", Word, 40, 40),
    ("ntn_", Word, 40, 50),
    ("figd_", Dashed, 40, 48),
    ("PMAK-", Dashed, 59, 59),
];

/// Bytes of the longest beginning that is not part of its key's run: `xoxe.`.
const MOST_HEAD: usize = 8;

fn is_run(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}

const KINDS: AsciiTable = {
    let mut kinds = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        let one = byte as u8;
        kinds[byte] = (one.is_ascii_alphanumeric() || one == b'_' || one == b'-') as u8;
        byte += 1;
    }
    kinds
};

/// Where the runs of 16 bytes or more begin.
struct Runs<'a> {
    text: &'a [u8],
}

impl Work for Runs<'_> {
    type Output = Vec<usize>;

    #[inline(always)]
    fn run(self, classifier: impl Classifier) -> Vec<usize> {
        let (whole, rest) = self.text.as_chunks::<BLOCK>();
        let mut last = [b' '; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        let mut found = Vec::new();
        // Of the block before, whose runs are known when the next one is; and whether one lies across its start.
        let (mut before, mut across) = (0u64, false);
        for (index, block) in whole.iter().chain([&last, &[b' '; BLOCK]]).enumerate() {
            let [mask, ..] = classifier.planes(block, &KINDS, None);
            let mut both = u128::from(before) | u128::from(mask) << BLOCK;
            for step in [1, 2, 4, 8] {
                both &= both >> step;
            }
            let long = both as u64;
            let mut starts = long & !(long << 1 | u64::from(across));
            while starts != 0 {
                found.push((index - 1) * BLOCK + starts.trailing_zeros() as usize);
                starts &= starts - 1;
            }
            (before, across) = (mask, long >> 63 != 0);
        }
        found
    }
}

/// The keys that begin with each byte, the longest beginnings first.
fn by_first() -> &'static [Vec<usize>; 128] {
    static KEYS_BY_FIRST: OnceLock<[Vec<usize>; 128]> = OnceLock::new();
    KEYS_BY_FIRST.get_or_init(|| {
        let mut keys: [Vec<usize>; 128] = std::array::from_fn(|_| Vec::new());
        for (index, (start, ..)) in KEYS.iter().enumerate() {
            keys[usize::from(start.as_bytes()[0])].push(index);
        }
        keys.iter_mut().for_each(|keys| keys.sort_by_key(|&index| std::cmp::Reverse(KEYS[index].0.len())));
        keys
    })
}

pub fn find(text: &[u8], found: &mut Vec<Match>) {
    let mut free = 0;
    for run in on_tier(Runs { text }, |work| work.run(Scalar)) {
        if run < free {
            continue;
        }
        // Some begin with what ends in a dot.
        let head =
            text[free..run].iter().rev().take(MOST_HEAD).take_while(|&&byte| is_run(byte) || byte == b'.').count();
        let place = [run - head, run].into_iter().find_map(|start| Some((start, key_end(text, start)?)));
        if let Some((start, end)) = place.or_else(|| slack_hook(text, free, run)).or_else(|| telegram(text, free, run))
        {
            found.push(Match { start, end, kind: Kind::Credential });
            free = end;
        }
    }
}

/// Where the key that begins at `start` ends.
fn key_end(text: &[u8], start: usize) -> Option<usize> {
    if start > 0 && is_run(text[start - 1]) {
        return None;
    }
    let first = by_first().get(usize::from(text[start]))?;
    let known = first.iter().find(|&&index| text[start..].starts_with(KEYS[index].0.as_bytes()))?;
    let (beginning, alphabet, least, most) = KEYS[*known];
    let from = start + beginning.len();
    let tail = &text[from..text.len().min(from + most + 1)];
    let length = held(tail, alphabet);
    let fits = (least..=most).contains(&length)
        && is_random(&tail[..length])
        && !text.get(from + length).is_some_and(|&next| is_word(next));
    fits.then_some(from + length)
}

/// How many bytes of `tail` may belong to a key, but for the dot of a sentence.
fn held(tail: &[u8], alphabet: Alphabet) -> usize {
    let length = tail.iter().take_while(|&&byte| alphabet.holds(byte)).count();
    length - tail[..length].iter().rev().take_while(|&&byte| byte == b'.').count()
}

/// Words and paths are long too: keys have digits, or letters of both cases and nothing else.
fn is_random(tail: &[u8]) -> bool {
    let any = |is: fn(&u8) -> bool| tail.iter().any(is);
    any(u8::is_ascii_digit)
        || (any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase) && tail.iter().all(u8::is_ascii_alphabetic))
}

/// `https://hooks.slack.com/services/T…/B…/…`, whose last part is the run.
fn slack_hook(text: &[u8], free: usize, run: usize) -> Option<(usize, usize)> {
    const HOOK: &[u8] = b"https://hooks.slack.com/services/T";
    let from = free.max(run.saturating_sub(80));
    let start = from + memchr::memmem::rfind(&text[from..run], HOOK)?;
    let tail = &text[start + HOOK.len()..text.len().min(start + 160)];
    let length = held(tail, Dotted);
    let end = start + HOOK.len() + length;
    (length >= 20 && end > run).then_some((start, end))
}

/// A bot's number, a colon, and 35 bytes that begin with `AA`, which are the run.
fn telegram(text: &[u8], free: usize, run: usize) -> Option<(usize, usize)> {
    if !text[run..].starts_with(b"AA") || run == free || text[run - 1] != b':' {
        return None;
    }
    let digits = text[free..run - 1].iter().rev().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    let start = run - 1 - digits;
    let length = text[run..].iter().take(36).take_while(|&&byte| is_run(byte)).count();
    let apart = start == 0 || !is_word(text[start - 1]);
    ((8..=10).contains(&digits) && length == 35 && apart).then_some((start, run + length))
}

#[cfg(test)]
mod tests {
    use super::super::found_by;
    use super::*;

    const RUN: usize = 16;

    #[test]
    fn provider_keys() {
        let github = format!("ghp_{}", "a1B2".repeat(9));
        for (text, expected) in [
            ("key AKIAIOSFODNN7EXAMPL3 end", vec!["AKIAIOSFODNN7EXAMPL3"]),
            (github.as_str(), vec![github.as_str()]),
            (
                "AKIAIOSFODNN7EXAMPL3X xAKIAIOSFODNN7EXAMPL3 hf_token sk-learn npm_config_registry hf_Some_Long_Name_That_Goes_On_And_On",
                vec![],
            ),
            (
                "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, xoxe.xoxp-1-Mi0yLTEyMzQ1Njc4OTA. ya29.a0AfH6SMBx7y8z9w0v1u2t3s.",
                vec![
                    "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",
                    "xoxe.xoxp-1-Mi0yLTEyMzQ1Njc4OTA",
                    "ya29.a0AfH6SMBx7y8z9w0v1u2t3s",
                ],
            ),
            (
                "https://hooks.slack.com/services/T00000000/B00000000/a1b2c3d4e5f6a1b2c3d4e5f6. Bot 123456789:AAa1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q",
                vec![
                    "https://hooks.slack.com/services/T00000000/B00000000/a1b2c3d4e5f6a1b2c3d4e5f6",
                    "123456789:AAa1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q",
                ],
            ),
        ] {
            assert_eq!(found_by(Kind::Credential, text), expected, "{text}");
        }
    }

    #[test]
    fn runs_are_found_wherever_they_lie() {
        for length in [15, 16, 17, 63, 64, 65, 200] {
            for before in 0..140 {
                let text = [" ".repeat(before).as_str(), &"a".repeat(length), " bb "].concat();
                let found = on_tier(Runs { text: text.as_bytes() }, |work| work.run(Scalar));
                let expected = if length < RUN { vec![] } else { vec![before] };
                assert_eq!(found, expected, "{length} {before}");
            }
        }
    }

    #[test]
    fn every_key_has_a_run() {
        for (start, alphabet, least, _) in KEYS {
            let last = start.rsplit('.').next().unwrap_or(start);
            let joined = if matches!(alphabet, Dotted) { 20 } else { *least };
            assert!(last.len() + joined >= RUN && start.len() - last.len() <= MOST_HEAD, "{start}");
        }
    }
}
