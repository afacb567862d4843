//! All shards of a directory as one sequence of rows, and as one sequence of tokens.
//!
//! Here is what lies where, and reading a run of tokens; `gather` reads batches. Each block is hashed on its first touch.
//! [`Set::will_need`] tells the kernel of batches to come, which for random windows from a cold disk is an order of
//! magnitude.

use std::ops::Range;
use std::path::Path;

use tokenfoundry_base::stable_hash::hash64;
use tokenfoundry_base::{Cancel, pool};
use tokenfoundry_kernels::prefetch::prefetch_all;

use crate::layout::shard_name;
use crate::read::{Shard, Token};
use crate::{ShardError, Stopped, io_error};

pub struct Set {
    pub(crate) shards: Vec<Shard>,
    /// First row of each shard, and the number of rows.
    first_rows: Vec<u64>,
    pub(crate) first_tokens: Vec<u64>,
    first_pieces: Vec<u64>,
}

impl Set {
    /// Open `shard-00000` and so on. `unfinished`: take what an interrupted writer had finished.
    pub fn open(directory: &Path, unfinished: bool) -> Result<Self, ShardError> {
        let wrong = |what: String| Err(ShardError(format!("{}: {what}", directory.display())));
        if !directory.is_dir() {
            return wrong("is not a directory of shards".to_owned());
        }
        let mut names = Vec::new();
        let unreadable = |error| io_error(directory, "cannot be read", error);
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            if let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".tfi"))
                && stem.starts_with("shard-")
            {
                names.push(stem.to_owned());
            }
        }
        if names.is_empty() {
            return wrong("has no shards (no shard-*.tfi)".to_owned());
        }
        names.sort_by_key(|name| (name.len(), name.clone()));
        let mut shards: Vec<Shard> = Vec::new();
        for (number, name) in (0..).zip(&names) {
            if *name != shard_name(number) {
                return wrong(format!("{} is missing, but there is {name}", shard_name(number)));
            }
            let shard = Shard::open(&directory.join(name))?;
            if shard.sidecar.number != number {
                return wrong(format!("{name}.tfi is that of shard {} under another name", shard.sidecar.number));
            }
            if let Some(first) = shards.first()
                && let Some(what) = difference(first, &shard)
            {
                return wrong(format!("{name} and {} differ in their {what}: they are of two sets", shard_name(0)));
            }
            shards.push(shard);
        }
        let last = shards.iter().position(|shard| shard.sidecar.last);
        match last {
            Some(last) if last + 1 < shards.len() => {
                return wrong(format!("{} ends the set, but {} follows", names[last], names[last + 1]));
            }
            None if !unfinished => {
                return wrong(format!(
                    "the set ends after {}, which is not its last shard: it was not written or not copied to its end",
                    names[shards.len() - 1]
                ));
            }
            _ => {}
        }
        let sums = |count: &dyn Fn(&Shard) -> u64| {
            let mut total = 0;
            let mut firsts = vec![0];
            firsts.extend(shards.iter().map(|shard| {
                total += count(shard);
                total
            }));
            firsts
        };
        let first_rows = sums(&|shard| shard.sidecar.rows() as u64);
        let first_tokens = sums(&|shard| shard.sidecar.tokens());
        let first_pieces = sums(&|shard| shard.sidecar.pieces() as u64);
        Ok(Self { shards, first_rows, first_tokens, first_pieces })
    }

    /// At least one.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    pub fn row_count(&self) -> u64 {
        self.first_rows[self.shards.len()]
    }

    pub fn token_count(&self) -> u64 {
        self.first_tokens[self.shards.len()]
    }

    pub fn piece_count(&self) -> u64 {
        self.first_pieces[self.shards.len()]
    }

    /// Stands for every byte of the set.
    pub fn checksum(&self) -> u64 {
        let checksums: Vec<u8> = self.shards.iter().flat_map(|shard| shard.checksum.to_le_bytes()).collect();
        hash64(&checksums)
    }

    /// A piece, counted in the set: its tokens, counted in the set.
    pub fn piece_range(&self, piece: u64) -> Range<u64> {
        let shard = self.first_pieces.partition_point(|&first| first <= piece).clamp(1, self.shards.len()) - 1;
        let bounds = &self.shards[shard].sidecar.piece_tokens;
        let local = (piece - self.first_pieces[shard]) as usize;
        let base = self.first_tokens[shard];
        base + bounds[local]..base + bounds[local + 1]
    }

    /// A piece's document id, and its first token counted in the document.
    pub fn piece_origin(&self, piece: u64) -> ([u8; 16], u64) {
        let shard = self.first_pieces.partition_point(|&first| first <= piece).clamp(1, self.shards.len()) - 1;
        let local = (piece - self.first_pieces[shard]) as usize;
        let sidecar = &self.shards[shard].sidecar;
        (sidecar.piece_documents[local], sidecar.piece_starts[local])
    }

    /// The pieces of a row, counted in the set.
    pub fn row_pieces(&self, row: u64) -> Result<Range<u64>, ShardError> {
        let (shard, local) = self.locate(row)?;
        let pieces = self.shards[shard].row_pieces(local);
        let base = self.first_pieces[shard];
        Ok(base + pieces.start as u64..base + pieces.end as u64)
    }

    /// The piece that a token lies in, counted in the set.
    pub fn piece_of(&self, token: u64) -> u64 {
        let shard = self.first_tokens.partition_point(|&first| first <= token).clamp(1, self.shards.len()) - 1;
        let bounds = &self.shards[shard].sidecar.piece_tokens;
        let local = bounds.partition_point(|&first| first <= token - self.first_tokens[shard]) - 1;
        self.first_pieces[shard] + local as u64
    }

    /// Whether all shards have a side column; its number and its bytes a value.
    pub fn column(&self, name: &str) -> Option<(usize, usize)> {
        let columns = &self.shards[0].sidecar.columns;
        let number = columns.iter().position(|column| column.name == name)?;
        Some((number, columns[number].kind.bytes()))
    }

    /// First row of each shard, and the number of rows.
    pub fn first_rows(&self) -> &[u64] {
        &self.first_rows
    }

    /// Shard of a row, and the row in it.
    pub fn locate(&self, row: u64) -> Result<(usize, usize), ShardError> {
        if row >= self.row_count() {
            return Err(ShardError(format!("row {row} of {} rows", self.row_count())));
        }
        let shard = self.first_rows.partition_point(|&first| first <= row) - 1;
        Ok((shard, (row - self.first_rows[shard]) as usize))
    }

    /// A row's tokens, counted in the set.
    pub fn row_range(&self, row: u64) -> Result<Range<u64>, ShardError> {
        let (shard, local) = self.locate(row)?;
        let range = self.shards[shard].row_tokens(local);
        Ok(self.first_tokens[shard] + range.start..self.first_tokens[shard] + range.end)
    }

    /// Copy tokens, counted in the set, across shards where need be; `out` has room for exactly these.
    pub fn copy<T: Token>(&self, range: Range<u64>, out: &mut [T]) -> Result<(), ShardError> {
        self.copy_before(range, out, &[])
    }

    /// The same; `ahead` is what will be read next, as [`Set::to_come`] has it, and is asked for on the way.
    pub fn copy_before<T: Token>(&self, range: Range<u64>, out: &mut [T], ahead: &[u8]) -> Result<(), ShardError> {
        self.over_shards(range, |shard, part, done| {
            let length = (part.end - part.start) as usize;
            self.shards[shard].copy(part, &mut out[done..done + length], ahead)
        })
    }

    /// The same of a side column, in bytes.
    pub fn copy_column(&self, column: usize, range: Range<u64>, out: &mut [u8]) -> Result<(), ShardError> {
        let width = self.shards[0].sidecar.columns[column].kind.bytes();
        self.over_shards(range, |shard, part, done| {
            let length = (part.end - part.start) as usize;
            self.shards[shard].copy_column(column, part, &mut out[done * width..(done + length) * width])
        })
    }

    /// Call `take(shard, tokens counted in it, tokens before)` for each shard that the range lies in.
    pub(crate) fn over_shards(
        &self,
        range: Range<u64>,
        mut take: impl FnMut(usize, Range<u64>, usize) -> Result<(), ShardError>,
    ) -> Result<(), ShardError> {
        if range.end > self.token_count() || range.start > range.end {
            return Err(ShardError(format!(
                "tokens {} to {} of {} tokens",
                range.start,
                range.end,
                self.token_count()
            )));
        }
        let mut at = range.start;
        let mut shard = self.first_tokens.partition_point(|&first| first <= at).saturating_sub(1);
        while at < range.end {
            let (first, end) = (self.first_tokens[shard], self.first_tokens[shard + 1]);
            let until = end.min(range.end);
            if at < until {
                take(shard, at - first..until - first, (at - range.start) as usize)?;
                at = until;
            }
            shard += 1;
        }
        Ok(())
    }

    /// The bytes of these tokens, of those that are in the first one's shard: to be asked for, not to be read.
    pub fn to_come(&self, range: Range<u64>) -> &[u8] {
        let shard = self.first_tokens.partition_point(|&first| first <= range.start).saturating_sub(1);
        let (Some(&first), Some(&end)) = (self.first_tokens.get(shard), self.first_tokens.get(shard + 1)) else {
            return &[];
        };
        self.shards[shard].to_come(range.start - first..range.end.clamp(range.start, end.max(range.start)) - first)
    }

    /// Ask for these tokens' cache lines: worth it for what is read next, before something else is copied.
    pub fn prefetch(&self, range: Range<u64>) {
        let _ = self.over_shards(range, |shard, part, _| {
            prefetch_all(self.shards[shard].to_come(part));
            Ok(())
        });
    }

    /// Tell the kernel that these tokens will be read soon.
    pub fn will_need(&self, range: Range<u64>) -> Result<(), ShardError> {
        self.over_shards(range, |shard, part, _| {
            self.shards[shard].will_need(part);
            Ok(())
        })
    }

    /// Check every byte of every file.
    pub fn verify(&self, threads: Option<usize>, cancel: &Cancel) -> Result<(), Stopped> {
        pool::install(threads, || self.shards.iter().try_for_each(|shard| shard.verify(cancel)))
    }
}

fn difference(one: &Shard, other: &Shard) -> Option<&'static str> {
    let (one, other) = (&one.sidecar, &other.sidecar);
    let columns = |sidecar: &crate::sidecar::Sidecar| -> Vec<_> {
        sidecar.columns.iter().map(|column| (column.name.clone(), column.kind)).collect()
    };
    if one.tokenizer_digest != other.tokenizer_digest || one.vocabulary_size != other.vocabulary_size {
        Some("tokenizer")
    } else if columns(one) != columns(other) {
        Some("side columns")
    } else if one.has_modes != other.has_modes {
        Some("modes")
    } else {
        None
    }
}
