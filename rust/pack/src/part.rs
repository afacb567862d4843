//! The pieces of consecutive documents, made by one thread.

use std::ops::Range;

use crate::PackError;
use crate::lengths::{self, Short, ShortLengths};
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

/// There is room at once where one document in so many is longer than a row.
const DOCUMENTS_A_LONG_ONE: usize = 12;

/// The most that fits two bytes, and one more beside it.
const LONGEST_NARROW: u32 = u16::MAX as u32 - 1;

#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) documents: Range<usize>,
    /// The length of each document's last piece, 0 where there is none; gone when all pieces are sorted.
    last_lengths: ShortLengths,
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
        if cutting.longest <= LONGEST_NARROW {
            Self::of::<u16>(lengths, documents, cutting, most_extra, ShortLengths::Narrow)
        } else {
            Self::of::<u32>(lengths, documents, cutting, most_extra, ShortLengths::Wide)
        }
    }

    fn of<S: Short>(
        lengths: &[i64],
        documents: Range<usize>,
        cutting: &Cutting<'_>,
        most_extra: u64,
        short_lengths: impl FnOnce(Vec<S>) -> ShortLengths,
    ) -> Result<Self, PackError> {
        let classes = cutting.longest as usize + 1;
        let long = documents.len() / DOCUMENTS_A_LONG_ONE;
        let extra = if cutting.splits() { long } else { 0 };
        let mut part = Self {
            documents: documents.clone(),
            last_lengths: ShortLengths::Narrow(Vec::new()),
            last_histogram: vec![0; classes],
            extra_histogram: vec![0; classes],
            last: pages::with_room(long).unwrap_or_default(),
            marks: Marks::new(documents.len()),
            extra: pages::with_room(extra).unwrap_or_default(),
            extra_documents: pages::with_room(extra).unwrap_or_default(),
            counts: Counts::default(),
        };
        let mut cut = Cut::default();
        let plain = cutting.is_plain();
        let shortest = cutting.shortest.max(1);
        let mut last: Vec<S> = pages::with_room(documents.len()).unwrap_or_default();
        let whole = lengths::count(lengths, documents, cutting.longest, &mut last, |first, lengths, places, last| {
            part.marks.mark(first as usize - part.documents.start, places);
            if shortest > 1 {
                last.iter_mut().filter(|length| length.get() < shortest).for_each(|length| *length = S::of(0));
            }
            for &place in places {
                let (document, length) = (first + u32::from(place), lengths[place as usize]);
                part.check(document, length, cutting, most_extra)?;
                last[place as usize] = S::of(if plain {
                    part.cut_plainly(document, length, cutting.longest)
                } else {
                    part.cut(document, length, cutting, &mut cut, most_extra)?
                });
            }
            Ok(())
        })?;
        part.last_lengths = short_lengths(last);
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

    /// Full rows and a rest, the length of which is returned.
    #[inline(always)]
    fn cut_plainly(&mut self, document: u32, length: i64, longest: u32) -> u32 {
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
        rest
    }

    /// Pieces as boundaries and policies have it; the length of the last one is returned.
    fn cut(
        &mut self,
        document: u32,
        length: i64,
        cutting: &Cutting<'_>,
        cut: &mut Cut,
        most_extra: u64,
    ) -> Result<u32, PackError> {
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
        Ok(cut.length)
    }

    /// Call `take(document, length)` for all documents in order, with the length of their last pieces, or 0 where they
    /// have none.
    #[inline(always)]
    pub(crate) fn for_each_last(&self, mut take: impl FnMut(u32, u32)) {
        let documents = self.documents.start as u32..;
        match &self.last_lengths {
            ShortLengths::Narrow(lengths) => {
                documents.zip(lengths).for_each(|(document, length)| take(document, length.get()));
            }
            ShortLengths::Wide(lengths) => {
                documents.zip(lengths).for_each(|(document, length)| take(document, length.get()));
            }
        }
    }

    /// What [`Part::for_each_last`] reads is no longer needed.
    pub(crate) fn forget_lengths(&mut self) {
        self.last_lengths = ShortLengths::Narrow(Vec::new());
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
