//! A page's furniture, line by line: RefinedWeb's rules (Penedo et al. 2023, appendix G.2) as DCLM's program applies them.
//!
//! One rule after another, and after most the text loses white space at both ends: lines that are mainly capitals, of
//! digits only, counters (`3 likes`), of one word; then "items in cart", "read more" and three characters at a line's end, and
//! "sign-in" at its start go from lines of at most ten words, with the line where nothing else is left.

use crate::characters::{DECIMAL, LETTER, NUMBER, SPACE, UPPER, characters, count, trim};

/// Words of the longest line that loses a phrase.
const MOST_WORDS: usize = 10;
/// A line of digits only goes, as DCLM asks for it: when more than this share of it is digits.
const MOST_DIGITS: f64 = 0.999_999;
const COUNTED: [&str; 12] = [
    "likes",
    "shares",
    "comments",
    "retweets",
    "reposts",
    "quotes",
    "bookmarks",
    "upvotes",
    "downvotes",
    "downloads",
    "views",
    "followers",
];
/// Python's `str.isdigit` but not `str.isdecimal`.
const OTHER_DIGITS: [(u32, u32); 20] = [
    (0xB2, 0xB3),
    (0xB9, 0xB9),
    (0x1369, 0x1371),
    (0x19DA, 0x19DA),
    (0x2070, 0x2070),
    (0x2074, 0x2079),
    (0x2080, 0x2089),
    (0x2460, 0x2468),
    (0x2474, 0x247C),
    (0x2488, 0x2490),
    (0x24EA, 0x24EA),
    (0x24F5, 0x24FD),
    (0x24FF, 0x24FF),
    (0x2776, 0x277E),
    (0x2780, 0x2788),
    (0x278A, 0x2792),
    (0x10A40, 0x10A43),
    (0x10E60, 0x10E68),
    (0x11052, 0x1105A),
    (0x1F100, 0x1F10A),
];

fn is_space(one: char) -> bool {
    characters().is(one, SPACE)
}

/// Python's `str.isalnum` of one character.
pub fn is_alphanumeric(one: char) -> bool {
    characters().is(one, LETTER | NUMBER)
}

fn is_digit(one: char) -> bool {
    characters().is(one, DECIMAL)
        || (!one.is_ascii() && OTHER_DIGITS.iter().any(|&(first, last)| (first..=last).contains(&(one as u32))))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(is_space).filter(|word| !word.is_empty())
}

fn is_shouted(line: &str) -> bool {
    if line.is_ascii() {
        return line.bytes().filter(u8::is_ascii_uppercase).count() * 2 > line.len();
    }
    let table = characters();
    let upper = line.chars().filter(|&one| table.is(one, UPPER)).count();
    upper > 0 && upper as f64 / count(line.as_bytes()) as f64 > 0.5
}

fn is_number(line: &str) -> bool {
    if !line.starts_with(is_digit) && line.len() < 1_000_000 {
        return false;
    }
    let digits = line.chars().filter(|&one| is_digit(one)).count();
    digits as f64 / count(line.as_bytes()) as f64 > MOST_DIGITS
}

/// Whether a word is another in lower case: Python's `lower` makes an ASCII letter of the Kelvin sign too.
fn is_lowered(word: &str, lower: &str) -> bool {
    word.eq_ignore_ascii_case(lower)
        || (word.contains('\u{212A}') && word.replace('\u{212A}', "k").eq_ignore_ascii_case(lower))
}

/// `3 likes`, `(1.2k Views)`.
fn is_counter(line: &str) -> bool {
    let outside = |one: char| !is_alphanumeric(one) && one != '_';
    let line = line.trim_start_matches(outside);
    let is_decimal = |one: char| characters().is(one, DECIMAL);
    if !line.starts_with(is_decimal) {
        return false;
    }
    let line = line.trim_end_matches(outside);
    let Some(thing_at) =
        line.rfind(is_space).map(|space| space + line[space..].chars().next().map_or(1, char::len_utf8))
    else {
        return false;
    };
    if !COUNTED.iter().any(|known| is_lowered(&line[thing_at..], known)) {
        return false;
    }
    let number = line[..thing_at].trim_end_matches(is_space);
    let digits = number.strip_suffix(['k', 'K', 'm', 'M', 'b', 'B', '\u{212A}']).unwrap_or(number);
    digits.starts_with(is_decimal) && digits.chars().all(|one| is_decimal(one) || matches!(one, ',' | '.'))
}

/// Whether a character is `small` in any case, as Python's `re.IGNORECASE` has it.
fn is_any_case(one: char, small: char) -> bool {
    one.to_ascii_lowercase() == small
        || match small {
            'i' => matches!(one, '\u{130}' | '\u{131}'),
            's' => one == '\u{17F}',
            'k' => one == '\u{212A}',
            _ => false,
        }
}

/// What is behind `phrase` (`.` is any character), if a text starts with it.
fn behind<'t>(text: &'t str, phrase: &str) -> Option<&'t str> {
    let mut rest = text.chars();
    phrase
        .chars()
        .all(|small| rest.next().is_some_and(|one| small == '.' || is_any_case(one, small)))
        .then_some(rest.as_str())
}

/// Which phrase goes, with one white space beside it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phrase {
    Anywhere,
    AtEnd,
    AtStart,
}

impl Phrase {
    const ALL: [Self; 3] = [Self::Anywhere, Self::AtEnd, Self::AtStart];

    fn text(self) -> &'static str {
        match self {
            Self::Anywhere => "items in cart",
            Self::AtEnd => "read more...",
            Self::AtStart => "sign-in",
        }
    }

    /// A part of it whose letters have no other forms than ASCII's.
    fn core(self) -> &'static [u8] {
        match self {
            Self::Anywhere => b"n cart",
            Self::AtEnd => b"read more",
            Self::AtStart => b"gn-",
        }
    }

    /// A line without the phrase; `None` if it is not there.
    fn taken_from(self, line: &str) -> Option<String> {
        match self {
            Self::AtStart => {
                let rest = behind(line, self.text())?;
                Some(String::from(rest.strip_prefix(is_space).unwrap_or(rest)))
            }
            Self::AtEnd => {
                let (at, _) = line.char_indices().rev().nth(self.text().len() - 1)?;
                behind(&line[at..], self.text())?;
                let head = &line[..at];
                Some(String::from(head.strip_suffix(is_space).unwrap_or(head)))
            }
            Self::Anywhere => {
                let (mut left, mut kept, mut at) = (None, 0, 0);
                while let Some(one) = line[at..].chars().next() {
                    let after = at + one.len_utf8();
                    let rest = if is_space(one) { behind(&line[after..], self.text()) } else { None };
                    match rest.or_else(|| behind(&line[at..], self.text())) {
                        Some(rest) => {
                            left.get_or_insert_with(String::new).push_str(&line[kept..at]);
                            at = line.len() - rest.len();
                            kept = at;
                        }
                        None => at = after,
                    }
                }
                left.map(|left| left + &line[kept..])
            }
        }
    }
}

/// Whether a text holds `small`, in capital or small ASCII letters.
fn holds_any_case(text: &[u8], small: &[u8]) -> bool {
    let finder = memchr::memmem::Finder::new(small);
    let mut lower = [0; 4096];
    // Parts overlap by what may lie across their ends.
    let step = lower.len() - small.len();
    (0..text.len()).step_by(step).any(|start| {
        let part = &text[start..text.len().min(start + step + small.len())];
        let lower = &mut lower[..part.len()];
        lower.copy_from_slice(part);
        lower.make_ascii_lowercase();
        finder.find(lower).is_some()
    })
}

/// A line that is not empty.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Empty lines before it.
    empty: u32,
    /// Its place in the text; of one that was changed its number there, and an end of 0.
    start: u32,
    end: u32,
}

/// The lines that are left of a text, and how many went. Twelve bytes of memory a line that is not empty.
#[derive(Debug)]
pub struct Cleared<'t> {
    text: &'t str,
    pieces: Vec<Piece>,
    /// Changed lines one after another, and where each ends.
    changed: String,
    ends: Vec<usize>,
    pub dropped: u64,
}

impl<'t> Cleared<'t> {
    pub fn new(text: &'t str) -> Self {
        let mut cleared = Self { text, pieces: Vec::new(), changed: String::new(), ends: Vec::new(), dropped: 0 };
        let (mut start, mut empty) = (0, 0);
        for end in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
            if start == end {
                empty += 1;
            } else {
                cleared.pieces.push(Piece { empty, start: start as u32, end: end as u32 });
                empty = 0;
            }
            start = end + 1;
        }
        cleared.keep(|line| !is_shouted(line));
        cleared.strip();
        cleared.keep(|line| !is_number(line));
        cleared.strip();
        cleared.keep(|line| !is_counter(line));
        cleared.strip();
        cleared.keep(|line| words(line).nth(1).is_some());
        for phrase in Phrase::ALL {
            // What was taken may have left another phrase. There are no lines of white space only any more.
            if !cleared.ends.is_empty() || holds_any_case(text.as_bytes(), phrase.core()) {
                cleared.take(phrase);
            }
            cleared.strip();
        }
        cleared
    }

    /// The lines that are left.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.pieces
            .iter()
            .flat_map(|piece| std::iter::repeat_n("", piece.empty as usize).chain(std::iter::once(self.line(*piece))))
    }

    fn line(&self, piece: Piece) -> &str {
        if piece.end > 0 {
            return &self.text[piece.start as usize..piece.end as usize];
        }
        let number = piece.start as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.changed[start..self.ends[number]]
    }

    /// Go over the lines that are not empty; where `judge` says no they go, and where it gives another text they become that.
    fn retain(&mut self, judge: impl Fn(&str) -> (bool, Option<String>)) {
        let (mut kept, mut empty) = (0, 0);
        for index in 0..self.pieces.len() {
            let mut piece = self.pieces[index];
            empty += piece.empty;
            let (is_good, other) = judge(self.line(piece));
            if !is_good {
                self.dropped += 1;
                continue;
            }
            if let Some(other) = other {
                self.changed.push_str(&other);
                (piece.start, piece.end) = (self.ends.len() as u32, 0);
                self.ends.push(self.changed.len());
            }
            self.pieces[kept] = Piece { empty: std::mem::take(&mut empty), ..piece };
            kept += 1;
        }
        // Empty lines behind the last one go with the next strip, which comes before anyone looks.
        self.pieces.truncate(kept);
    }

    fn keep(&mut self, good: impl Fn(&str) -> bool) {
        self.retain(|line| (good(line), None));
    }

    fn take(&mut self, phrase: Phrase) {
        self.retain(|line| {
            if words(line).nth(MOST_WORDS).is_some() {
                return (true, None);
            }
            let left = phrase.taken_from(line);
            let is_blank = trim(left.as_deref().unwrap_or(line)).is_empty();
            (!is_blank, left)
        });
    }

    /// Take white space from both ends of the text.
    fn strip(&mut self) {
        let is_written = |piece: &Piece| !trim(self.line(*piece)).is_empty();
        let first = self.pieces.iter().position(is_written).unwrap_or(self.pieces.len());
        let last = self.pieces.iter().rposition(is_written).map_or(first, |last| last + 1);
        self.pieces.truncate(last);
        self.pieces.drain(..first);
        if let Some(first) = self.pieces.first().copied() {
            let left = self.line(first).trim_start_matches(is_space).len();
            self.pieces[0] = Piece { empty: 0, ..self.shortened(first, |line| line.len() - left..line.len()) };
        }
        if let Some(last) = self.pieces.last().copied() {
            let left = self.line(last).trim_end_matches(is_space).len();
            let last = self.shortened(last, |_| 0..left);
            if let Some(place) = self.pieces.last_mut() {
                *place = last;
            }
        }
    }

    /// A piece that is a part of itself.
    fn shortened(&mut self, piece: Piece, part: impl Fn(&str) -> std::ops::Range<usize>) -> Piece {
        let line = self.line(piece);
        let part = part(line);
        if part.len() == line.len() {
            return piece;
        }
        if piece.end > 0 {
            let start = piece.start + part.start as u32;
            return Piece { start, end: start + part.len() as u32, ..piece };
        }
        let left = String::from(&line[part]);
        self.changed.push_str(&left);
        self.ends.push(self.changed.len());
        Piece { start: self.ends.len() as u32 - 1, ..piece }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_or_stay() {
        for (line, left) in [
            ("A good sentence of a page.", "A good sentence of a page."),
            ("SIGN UP NOW TODAY", ""),
            ("123456", ""),
            ("(1,234 likes)", ""),
            ("3.4k Views", ""),
            ("3 like", "3 like"),
            ("Home", ""),
            ("Sign-in to your account", "to your account"),
            ("It goes on. Read more...", "It goes on."),
            ("It goes on. Read more now", "It goes on. Read more now"),
            ("You have 3 Items in Cart now", "You have 3 now"),
            (
                "sign-in one two three four five six seven eight nine ten",
                "sign-in one two three four five six seven eight nine ten",
            ),
        ] {
            assert_eq!(Cleared::new(line).lines().collect::<Vec<_>>().join("\n"), left, "{line}");
        }
    }
}
