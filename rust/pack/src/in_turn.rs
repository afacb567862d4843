//! Best-fit decreasing a piece at a time: where who came first decides among rows with equal space (as TRL does), and
//! where some documents may not share a row.

use std::collections::{HashSet, VecDeque};

use tokenfoundry_base::stable_hash::mix64;

use crate::pieces::Piece;
use crate::spaces::SpaceSet;

const NONE: u32 = u32::MAX;

/// Indices of `pieces` from the longest to the shortest; among equals in order, or with a seed in that seed's order.
pub(crate) fn decreasing(pieces: &[Piece], capacity: u32, seed: u64) -> Vec<u32> {
    let mut starts = vec![0u32; capacity as usize + 2];
    for piece in pieces {
        starts[capacity as usize - piece.length as usize + 1] += 1;
    }
    for class in 1..starts.len() {
        starts[class] += starts[class - 1];
    }
    let mut places = starts.clone();
    let mut order = vec![0u32; pieces.len()];
    for (index, piece) in pieces.iter().enumerate() {
        let place = &mut places[capacity as usize - piece.length as usize];
        order[*place as usize] = index as u32;
        *place += 1;
    }
    if seed != 0 {
        for class in starts.windows(2) {
            order[class[0] as usize..class[1] as usize].sort_by_cached_key(|&index| {
                let piece = pieces[index as usize];
                (mix64(mix64(seed ^ piece.document as u64) ^ piece.start as u64), index)
            });
        }
    }
    order
}

/// Put pieces that are in `row_of` into the order of their rows.
pub(crate) fn gather(pieces: &[Piece], order: &[u32], row_of: &[u32], rows: usize) -> (Vec<i64>, Vec<Piece>) {
    let mut offsets = vec![0i64; rows + 1];
    for &row in row_of {
        offsets[row as usize + 1] += 1;
    }
    for row in 0..rows {
        offsets[row + 1] += offsets[row];
    }
    let mut places = offsets.clone();
    let mut gathered = vec![Piece::default(); pieces.len()];
    for (&index, &row) in order.iter().zip(row_of) {
        let place = &mut places[row as usize];
        gathered[*place as usize] = pieces[index as usize];
        *place += 1;
    }
    (offsets, gathered)
}

/// Each piece into the row of the least sufficient space, of equal ones the one that has had it longest: TRL's `bfd`.
pub fn first_come(pieces: &[Piece], capacity: u32) -> (Vec<i64>, Vec<Piece>) {
    let order = decreasing(pieces, capacity, 0);
    let mut spaces = SpaceSet::new(capacity as usize);
    // Rows with each free space as a queue: oldest, newest, and behind each row the next.
    let mut oldest = vec![NONE; capacity as usize + 1];
    let mut newest = vec![NONE; capacity as usize + 1];
    let mut behind: Vec<u32> = Vec::new();
    let mut row_of = Vec::with_capacity(pieces.len());
    for &index in &order {
        let length = pieces[index as usize].length as usize;
        let (row, space) = match spaces.at_least(length) {
            Some(space) => {
                let row = oldest[space];
                oldest[space] = behind[row as usize];
                if oldest[space] == NONE {
                    spaces.remove(space);
                }
                (row, space)
            }
            None => {
                behind.push(NONE);
                (behind.len() as u32 - 1, capacity as usize)
            }
        };
        let left = space - length;
        if left > 0 {
            behind[row as usize] = NONE;
            if oldest[left] == NONE {
                oldest[left] = row;
                spaces.insert(left);
            } else {
                behind[newest[left] as usize] = row;
            }
            newest[left] = row;
        }
        row_of.push(row);
    }
    gather(pieces, &order, &row_of, behind.len())
}

/// How many rows are looked at for one that a piece may share, before a new one is begun: what keeps time linear.
const LOOKS: usize = 64;

/// Best fit where pieces of one group may not share a row. A row in whose way a group stands is passed over; after
/// [`LOOKS`] of them a new row is begun.
pub fn apart(pieces: &[Piece], groups: &[i64], capacity: u32, most_pieces: u32, seed: u64) -> (Vec<i64>, Vec<Piece>) {
    let order = decreasing(pieces, capacity, seed);
    let mut spaces = SpaceSet::new(capacity as usize);
    let mut with_space: Vec<VecDeque<u32>> = vec![VecDeque::new(); capacity as usize + 1];
    let mut inside: HashSet<(u32, i64)> = HashSet::new();
    let mut pieces_in: Vec<u32> = Vec::new();
    let mut row_of = Vec::with_capacity(pieces.len());
    for &index in &order {
        let piece = &pieces[index as usize];
        let (length, group) = (piece.length as usize, groups[piece.document as usize]);
        let mut found = None;
        let mut looks = 0;
        let mut from = length;
        'spaces: while let Some(space) = spaces.at_least(from) {
            for place in 0..with_space[space].len() {
                let row = with_space[space][place];
                if !inside.contains(&(row, group)) {
                    // Among equals the order does not matter, so the first takes the place of the one that goes.
                    with_space[space].swap_remove_front(place);
                    if with_space[space].is_empty() {
                        spaces.remove(space);
                    }
                    found = Some((row, space));
                    break 'spaces;
                }
                looks += 1;
                if looks == LOOKS {
                    break 'spaces;
                }
            }
            from = space + 1;
            if from > capacity as usize {
                break;
            }
        }
        let (row, space) = found.unwrap_or_else(|| {
            pieces_in.push(0);
            (pieces_in.len() as u32 - 1, capacity as usize)
        });
        inside.insert((row, group));
        pieces_in[row as usize] += 1;
        let left = space - length;
        if left > 0 && pieces_in[row as usize] < most_pieces {
            if with_space[left].is_empty() {
                spaces.insert(left);
            }
            with_space[left].push_back(row);
        }
        row_of.push(row);
    }
    gather(pieces, &order, &row_of, pieces_in.len())
}
