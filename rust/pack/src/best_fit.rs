//! Best-fit decreasing over classes: O(pieces + capacity), with a textbook's rows.
//!
//! Pieces of equal length are placed together. A group is a run of rows with the same lengths in them; all groups with
//! the same free space are a class, found in a bitset. To place pieces of length `l`, take a group of the smallest
//! class `r >= l` and put `floor(r / l)` pieces into each of its rows at once. That is what best fit does one by one:
//! after a piece the row has `r - l` left, which, as long as it is enough, is the tightest place there is. Only the last
//! group of a length is split.
//!
//! A group remembers its rows' contents as a chain of nodes, one a length; which pieces of that length are a row's is
//! its place in the group. `rows` writes them out, fullest rows first.

use crate::classes::{Classes, Group, NONE};

/// `copies` pieces of `length` in each of a run of rows: those of row `i` are number `first + i * copies` and on, in
/// the sorted order. Row `i` here is row `parent_offset + i` of `parent`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) parent: u32,
    pub(crate) parent_offset: u32,
    pub(crate) first: u32,
    pub(crate) length: u32,
    pub(crate) copies: u32,
    /// Pieces in a row, this node's and its ancestors'.
    pub(crate) pieces: u32,
}

/// Which pieces share rows, not yet written out: groups of rows, and the chains of nodes that they end.
#[derive(Debug, Default)]
pub struct Filled {
    pub(crate) nodes: Vec<Node>,
    pub(crate) groups: Vec<Group>,
}

/// Fill rows of `capacity` with at most `most_pieces` pieces each. `starts[l]` is the first piece of class `l` in the
/// sorted order; class 0 is empty.
pub fn best_fit(starts: &[u32], histogram: &[u32], capacity: u32, most_pieces: u32) -> Filled {
    let mut classes = Classes::new(capacity);
    let mut nodes: Vec<Node> = Vec::new();
    // Rows that take no more pieces though they have space.
    let mut closed: Vec<Group> = Vec::new();
    for length in (1..=capacity).rev() {
        let mut left = histogram[length as usize];
        let mut first = starts[length as usize];
        while left > 0 {
            let (space, group) = match classes.pop(length) {
                Some(found) => found,
                None => {
                    let copies = (capacity / length).min(most_pieces);
                    (capacity, Group { node: NONE, offset: 0, rows: left.div_ceil(copies), next: NONE })
                }
            };
            let before = if group.node == NONE { 0 } else { nodes[group.node as usize].pieces };
            let copies = (space / length).min(most_pieces - before);
            let full = (left / copies).min(group.rows);
            let rest = if full < group.rows { left - full * copies } else { 0 };
            let mut place = |rows: u32, copies: u32, offset: u32| {
                if rows == 0 || copies == 0 {
                    return;
                }
                let node = nodes.len() as u32;
                let pieces = before + copies;
                nodes.push(Node { parent: group.node, parent_offset: offset, first, length, copies, pieces });
                first += rows * copies;
                left -= rows * copies;
                let placed = Group { node, offset: 0, rows, next: NONE };
                if pieces == most_pieces {
                    closed.push(placed);
                } else {
                    classes.push(space - copies * length, placed);
                }
            };
            place(full, copies, group.offset);
            place(u32::from(rest > 0), rest, group.offset + full);
            let used = full + u32::from(rest > 0);
            if used < group.rows {
                classes.put_back(space, Group { offset: group.offset + used, rows: group.rows - used, ..group });
            }
        }
    }
    Filled { nodes, groups: classes.into_groups(&closed) }
}
