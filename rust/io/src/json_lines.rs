//! Whole lines of a JSON Lines file as columns, with the ids and content hashes of their documents.

use memchr::memchr;
use tokenfoundry_base::stable_hash::hash128;

use crate::json_line::{Keys, take};

/// Documents of the lines that were taken, in order; n of them.
#[derive(Debug, Default)]
pub struct Columns {
    pub texts: Vec<u8>,
    /// n + 1
    pub offsets: Vec<i64>,
    /// Number of each document's line in its file.
    pub numbers: Vec<i64>,
    pub ids: Vec<Option<String>>,
    pub licences: Vec<Option<String>>,
    /// xxh3-128 of `prefix` and the line's number in decimal.
    pub identities: Vec<[u8; 16]>,
    pub contents: Vec<[u8; 16]>,
    /// Lines that were not: number, and where they begin and end in the block.
    pub declined: Vec<(i64, usize, usize)>,
}

/// Read a block of whole lines. `first` is the number of its first line; lines of more than `most_bytes` are declined,
/// and so is one that begins with a byte order mark. Lines that are empty are counted and skipped.
pub fn read(block: &[u8], first: i64, keys: &Keys, most_bytes: usize, prefix: &[u8]) -> Columns {
    let mut columns = Columns { offsets: vec![0], ..Columns::default() };
    columns.texts.reserve(block.len());
    let mut key = prefix.to_vec();
    let (mut at, mut number) = (0, first);
    while at < block.len() {
        let end = memchr(b'\n', &block[at..]).map_or(block.len(), |length| at + length);
        let line = &block[at..end];
        let sound =
            !line.is_empty() && line.len() <= most_bytes && line[0] != 0xEF && simdutf8::basic::from_utf8(line).is_ok();
        match sound.then(|| take(line, keys, &mut columns.texts)).flatten() {
            Some(short) => {
                let start = columns.offsets.last().map_or(0, |&offset| offset as usize);
                columns.contents.push(hash128(&columns.texts[start..]).to_be_bytes());
                columns.offsets.push(columns.texts.len() as i64);
                key.truncate(prefix.len());
                key.extend_from_slice(number.to_string().as_bytes());
                columns.identities.push(hash128(&key).to_be_bytes());
                columns.numbers.push(number);
                columns.ids.push(short.id);
                columns.licences.push(short.licence);
            }
            None if line.is_empty() => {}
            None => columns.declined.push((number, at, end)),
        }
        at = end + 1;
        number += 1;
    }
    columns
}

/// Newlines in `block`.
pub fn count(block: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', block).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lines_and_leaves_odd_ones() {
        let block = b"{\"text\": \"a\"}\n\n{\"text\": \"\xff\"}\r\n{\"text\": \"bc\"}\r\nnonsense";
        let keys = Keys { text: b"text".to_vec(), id: None, licence: None };
        let columns = read(block, 7, &keys, 1000, b"source\0uri\0");
        assert_eq!(columns.texts, b"abc");
        assert_eq!(columns.offsets, [0, 1, 3]);
        assert_eq!(columns.numbers, [7, 10]);
        assert_eq!(columns.identities[1], hash128(b"source\0uri\x0010").to_be_bytes());
        assert_eq!(columns.contents[1], hash128(b"bc").to_be_bytes());
        let odd: Vec<(i64, &[u8])> =
            columns.declined.iter().map(|&(number, from, to)| (number, &block[from..to])).collect();
        assert_eq!(odd, [(9, &b"{\"text\": \"\xff\"}\r"[..]), (11, b"nonsense")]);
        assert_eq!(read(block, 1, &keys, 5, b"").declined.len(), 4);
        assert_eq!(read(b"", 1, &keys, 5, b"").numbers.len(), 0);
    }
}
