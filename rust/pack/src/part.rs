//! The pieces of consecutive documents, made by one thread.

use std::ops::Range;

use tokenfoundry_kernels::prefetch::prefetch;

use crate::PackError;
use crate::lengths;
use crate::marks::Marks;
use crate::pages;
use crate::pieces::{Cut, Cutting};

/// Where in its document a piece lies: first token and length in 8 bytes, for there may be very many.
#[derive(Clone, Copy, Debug)]
struct Run(u64);

const LENGTH_BITS: u32 = 27;
/// A document that is cut has no more tokens than this: its pieces' first tokens are kept in 37 bits.
const LONGEST_TO_CUT: i64 = 1 << (64 - LENGTH_BITS);

impl Run {
    #[inline(always)]
    fn new(start: i64, length: u32) -> Self {
        Self((start as u64) << LENGTH_BITS | u64::from(length))
    }

    #[inline(always)]
    fn start(self) -> i64 {
        (self.0 >> LENGTH_BITS) as i64
    }

    #[inline(always)]
    fn length(self) -> u32 {
        (self.0 & ((1 << LENGTH_BITS) - 1)) as u32
    }
}

/// What was counted; sums over parts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Documents longer than a row.
    pub longer_than_row: u64,
    /// Documents in more than one piece.
    pub cut: u64,
    /// Documents that are cut at a place that is no boundary, where boundaries were given.
    pub cut_inside: u64,
    /// Tokens in no piece because their document was too long, and because their piece was too short.
    pub dropped_long: u64,
    pub dropped_short: u64,
    /// Tokens of documents longer than a row.
    long_tokens: u64,
}

impl Counts {
    /// Sums; an error where the tokens are more than can be counted.
    pub(crate) fn add(&mut self, other: &Self) -> Result<(), PackError> {
        self.longer_than_row += other.longer_than_row;
        self.cut += other.cut;
        self.cut_inside += other.cut_inside;
        self.dropped_long += other.dropped_long;
        self.dropped_short += other.dropped_short;
        self.long_tokens += other.long_tokens;
        if self.long_tokens > MOST_TOKENS {
            return Err(PackError("lengths: together they are more tokens than can be counted".to_owned()));
        }
        Ok(())
    }
}

/// Of documents longer than a row, so that sums over two parts fit; all others together have less than 2^58.
const MOST_TOKENS: u64 = i64::MAX as u64 - (1 << 58);

const LENGTHS_A_LINE: usize = 8;
/// Lengths are asked for so far before they are read: there is too much work between two lines for the CPU to do so.
const LENGTHS_AHEAD: usize = 1024;

#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) documents: Range<usize>,
    /// How many last pieces have each length, 0 to `longest`; none has 0.
    pub(crate) last_histogram: Vec<u32>,
    /// How many of the others have each.
    pub(crate) extra_histogram: Vec<u32>,
    /// Last pieces of documents that are longer than a row, of length 0 where there is none; and one more of length 0.
    last: Vec<Run>,
    /// Which documents these are, counted from the part's first.
    marks: Marks,
    /// Pieces of documents that are cut, but for the last ones.
    extra: Vec<Run>,
    extra_documents: Vec<u32>,
    pub(crate) counts: Counts,
}

impl Part {
    /// Cut these documents. With `most_extra` or more pieces beside the last ones it is an error.
    pub(crate) fn new(
        lengths: &[i64],
        documents: Range<usize>,
        cutting: &Cutting<'_>,
        most_extra: u64,
    ) -> Result<Self, PackError> {
        let classes = cutting.longest as usize + 1;
        // Room for more than there will be, which is not touched: growing would move it again and again.
        let room = || pages::with_room(documents.len()).unwrap_or_default();
        let mut part = Self {
            documents: documents.clone(),
            last_histogram: vec![0; classes],
            extra_histogram: vec![0; classes],
            last: room(),
            marks: Marks::new(documents.len()),
            extra: if cutting.splits() { room() } else { Vec::new() },
            extra_documents: pages::with_room(if cutting.splits() { documents.len() } else { 0 }).unwrap_or_default(),
            counts: Counts::default(),
        };
        let mut cut = Cut::default();
        let plain = cutting.is_plain();
        let whole = lengths::count(lengths, documents, cutting.longest, |first, lengths, places| {
            part.marks.mark(first as usize - part.documents.start, places);
            for &place in places {
                let (document, length) = (first + u32::from(place), lengths[place as usize]);
                part.check(document, length, cutting, most_extra)?;
                if plain {
                    part.cut_plainly(document, length, cutting.longest);
                } else {
                    part.cut(document, length, cutting, &mut cut, most_extra)?;
                }
            }
            Ok(())
        })?;
        part.counts.longer_than_row = part.last.len() as u64;
        for (length, (sum, &count)) in (0..).zip(part.last_histogram.iter_mut().zip(&whole)) {
            if length < u64::from(cutting.shortest) {
                part.counts.dropped_short += length * u64::from(count);
            } else {
                *sum += count;
            }
        }
        part.marks.count();
        // One more, so that there is a next one to look at for every document.
        part.last.push(Run::new(0, 0));
        part.last.shrink_to_fit();
        part.extra.shrink_to_fit();
        part.extra_documents.shrink_to_fit();
        Ok(part)
    }

    /// Whether a document that is longer than a row can be cut, and make room for its pieces.
    #[inline(always)]
    fn check(&mut self, document: u32, length: i64, cutting: &Cutting<'_>, most_extra: u64) -> Result<(), PackError> {
        // Nearly all are cut once, and that there is room for.
        self.counts.long_tokens = self.counts.long_tokens.saturating_add(length as u64);
        let once = length <= 2 * i64::from(cutting.longest) && length >= 0;
        let room = (self.extra.len() as u64) < most_extra && self.extra.len() < self.extra.capacity();
        if once && room && self.extra_documents.len() < self.extra_documents.capacity() {
            return Ok(());
        }
        self.check_slowly(document, length, cutting, most_extra)
    }

    #[cold]
    fn check_slowly(
        &mut self,
        document: u32,
        length: i64,
        cutting: &Cutting<'_>,
        most_extra: u64,
    ) -> Result<(), PackError> {
        if length < 0 {
            return Err(PackError(format!("lengths[{document}] is negative: {length}")));
        }
        if self.counts.long_tokens > MOST_TOKENS {
            return Err(PackError(format!(
                "lengths[{document}] is {length}; with it the tokens are more than can be counted"
            )));
        }
        if !cutting.splits() {
            return Ok(());
        }
        let expected = (length as u64 - 1) / u64::from(cutting.longest);
        let too_many = || PackError(format!("with document {document} there are too many pieces; make rows longer"));
        if self.extra.len() as u64 + expected > most_extra || length > LONGEST_TO_CUT {
            return Err(too_many());
        }
        let room = self.extra.try_reserve(expected as usize);
        room.and_then(|()| self.extra_documents.try_reserve(expected as usize)).map_err(|_| too_many())
    }

    /// Full rows and a rest.
    #[inline(always)]
    fn cut_plainly(&mut self, document: u32, length: i64, longest: u32) {
        let mut start = 0;
        while length - start > i64::from(longest) {
            self.extra.push(Run::new(start, longest));
            self.extra_documents.push(document);
            self.extra_histogram[longest as usize] += 1;
            start += i64::from(longest);
        }
        let rest = (length - start) as u32;
        self.last.push(Run::new(start, rest));
        self.last_histogram[rest as usize] += 1;
        self.counts.cut += 1;
    }

    fn cut(
        &mut self,
        document: u32,
        length: i64,
        cutting: &Cutting<'_>,
        cut: &mut Cut,
        most_extra: u64,
    ) -> Result<(), PackError> {
        cutting.cut(document, length, cut);
        for &(start, length) in &cut.before {
            self.extra_histogram[length as usize] += 1;
            self.extra.push(Run::new(start, length));
            self.extra_documents.push(document);
        }
        if self.extra.len() as u64 > most_extra {
            return Err(PackError(format!("with document {document} there are too many pieces")));
        }
        if cut.length > 0 {
            self.last_histogram[cut.length as usize] += 1;
        }
        self.last.push(Run::new(cut.start, cut.length));
        let counts = &mut self.counts;
        counts.cut += u64::from(cut.before.len() + usize::from(cut.length > 0) > 1);
        counts.cut_inside += u64::from(cut.inside);
        counts.dropped_long += cut.dropped_long;
        counts.dropped_short += cut.dropped_short;
        Ok(())
    }

    /// Call `take(document, length)` for all documents in order, with the length of their last pieces, or 0 where they
    /// have none.
    #[inline(always)]
    pub(crate) fn for_each_last(&self, lengths: &[i64], cutting: &Cutting<'_>, mut take: impl FnMut(u32, u32)) {
        let longest = u64::from(cutting.longest);
        let shortest = u64::from(cutting.shortest.max(1));
        // Without a branch that depends on a length: each long one would be guessed wrong.
        let mut long = 0;
        let last = self.last.as_slice();
        let mut one = |document: u32, length: i64| {
            let length = length as u64;
            let of_long = last[long].length();
            let of_short = if length >= shortest { length as u32 } else { 0 };
            take(document, if length <= longest { of_short } else { of_long });
            long += usize::from(length > longest);
        };
        let (lines, rest) = lengths[self.documents.clone()].as_chunks::<LENGTHS_A_LINE>();
        let mut document = self.documents.start as u32;
        for line in lines {
            prefetch(lengths, document as usize + LENGTHS_AHEAD);
            for &length in line {
                one(document, length);
                document += 1;
            }
        }
        rest.iter().zip(document..).for_each(|(&length, document)| one(document, length));
    }

    /// Whether all the other pieces are as long as can be.
    pub(crate) fn extra_is_full(&self, longest: u32) -> bool {
        self.extra_histogram[longest as usize] as usize == self.extra.len()
    }

    /// The lengths of the other pieces.
    pub(crate) fn extra_lengths(&self) -> impl ExactSizeIterator<Item = u32> {
        self.extra.iter().map(|run| run.length())
    }

    /// The first token of a document's last piece.
    #[inline]
    pub(crate) fn last_start(&self, document: usize) -> i64 {
        let local = document - self.documents.start;
        if self.marks.has(local) { self.last[self.marks.before(local)].start() } else { 0 }
    }

    /// Document and first token of one of the other pieces.
    #[inline]
    pub(crate) fn extra_origin(&self, extra: usize) -> (i64, i64) {
        (i64::from(self.extra_documents[extra]), self.extra[extra].start())
    }

    /// Call `take(document, start, length)` for all pieces, in order.
    pub(crate) fn in_order(&self, lengths: &[i64], cutting: &Cutting<'_>, mut take: impl FnMut(i64, i64, i64)) {
        let mut extra = self.extra_documents.iter().zip(&self.extra).peekable();
        let mut long = self.last.iter();
        for (document, &length) in self.documents.clone().zip(&lengths[self.documents.clone()]) {
            if length <= i64::from(cutting.longest) {
                if length >= i64::from(cutting.shortest.max(1)) {
                    take(document as i64, 0, length);
                }
                continue;
            }
            while let Some((_, run)) = extra.next_if(|(of, _)| **of as usize == document) {
                take(document as i64, run.start(), i64::from(run.length()));
            }
            if let Some(last) = long.next()
                && last.length() > 0
            {
                take(document as i64, last.start(), i64::from(last.length()));
            }
        }
    }
}
