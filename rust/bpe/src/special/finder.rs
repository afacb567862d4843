//! Finding strings in a text: the longest that starts at a place, and the next place where one starts.
//!
//! Added tokens are rare in most texts, and where none can be is seen from two bytes: 64 places at a time are asked
//! whether their byte is the first of a token and the next one its second. What remains walks a tree of the tokens. Where a text
//! keeps starting like a long token and is none, walks would cost its length times the token's: an automaton goes on.

use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use tokenfoundry_kernels::byte_pairs::{BLOCK, BytePairs};

const NONE: u32 = u32::MAX;

#[derive(Clone, Debug, Default)]
struct Node {
    /// Bytes and nodes, by byte.
    edges: Vec<(u8, u32)>,
    /// Which string ends here.
    ends: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct Finder {
    /// Where a string may start.
    starts: BytePairs,
    roots: Box<[u32; 256]>,
    nodes: Vec<Node>,
    /// The strings and their numbers; of equal ones the first.
    strings: Vec<(Box<[u8]>, u32)>,
    automaton: OnceLock<Option<Arc<AhoCorasick>>>,
}

/// Steps of walks in vain that are taken before the automaton is, and for each byte that they brought on.
const STEPS: usize = 1 << 14;
const STEPS_A_BYTE: usize = 16;

impl Finder {
    /// Strings are numbered from 0; of equal ones the first counts. An empty one is never found.
    pub fn new<'a>(strings: impl Iterator<Item = &'a [u8]> + Clone) -> Self {
        let mut roots = Box::new([NONE; 256]);
        let mut nodes: Vec<Node> = Vec::new();
        let mut unlike: Vec<(Box<[u8]>, u32)> = Vec::new();
        let (mut first, mut second) = ([0u8; 256], [0u8; 256]);
        // A bit for each first byte, shared where there are more than eight.
        let mut groups = 0;
        for (number, string) in (0u32..).zip(strings) {
            let Some((&head, rest)) = string.split_first() else { continue };
            if first[head as usize] == 0 {
                first[head as usize] = 1 << (groups % 8);
                groups += 1;
            }
            let group = first[head as usize];
            match rest.first() {
                Some(&next) => second[next as usize] |= group,
                None => second.iter_mut().for_each(|all| *all |= group),
            }
            let add_node = |nodes: &mut Vec<Node>| {
                nodes.push(Node::default());
                nodes.len() as u32 - 1
            };
            let mut at = roots[head as usize];
            if at == NONE {
                at = add_node(&mut nodes);
                roots[head as usize] = at;
            }
            for &byte in rest {
                let edges = &nodes[at as usize].edges;
                at = match edges.binary_search_by_key(&byte, |edge| edge.0) {
                    Ok(found) => edges[found].1,
                    Err(place) => {
                        let new = add_node(&mut nodes);
                        nodes[at as usize].edges.insert(place, (byte, new));
                        new
                    }
                };
            }
            if nodes[at as usize].ends.is_none() {
                nodes[at as usize].ends = Some(number);
                unlike.push((string.into(), number));
            }
        }
        let starts = BytePairs::new(first, second);
        Self { starts, roots, nodes, strings: unlike, automaton: OnceLock::new() }
    }

    /// Where strings may start: bit i of `masks` is the place `start + i`. Only there [`Self::longest_at`] finds any.
    pub fn candidates(&self, text: &[u8], start: usize, masks: &mut [u64]) {
        self.starts.masks(text, start, masks);
    }

    /// The longest string that starts at `at`, and its length.
    pub fn longest_at(&self, text: &[u8], at: usize) -> Option<(u32, usize)> {
        self.walk(text, at, &mut 0)
    }

    /// The same, and how many steps that took.
    fn walk(&self, text: &[u8], at: usize, steps: &mut usize) -> Option<(u32, usize)> {
        let mut bytes = text[at..].iter();
        let mut node = self.nodes.get(self.roots[*bytes.next()? as usize] as usize)?;
        let mut longest = node.ends.map(|number| (number, 1));
        for (&byte, length) in bytes.zip(2..) {
            let edges = &node.edges;
            let next = match edges.as_slice() {
                [] => break,
                [(only, next)] if *only == byte => *next,
                [_] => break,
                _ => match edges.binary_search_by_key(&byte, |edge| edge.0) {
                    Ok(found) => edges[found].1,
                    Err(_) => break,
                },
            };
            node = &self.nodes[next as usize];
            *steps += 1;
            if let Some(number) = node.ends {
                longest = Some((number, length));
            }
        }
        longest
    }

    /// The first place from `from` on where a string starts: the place, the longest string there, and its length.
    pub fn next(&self, text: &[u8], from: usize) -> Option<(usize, u32, usize)> {
        let mut masks = [0; 16];
        // A near match costs one mask, a far one many at once.
        let mut words = 1;
        let (mut at, mut steps) = (from, 0);
        while at < text.len() {
            self.candidates(text, at, &mut masks[..words]);
            for (word, &mask) in masks[..words].iter().enumerate() {
                if mask == 0 {
                    continue;
                }
                let start = at + word * BLOCK;
                match self.first_of(text, start, mask, from, &mut steps) {
                    Ok(Some(found)) => return Some(found),
                    Ok(None) => {}
                    Err(place) => return self.next_by_automaton(text, place, text.len()),
                }
            }
            at += words * BLOCK;
            words = (words * 2).min(masks.len());
        }
        None
    }

    /// The first of the places of `mask`, from `start` on, where a string starts; or where to go on by
    /// [`Self::next_by_automaton`], if `steps` since `from` are too many.
    pub fn first_of(
        &self,
        text: &[u8],
        start: usize,
        mut mask: u64,
        from: usize,
        steps: &mut usize,
    ) -> Result<Option<(usize, u32, usize)>, usize> {
        while mask != 0 {
            let place = start + mask.trailing_zeros() as usize;
            mask &= mask - 1;
            if place >= text.len() {
                break;
            }
            if *steps > STEPS + (place - from) * STEPS_A_BYTE {
                return Err(place);
            }
            if let Some((number, length)) = self.walk(text, place, steps) {
                return Ok(Some((place, number, length)));
            }
        }
        Ok(None)
    }

    /// [`Self::next`] for places before `until`, in time that does not depend on the strings.
    #[cold]
    pub fn next_by_automaton(&self, text: &[u8], from: usize, until: usize) -> Option<(usize, u32, usize)> {
        let make = || {
            let strings = self.strings.iter().map(|(string, _)| string);
            // No table of all transitions: making one costs the square of a long string.
            let kind = Some(AhoCorasickKind::ContiguousNFA);
            let automaton = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .kind(kind)
                .prefilter(false)
                .build(strings);
            automaton.ok().map(Arc::new)
        };
        let Some(automaton) = self.automaton.get_or_init(make) else {
            // More strings than an automaton takes.
            return (from..until).find_map(|at| self.longest_at(text, at).map(|(number, length)| (at, number, length)));
        };
        let longest = self.strings.iter().map(|(string, _)| string.len()).max().unwrap_or(0);
        let end = text.len().min(until.saturating_add(longest));
        let found = automaton.find(Input::new(text).range(from.min(end)..end))?;
        let (_, number) = self.strings[found.pattern().as_usize()];
        (found.start() < until).then_some((found.start(), number, found.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_definition(strings: &[&[u8]], text: &[u8], from: usize) -> Option<(usize, u32, usize)> {
        (from..text.len()).find_map(|at| {
            let here = strings.iter().zip(0u32..).filter(|(string, _)| text[at..].starts_with(string));
            let longest = here.max_by_key(|(string, number)| (string.len(), u32::MAX - number));
            longest.filter(|(string, _)| !string.is_empty()).map(|(string, number)| (at, number, string.len()))
        })
    }

    #[test]
    fn a_text_that_keeps_starting_like_a_long_string_is_searched_once() {
        let length = 50_000;
        let mut long = vec![b'a'; length];
        long.push(b'N');
        let finder = Finder::new([&long[..], b"ab", b"aab"].into_iter());
        // A walk from each place would be 10^10 steps.
        let mut text = vec![b'a'; 4 * length];
        assert_eq!(finder.next(&text, 0), None);
        text.extend(b"b..");
        assert_eq!(finder.next(&text, 0), Some((4 * length - 2, 2, 3)));
        text[3 * length] = b'N';
        assert_eq!(finder.next(&text, 0), Some((2 * length, 0, length + 1)));
        assert_eq!(finder.next_by_automaton(&text, 0, 2 * length), None);
        assert_eq!(finder.next_by_automaton(&text, 0, 2 * length + 1), Some((2 * length, 0, length + 1)));
    }

    #[test]
    fn finds_what_looking_everywhere_finds() {
        let few: &[&[u8]] = &[b"<a>", b"<", b"\n", b"\n\n\n", b"ab", b"abcd", b"ab", "\u{2581}\u{2581}".as_bytes()];
        let letters: Vec<Vec<u8>> = (b'a'..=b'p').map(|byte| vec![byte, byte ^ 1, b'x']).collect();
        let many: Vec<&[u8]> = letters.iter().map(Vec::as_slice).collect();
        let mut seed = 12345u64;
        for length in 0..300usize {
            let mut text: Vec<u8> = Vec::new();
            while text.len() < length {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let number = (seed >> 33) as usize;
                match number % 5 {
                    0 => text.extend_from_slice(few[number / 5 % few.len()]),
                    1 => text.extend_from_slice(many[number / 5 % many.len()]),
                    _ => text.extend([b'x'; 17].iter().take(number / 5 % 17)),
                }
            }
            for strings in [few, &many, &[], &[b"ab"]] {
                let finder = Finder::new(strings.iter().copied());
                for from in [0, 1, length / 2, text.len()] {
                    let expected = by_definition(strings, &text, from);
                    assert_eq!(finder.next(&text, from), expected);
                    assert_eq!(finder.next_by_automaton(&text, from, text.len()), expected);
                }
            }
        }
    }
}
