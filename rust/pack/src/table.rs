//! All pieces by number.
//!
//! Nearly every document is one piece, so pieces are numbered without a table: piece `i` below the number of documents
//! is the last (mostly the only) piece of document `i`; the others of documents that are cut follow from there on.

use rayon::prelude::*;

use crate::PackError;
use crate::lengths;
use crate::part::{Counts, Part};
use crate::pieces::{Cutting, Piece};

#[derive(Debug)]
pub struct Table {
    pub documents: u32,
    pub(crate) parts: Vec<Part>,
    /// For each part the number of its first piece that is not the last of a document; and the number of all pieces.
    first_extras: Vec<u32>,
    /// How many pieces have each length, 0 to `longest`.
    pub histogram: Vec<u32>,
    pub counts: Counts,
}

/// More than this many pieces cannot be numbered.
const MOST_PIECES: u64 = u32::MAX as u64 - 1;

impl Table {
    pub fn new(lengths: &[i64], cutting: &Cutting<'_>) -> Result<Self, PackError> {
        let too_many = || PackError(format!("{} documents make more than {MOST_PIECES} pieces", lengths.len()));
        let most_extra = MOST_PIECES.checked_sub(lengths.len() as u64).ok_or_else(too_many)?;
        let parts = lengths::parts(lengths.len(), cutting.longest)
            .into_par_iter()
            .map(|documents| Part::new(lengths, documents, cutting, most_extra))
            .collect::<Result<Vec<_>, _>>()?;
        let mut histogram = vec![0u32; cutting.longest as usize + 1];
        let mut counts = Counts::default();
        let mut first_extras = vec![lengths.len() as u32];
        let mut numbers = lengths.len() as u64;
        for part in &parts {
            counts.add(&part.counts)?;
            for (sum, (last, extra)) in histogram.iter_mut().zip(part.last_histogram.iter().zip(&part.extra_histogram))
            {
                *sum += last + extra;
            }
            numbers += part.extra_lengths().len() as u64;
            if numbers > MOST_PIECES {
                return Err(too_many());
            }
            first_extras.push(numbers as u32);
        }
        Ok(Self { documents: lengths.len() as u32, parts, first_extras, histogram, counts })
    }

    /// The parts, and the number of each one's first piece that is not the last of its document.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Part, u32)> {
        self.parts.iter().zip(self.first_extras.iter().copied())
    }

    /// The lengths of pieces by number; 0 where a document has none.
    pub(crate) fn lengths_by_number(&self) -> Vec<u32> {
        let mut found = vec![0u32; self.first_extras[self.parts.len()] as usize];
        let mut put = |piece: u32, length: u32| found[piece as usize] = length;
        for (part, first) in self.parts() {
            part.for_each_last(&mut put);
            (first..).zip(part.extra_lengths()).for_each(|(piece, length)| put(piece, length));
        }
        found
    }

    /// [`Table::lengths_by_number`] and sorting are through: what only they need is given back.
    pub(crate) fn forget_lengths(&mut self) {
        self.parts.iter_mut().for_each(Part::forget_lengths);
    }

    /// The document and the first token of a piece. O(threads), which are few.
    #[inline]
    pub fn origin(&self, piece: u32) -> (i64, i64) {
        if piece < self.documents {
            let document = piece as usize;
            let part = self.parts.iter().position(|part| document < part.documents.end).unwrap_or(0);
            (i64::from(piece), self.parts[part].last_start(document))
        } else {
            let part = self.first_extras[1..].iter().position(|&end| piece < end).unwrap_or(0);
            self.parts[part].extra_origin((piece - self.first_extras[part]) as usize)
        }
    }

    /// All pieces in the order of documents, and of their starts in each.
    pub fn in_order(&self, lengths: &[i64], cutting: &Cutting<'_>) -> Vec<Piece> {
        let mut pieces = Vec::with_capacity(self.first_extras[self.parts.len()] as usize);
        for part in &self.parts {
            part.in_order(lengths, cutting, |document, start, length| pieces.push(Piece { document, start, length }));
        }
        pieces
    }
}
