//! Documents to pieces that fit a row.
//!
//! What a piece is, and where a document that is longer than a row is cut.

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

/// What a document that is longer than a row becomes.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    /// First tokens and lengths of its pieces but the last.
    pub(crate) before: Vec<(i64, u32)>,
    /// The last piece; none where its length is 0.
    pub(crate) start: i64,
    pub(crate) length: u32,
    pub(crate) dropped_long: u64,
    pub(crate) dropped_short: u64,
    /// A cut is at no boundary, where boundaries were given.
    pub(crate) inside: bool,
}

impl Cutting<'_> {
    pub(crate) fn splits(&self) -> bool {
        self.long == Long::Split
    }

    /// Nothing but full rows and a rest.
    pub(crate) fn is_plain(&self) -> bool {
        self.long == Long::Split && self.boundaries.is_none() && self.shortest <= 1
    }

    /// Cut a document that is longer than a row.
    pub(crate) fn cut(&self, document: u32, length: i64, cut: &mut Cut) {
        cut.before.clear();
        *cut = Cut { before: std::mem::take(&mut cut.before), ..Cut::default() };
        match self.long {
            Long::Drop => cut.dropped_long = length as u64,
            Long::Truncate => {
                let kept = self.next_cut(document, 0, length).0;
                cut.length = kept as u32;
                cut.dropped_long = (length - kept) as u64;
            }
            Long::Split => {
                let mut start = 0;
                while length - start > i64::from(self.longest) {
                    let (end, at_boundary) = self.next_cut(document, start, length);
                    cut.inside |= !at_boundary;
                    cut.before.push((start, (end - start) as u32));
                    start = end;
                }
                if length - start < i64::from(self.shortest) {
                    cut.dropped_short = (length - start) as u64;
                } else {
                    (cut.start, cut.length) = (start, (length - start) as u32);
                }
            }
        }
    }

    /// Where the piece that begins at `start` ends, its rest being longer than a row, and whether that is a boundary
    /// (or there are none). A cut leaves at least `shortest` tokens on both sides wherever it can.
    fn next_cut(&self, document: u32, start: i64, length: i64) -> (i64, bool) {
        let furthest = start + i64::from(self.longest);
        let shortest = i64::from(self.shortest);
        let (from, until) = (start + shortest, furthest.min(length - shortest));
        if let Some(boundaries) = self.boundaries {
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
        (if until >= from && self.long == Long::Split { until } else { furthest }, true)
    }
}
