//! Pieces of many files of little-endian `u32`, put one after another.
//!
//! The files are read, not mapped: pages of a map count as memory of the process for as long as the map is there, and
//! a shard has pieces of every unit, so mapping them all would take as much memory as the corpus has tokens. Each file
//! is opened once, and read from front to back. Memory: the result, 16 bytes a piece, and a buffer.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const WIDTH: u64 = 4;
/// Pieces nearer to each other than this are read in one go, of at most [`BUFFER`] bytes.
const GAP: u64 = 16 << 10;
const BUFFER: u64 = 256 << 10;

/// A file that could not be read; `error` is of kind `UnexpectedEof` where a piece lies outside it.
#[derive(Debug)]
pub struct Failed {
    pub path: PathBuf,
    pub error: io::Error,
}

/// Of piece `i` `length[i]` numbers from `first[i]` of `paths[file[i]]`. None of the slices is longer than another;
/// numbers below zero and files that are not there are as pieces outside.
pub fn gather(paths: &[PathBuf], file: &[i64], first: &[i64], length: &[i64]) -> Result<Vec<u32>, Failed> {
    let mut places = Vec::with_capacity(file.len());
    let mut total = 0_usize;
    for &length in length {
        places.push(total);
        total =
            usize::try_from(length).ok().and_then(|length| total.checked_add(length)).ok_or_else(|| outside(paths))?;
    }
    let mut order: Vec<usize> = (0..file.len()).collect();
    order.sort_unstable_by_key(|&piece| (file[piece], first[piece]));
    let mut gathered = vec![0_u32; total];
    let mut buffer = Vec::new();
    for group in order.chunk_by(|&left, &right| file[left] == file[right]) {
        let path = usize::try_from(file[group[0]]).ok().and_then(|number| paths.get(number));
        let path = path.ok_or_else(|| outside(paths))?;
        of_file(path, group, first, length, &places, &mut buffer, &mut gathered)
            .map_err(|error| Failed { path: path.clone(), error })?;
    }
    Ok(gathered)
}

fn outside(paths: &[PathBuf]) -> Failed {
    Failed { path: paths.first().cloned().unwrap_or_default(), error: io::ErrorKind::UnexpectedEof.into() }
}

/// The pieces of one file, which `group` has in the order of their beginnings.
fn of_file(
    path: &Path,
    group: &[usize],
    first: &[i64],
    length: &[i64],
    places: &[usize],
    buffer: &mut Vec<u8>,
    gathered: &mut [u32],
) -> io::Result<()> {
    let mut opened = File::open(path)?;
    let size = opened.metadata()?.len();
    let span = |piece: usize| -> io::Result<(u64, u64)> {
        let bytes = |count: i64| u64::try_from(count).ok().and_then(|count| count.checked_mul(WIDTH));
        let begin = bytes(first[piece]);
        let end = begin.zip(bytes(length[piece])).and_then(|(begin, length)| begin.checked_add(length));
        begin.zip(end).filter(|&(_, end)| end <= size).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    };
    let mut rest = group;
    while let Some(&piece) = rest.first() {
        let (begin, mut end) = span(piece)?;
        let mut together = 1;
        while let Some(&next) = rest.get(together) {
            let (from, to) = span(next)?;
            if from > end + GAP || to.max(end) - begin > BUFFER {
                break;
            }
            end = end.max(to);
            together += 1;
        }
        opened.seek(SeekFrom::Start(begin))?;
        let mut read_to = begin;
        while read_to < end {
            // A piece that is longer than the buffer goes through it in steps.
            let step = (end - read_to).min(BUFFER);
            buffer.resize(step as usize, 0);
            opened.read_exact(buffer)?;
            for &piece in &rest[..together] {
                let (from, to) = span(piece)?;
                let (low, high) = (from.max(read_to), to.min(read_to + step));
                if low < high {
                    let target = places[piece] + ((low - from) / WIDTH) as usize;
                    let source = &buffer[(low - read_to) as usize..(high - read_to) as usize];
                    for (number, bytes) in gathered[target..].iter_mut().zip(source.as_chunks::<4>().0) {
                        *number = u32::from_le_bytes(*bytes);
                    }
                }
            }
            read_to += step;
        }
        rest = &rest[together..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(name: &str, contents: &[Vec<u32>]) -> Vec<PathBuf> {
        let folder = std::env::temp_dir().join(format!("tokenfoundry-pieces-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let write = |(number, content): (usize, &Vec<u32>)| {
            let path = folder.join(number.to_string());
            let bytes: Vec<u8> = content.iter().flat_map(|value| value.to_le_bytes()).collect();
            std::fs::write(&path, bytes).expect("a file");
            path
        };
        contents.iter().enumerate().map(write).collect()
    }

    #[test]
    fn pieces_are_those_of_slices() {
        let contents: Vec<Vec<u32>> =
            [3_u32, 0, 200_000, 70_001].iter().map(|&size| (0..size).map(|value| value * 7 + size).collect()).collect();
        let paths = files("slices", &contents);
        let mut state = 1_u64;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below.max(1)
        };
        let (mut file, mut first, mut length, mut expected) = (vec![], vec![], vec![], vec![]);
        for piece in 0..500 {
            let number = draw(4);
            let from = draw(contents[number].len() + 1);
            let most = contents[number].len() - from;
            let count = if piece % 50 == 0 { most } else { draw(most.min(3_000) + 1) };
            file.push(number as i64);
            first.push(from as i64);
            length.push(count as i64);
            expected.extend_from_slice(&contents[number][from..from + count]);
        }
        assert_eq!(gather(&paths, &file, &first, &length).expect("all inside"), expected);
        assert!(gather(&paths, &[], &[], &[]).expect("nothing").is_empty());
    }

    #[test]
    fn a_piece_outside_names_its_file() {
        let paths = files("outside", &[vec![1, 2, 3], vec![4]]);
        for (file, first, length) in
            [(1, 0, 2), (1, 2, 0), (1, -1, 1), (1, 0, -1), (1, i64::MAX, 1), (2, 0, 1), (-1, 0, 1)]
        {
            let failed = gather(&paths, &[0, file], &[0, first], &[3, length]).expect_err("outside");
            assert_eq!(failed.error.kind(), io::ErrorKind::UnexpectedEof);
        }
        let gone = vec![paths[0].with_file_name("gone")];
        assert_eq!(gather(&gone, &[0], &[0], &[1]).expect_err("gone").error.kind(), io::ErrorKind::NotFound);
    }
}
