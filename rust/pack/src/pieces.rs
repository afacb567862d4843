//! Documents to pieces that fit a row.
//!
//! Nearly every document is one piece, so pieces are numbered without a table: piece `i` below the number of documents
//! is the last (mostly the only) piece of document `i`; the others of documents that are cut follow from there on.

use std::ops::Range;

use rayon::prelude::*;

use crate::{PackError, pages};

/// A run of one document's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    pub document: i64,
    /// First token, counted in the document.
    pub start: i64,
    pub length: i64,
}

/// What happens to a document that is longer than a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Long {
    /// Full rows and a rest, which is packed like a document.
    Split,
    /// Its first tokens, a row full; the others are dropped and counted.
    Truncate,
    /// Nothing of it.
    Drop,
}

/// Where a document may be cut: token positions in it, rising, those of document `i` at `offsets[i]..offsets[i + 1]`.
#[derive(Clone, Copy, Debug)]
pub struct Boundaries<'a> {
    pub positions: &'a [i64],
    pub offsets: &'a [i64],
}

#[derive(Clone, Copy, Debug)]
pub struct Cutting<'a> {
    /// Most tokens of a piece.
    pub longest: u32,
    pub long: Long,
    /// Documents and rests with fewer tokens are dropped and counted; at least 1.
    pub shortest: u32,
    pub boundaries: Option<Boundaries<'a>>,
}

/// What a document that is longer than a row becomes: its last piece, and the pieces before it in `Table::extra`.
#[derive(Clone, Copy, Debug)]
struct LongDocument {
    document: u32,
    start: i64,
    length: u32,
}

/// A piece of a document that is cut, but not its last.
#[derive(Clone, Copy, Debug)]
pub struct Extra {
    document: u32,
    length: u32,
    start: i64,
}

/// All pieces, by number, and what was counted on the way.
#[derive(Debug, Default)]
pub struct Table {
    pub documents: u32,
    long: Vec<LongDocument>,
    pub extra: Vec<Extra>,
    /// How many pieces have each length, 0 to `longest`.
    pub histogram: Vec<u32>,
    /// Tokens of all documents.
    pub total: u64,
    /// Documents longer than a row.
    pub longer_than_row: u64,
    /// Documents in more than one piece.
    pub cut: u64,
    /// Documents that are cut at a place that is no boundary, where boundaries were given.
    pub cut_inside: u64,
    /// Tokens in no piece because their document was too long, and because their piece was too short.
    pub dropped_long: u64,
    pub dropped_short: u64,
    pub empty: u64,
}

fn total_with(total: u64, length: i64, document: u32) -> Result<u64, PackError> {
    let Ok(tokens) = u64::try_from(length) else {
        return Err(PackError(format!("lengths[{document}] is negative: {length}")));
    };
    total.checked_add(tokens).filter(|&total| total <= i64::MAX as u64).ok_or_else(|| {
        PackError(format!("lengths[{document}] is {length}; with it the tokens are more than can be counted"))
    })
}

/// Ranges of documents, one a thread: one only where they are too few to pay, or the histograms too large.
pub(crate) fn parts(lengths: &[i64], longest: u32) -> Vec<Range<usize>> {
    let wanted = if longest > 1 << 18 { 1 } else { rayon::current_num_threads() };
    let parts = wanted.min(lengths.len() / PARALLEL_FROM_DOCUMENTS).max(1);
    (0..parts).map(|part| lengths.len() * part / parts..lengths.len() * (part + 1) / parts).collect()
}

/// A thread's share is at least this many documents.
const PARALLEL_FROM_DOCUMENTS: usize = 1 << 18;

/// Documents that are longer than a row, and their lengths.
type LongOnes = Vec<(u32, i64)>;

/// More than this many pieces cannot be numbered.
const MOST_PIECES: u64 = u32::MAX as u64 - 1;

impl Table {
    pub fn new(lengths: &[i64], cutting: &Cutting<'_>) -> Result<Self, PackError> {
        let mut table = Self { documents: lengths.len() as u32, ..Self::default() };
        if lengths.len() as u64 > MOST_PIECES {
            return Err(PackError(format!(
                "{} documents are more than {MOST_PIECES}; plan them in parts",
                lengths.len()
            )));
        }
        // Nothing but counts in the first pass; long documents are rare and have their turn after it.
        let parts: Vec<(Vec<u32>, LongOnes)> = parts(lengths, cutting.longest)
            .into_par_iter()
            .map(|range| {
                let mut histogram = vec![0u32; cutting.longest as usize + 1];
                let mut long = Vec::new();
                for (document, &length) in range.clone().zip(&lengths[range]) {
                    match histogram.get_mut(length as usize) {
                        Some(count) => *count += 1,
                        None => long.push((document as u32, length)),
                    }
                }
                (histogram, long)
            })
            .collect();
        let mut histogram = vec![0u32; cutting.longest as usize + 1];
        for (part, _) in &parts {
            histogram.iter_mut().zip(part).for_each(|(sum, count)| *sum += count);
        }
        table.total = histogram.iter().zip(0u64..).map(|(&count, length)| u64::from(count) * length).sum();
        let long: Vec<LongOnes> = parts.into_iter().map(|(_, long)| long).collect();
        table.make_room(&long, cutting)?;
        let full = cutting.long == Long::Split && cutting.boundaries.is_none() && cutting.shortest <= 1;
        for (document, length) in long.into_iter().flatten() {
            table.total = total_with(table.total, length, document)?;
            table.longer_than_row += 1;
            if full {
                table.cut_full(document, length, cutting.longest);
            } else {
                table.cut_long(document, length, cutting)?;
            }
        }
        // Of the whole documents, which are all that was counted so far.
        table.empty = u64::from(histogram[0]);
        for (length, count) in histogram.iter_mut().enumerate().take(cutting.shortest as usize) {
            table.dropped_short += length as u64 * u64::from(*count);
            *count = 0;
        }
        for last in &table.long {
            histogram[last.length as usize] += 1;
        }
        for piece in &table.extra {
            histogram[piece.length as usize] += 1;
        }
        histogram[0] = 0;
        table.histogram = histogram;
        Ok(table)
    }

    /// Reserve the memory of long documents' pieces, as far as it can be foreseen.
    fn make_room(&mut self, long: &[LongOnes], cutting: &Cutting<'_>) -> Result<(), PackError> {
        let longest = u64::from(cutting.longest);
        let mut extra = 0u64;
        if cutting.long == Long::Split {
            for &(document, length) in long.iter().flatten() {
                total_with(0, length, document)?;
                extra = extra.saturating_add((length as u64).div_ceil(longest) - 1);
            }
        }
        if u64::from(self.documents) + extra > MOST_PIECES {
            return Err(PackError(format!(
                "{} documents would be cut into more than {MOST_PIECES} pieces; make rows longer or plan in parts",
                self.documents
            )));
        }
        let count = long.iter().map(Vec::len).sum();
        let room = pages::with_room(count).zip(pages::with_room(extra as usize));
        (self.long, self.extra) = room.ok_or_else(|| PackError(format!("no memory for {extra} pieces")))?;
        Ok(())
    }

    /// Full rows and a rest.
    fn cut_full(&mut self, document: u32, length: i64, longest: u32) {
        let mut start = 0;
        while length - start > i64::from(longest) {
            self.extra.push(Extra { document, start, length: longest });
            start += i64::from(longest);
        }
        self.long.push(LongDocument { document, start, length: (length - start) as u32 });
        self.cut += 1;
    }

    fn cut_long(&mut self, document: u32, length: i64, cutting: &Cutting<'_>) -> Result<(), PackError> {
        let longest = i64::from(cutting.longest);
        let mut last = LongDocument { document, start: 0, length: 0 };
        match cutting.long {
            Long::Drop => self.dropped_long += length as u64,
            Long::Truncate => {
                let kept = self.next_cut(document, 0, length, cutting).0;
                last.length = kept as u32;
                self.dropped_long += (length - kept) as u64;
            }
            Long::Split => {
                let before = self.extra.len();
                let mut start = 0;
                let mut inside = false;
                while length - start > longest {
                    let (end, at_boundary) = self.next_cut(document, start, length, cutting);
                    inside |= !at_boundary;
                    self.extra.push(Extra { document, start, length: (end - start) as u32 });
                    start = end;
                }
                if u64::from(self.documents) + self.extra.len() as u64 > MOST_PIECES {
                    return Err(PackError(format!(
                        "with document {document} there are more than {MOST_PIECES} pieces"
                    )));
                }
                self.cut_inside += u64::from(inside);
                if length - start < i64::from(cutting.shortest) {
                    self.dropped_short += (length - start) as u64;
                    self.cut += u64::from(self.extra.len() - before > 1);
                } else {
                    last.start = start;
                    last.length = (length - start) as u32;
                    self.cut += 1;
                }
            }
        }
        self.long.push(last);
        Ok(())
    }

    /// Where the piece that begins at `start` ends, its rest being longer than a row, and whether that is a boundary
    /// (or there are none). A cut leaves at least `shortest` tokens on both sides wherever it can.
    fn next_cut(&self, document: u32, start: i64, length: i64, cutting: &Cutting<'_>) -> (i64, bool) {
        let furthest = start + i64::from(cutting.longest);
        let shortest = i64::from(cutting.shortest);
        let (from, until) = (start + shortest, furthest.min(length - shortest));
        if let Some(boundaries) = cutting.boundaries {
            let range =
                boundaries.offsets[document as usize] as usize..boundaries.offsets[document as usize + 1] as usize;
            let positions = &boundaries.positions[range];
            let before = positions.partition_point(|&position| position <= until);
            if before > 0 && positions[before - 1] >= from {
                return (positions[before - 1], true);
            }
            return (if until >= from { until } else { furthest }, false);
        }
        // Without boundaries rows are filled; only the last cut makes way for a rest that would be too short.
        (if until >= from && cutting.long == Long::Split { until } else { furthest }, true)
    }

    /// Call `take(number, length)` for the last pieces of these documents, where they are to be placed, in order.
    #[inline(always)]
    pub fn for_each(
        &self,
        lengths: &[i64],
        cutting: &Cutting<'_>,
        range: Range<usize>,
        mut take: impl FnMut(u32, u32),
    ) {
        let longest = u64::from(cutting.longest);
        let shortest = u64::from(cutting.shortest.max(1));
        let mut long = self.long[self.long.partition_point(|last| (last.document as usize) < range.start)..].iter();
        for (document, &length) in range.clone().zip(&lengths[range]) {
            let length = length as u64;
            if length <= longest {
                if length >= shortest {
                    take(document as u32, length as u32);
                }
            } else if let Some(last) = long.next()
                && last.length > 0
            {
                take(document as u32, last.length);
            }
        }
    }

    /// The same for the pieces before the last ones.
    pub fn for_each_extra(&self, mut take: impl FnMut(u32, u32)) {
        for (number, piece) in self.extra.iter().enumerate() {
            take(self.documents + number as u32, piece.length);
        }
    }

    /// The document and the first token of a piece.
    pub fn origin(&self, piece: u32) -> (i64, i64) {
        match piece.checked_sub(self.documents) {
            Some(extra) => {
                let piece = &self.extra[extra as usize];
                (i64::from(piece.document), piece.start)
            }
            None => {
                let place = self.long.partition_point(|last| last.document < piece);
                let last = self.long.get(place).filter(|last| last.document == piece);
                (i64::from(piece), last.map_or(0, |last| last.start))
            }
        }
    }

    /// All pieces in the order of documents, and of their starts in each.
    pub fn in_order(&self, lengths: &[i64], cutting: &Cutting<'_>) -> Vec<Piece> {
        let mut pieces = Vec::with_capacity(lengths.len() + self.extra.len());
        let mut extra = self.extra.iter().peekable();
        let mut long = self.long.iter();
        for (document, &length) in (0i64..).zip(lengths) {
            if length as u64 <= u64::from(cutting.longest) {
                if length >= i64::from(cutting.shortest.max(1)) {
                    pieces.push(Piece { document, start: 0, length });
                }
                continue;
            }
            while let Some(piece) = extra.next_if(|piece| i64::from(piece.document) == document) {
                pieces.push(Piece { document, start: piece.start, length: i64::from(piece.length) });
            }
            if let Some(last) = long.next()
                && last.length > 0
            {
                pieces.push(Piece { document, start: last.start, length: i64::from(last.length) });
            }
        }
        pieces
    }
}
