//! A plan: rows of pieces of documents, and how good it is.

use crate::best_fit;
use crate::contents::Contents;
use crate::pieces::{Boundaries, Cutting, Long, Piece};
use crate::sorted::Sorted;
use crate::table::Table;
use crate::{PackError, bound, concat, first_fit, in_turn, similar};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Best-fit decreasing over classes: few rows, few cut documents.
    BestFit,
    /// Best-fit decreasing with TRL's choice among equals.
    FirstCome,
    /// First-fit decreasing.
    FirstFitDecreasing,
    /// First fit, pieces as they come.
    FirstFit,
    /// Documents end to end, cut where a row is full: no padding but in the last row, and many cut documents.
    Concat,
}

#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    pub capacity: u32,
    pub strategy: Strategy,
    pub long: Long,
    pub seed: u64,
    /// Pieces begin at multiples of this; 1 for anywhere.
    pub align: u32,
    /// Pieces with fewer tokens are dropped.
    pub shortest: u32,
    pub most_pieces: u32,
    /// The number of rows is a multiple of this.
    pub rows_multiple: u32,
    pub boundaries: Option<Boundaries<'a>>,
    /// A group for each document; equal ones do not share a row.
    pub apart: Option<&'a [i64]>,
    /// A cluster for each document; equal ones come into the same rows where they can.
    pub together: Option<&'a [i64]>,
}

#[derive(Debug)]
pub struct Plan {
    pub contents: Contents,
    /// No plan of these pieces has fewer rows.
    pub lower_bound: u64,
    /// Documents that are in more than one piece.
    pub cut: u64,
    /// Documents that are cut at no boundary, where boundaries were given.
    pub cut_inside: u64,
    /// Documents longer than a row: these cannot but be cut (or dropped, or truncated).
    pub longer_than_row: u64,
    /// Tokens that are in no row: of documents too long, of pieces too short.
    pub dropped_long: u64,
    pub dropped_short: u64,
    /// Slots that are lost because pieces begin at multiples.
    pub alignment_loss: u64,
    pub tokens: u64,
}

impl Plan {
    /// Plan rows of at most `capacity` tokens for documents of these lengths. `align` is between 1 and `capacity`.
    pub fn new(lengths: &[i64], options: &Options<'_>) -> Result<Self, PackError> {
        let usable = options.capacity / options.align * options.align;
        let cutting = Cutting {
            longest: usable,
            long: options.long,
            shortest: options.shortest.max(1),
            boundaries: options.boundaries,
        };
        if options.strategy == Strategy::Concat {
            return Self::concat(lengths, options);
        }
        let mut table = Table::new(lengths, &cutting)?;
        let placed = table.histogram.iter().zip(0u64..).map(|(&count, length)| u64::from(count) * length).sum::<u64>();
        let classes = aligned(&table.histogram, options.align);
        let slots = classes.iter().zip(0u64..).map(|(&count, length)| u64::from(count) * length).sum::<u64>();
        let pieces: u64 = classes.iter().map(|&count| u64::from(count)).sum();
        let mut plan = Self {
            contents: Contents::nothing(),
            lower_bound: bound::lower_bound(&classes, usable).max(pieces.div_ceil(u64::from(options.most_pieces))),
            cut: table.counts.cut,
            cut_inside: table.counts.cut_inside,
            longer_than_row: table.counts.longer_than_row,
            dropped_long: table.counts.dropped_long,
            dropped_short: table.counts.dropped_short,
            alignment_loss: slots - placed,
            tokens: placed,
        };
        if options.strategy == Strategy::BestFit && options.apart.is_none() && options.together.is_none() {
            let mut sorted = Sorted::new(&classes, options.align, &table, usable);
            if options.seed != 0 {
                sorted.shuffle(&classes, options.seed);
            }
            let filled = best_fit::best_fit(&sorted.starts, &classes, usable, options.most_pieces);
            plan.contents = if options.align == 1 {
                table.forget_lengths();
                Contents::Filled { filled, order: sorted.order, table: Box::new(table) }
            } else {
                // Groups know classes only, which are lengths rounded up.
                let by_number = table.lengths_by_number();
                table.forget_lengths();
                let pieces = filled.pieces(&sorted.order);
                let lengths = pieces.iter().map(|&piece| by_number[piece as usize]).collect();
                Contents::Numbered { row_offsets: filled.row_offsets(), pieces, lengths, table: Box::new(table) }
            };
        } else {
            let pieces = table.in_order(lengths, &cutting);
            let most = options.most_pieces;
            let (row_offsets, pieces) = match (options.strategy, options.apart, options.together) {
                (Strategy::BestFit, Some(groups), _) => in_turn::apart(&pieces, groups, usable, most, options.seed),
                (Strategy::BestFit, None, Some(clusters)) => similar::together(&pieces, clusters, usable, options.seed),
                (Strategy::FirstFitDecreasing, ..) => first_fit::first_fit_decreasing(&pieces, usable, options.seed),
                (Strategy::FirstFit, ..) => first_fit::first_fit(&pieces, usable),
                _ => in_turn::first_come(&pieces, usable),
            };
            plan.contents = Contents::Listed { row_offsets, pieces };
        }
        plan.contents = plan.contents.rounded(options.rows_multiple as usize);
        Ok(plan)
    }

    /// Its pieces are made to fill rows, so only their sum bounds it.
    fn concat(lengths: &[i64], options: &Options<'_>) -> Result<Self, PackError> {
        let row = i64::from(options.capacity);
        let mut kept = Vec::with_capacity(lengths.len());
        let mut total = 0i64;
        let (mut longer_than_row, mut dropped) = (0, 0);
        for (document, &length) in (0i64..).zip(lengths) {
            if length < 0 {
                return Err(PackError(format!("lengths[{document}] is negative: {length}")));
            }
            longer_than_row += u64::from(length > row);
            let keep = match options.long {
                Long::Split => length,
                Long::Truncate => length.min(row),
                Long::Drop if length > row => 0,
                Long::Drop => length,
            };
            dropped += (length - keep) as u64;
            total = total.checked_add(keep).filter(|total| total / row < 1 << 32).ok_or_else(|| {
                PackError(format!("with lengths[{document}] ({length}) there are more than 2^32 rows"))
            })?;
            if keep > 0 {
                kept.push(Piece { document, start: 0, length: keep });
            }
        }
        let (row_offsets, pieces) = concat::concat(&kept, options.capacity)?;
        let mut pieces_of = vec![0u8; lengths.len()];
        for piece in &pieces {
            let count = &mut pieces_of[piece.document as usize];
            *count = count.saturating_add(1);
        }
        Ok(Self {
            contents: Contents::Listed { row_offsets, pieces }.rounded(options.rows_multiple as usize),
            lower_bound: (total as u64).div_ceil(u64::from(options.capacity)),
            cut: pieces_of.iter().filter(|&&count| count > 1).count() as u64,
            cut_inside: 0,
            longer_than_row,
            dropped_long: dropped,
            dropped_short: 0,
            alignment_loss: 0,
            tokens: total as u64,
        })
    }
}

/// The histogram of lengths rounded up to a multiple.
fn aligned(histogram: &[u32], align: u32) -> Vec<u32> {
    if align == 1 {
        return histogram.to_vec();
    }
    let mut classes = vec![0; histogram.len()];
    for (length, &count) in histogram.iter().enumerate().filter(|(_, count)| **count > 0) {
        // The longest piece is itself a multiple.
        classes[length.next_multiple_of(align as usize)] += count;
    }
    classes
}
