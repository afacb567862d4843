//! Rows of tokens cut to a length and put into a matrix.

use tokenfoundry_base::Ragged;

/// Where something is taken away or put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// Cut rows longer than `length`. The first `before` and the last `after` tokens of a row (its template) stay, as far as
/// there is room, and what is between them is cut at `side`.
pub fn truncated(rows: &Ragged<u32>, length: usize, before: usize, after: usize, side: Side) -> Ragged<u32> {
    let total = rows.rows().map(|row| row.len().min(length)).sum();
    let mut cut = Ragged::with_capacity(rows.len(), total);
    for row in rows.rows() {
        if row.len() <= length {
            cut.values.extend_from_slice(row);
        } else {
            let before = before.min(length).min(row.len());
            let after = after.min(length - before).min(row.len() - before);
            let (first, rest) = row.split_at(before);
            let (middle, last) = rest.split_at(rest.len() - after);
            let kept = length - before - after;
            cut.values.extend_from_slice(first);
            cut.values.extend_from_slice(match side {
                Side::Right => &middle[..kept],
                Side::Left => &middle[middle.len() - kept..],
            });
            cut.values.extend_from_slice(last);
        }
        cut.close_row();
    }
    cut
}

/// A matrix of `offsets.len() - 1` rows and `length` columns, row by row: longer rows lose tokens at `cut`, shorter ones
/// get `pad` at `padding`. `None` if an offset points outside of `values`, or the matrix is beyond memory.
pub fn padded(values: &[u32], offsets: &[i64], length: usize, pad: u32, padding: Side, cut: Side) -> Option<Vec<u32>> {
    let rows = offsets.len().checked_sub(1)?;
    let mut matrix = Vec::new();
    matrix.try_reserve_exact(rows.checked_mul(length)?).ok()?;
    for row in offsets.windows(2) {
        let row = values.get(usize::try_from(row[0]).ok()?..usize::try_from(row[1]).ok()?)?;
        let kept = match cut {
            Side::Right => &row[..row.len().min(length)],
            Side::Left => &row[row.len() - row.len().min(length)..],
        };
        let fill = length - kept.len();
        if padding == Side::Left {
            matrix.resize(matrix.len() + fill, pad);
        }
        matrix.extend_from_slice(kept);
        if padding == Side::Right {
            matrix.resize(matrix.len() + fill, pad);
        }
    }
    Some(matrix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[u32]]) -> Ragged<u32> {
        let mut ragged = Ragged::with_capacity(rows.len(), 0);
        for row in rows {
            ragged.values.extend_from_slice(row);
            ragged.close_row();
        }
        ragged
    }

    #[test]
    fn a_template_survives_truncation() {
        let long = rows(&[&[1, 10, 11, 12, 13, 2], &[1, 2], &[]]);
        let cut = |length, side| truncated(&long, length, 1, 1, side).rows().map(<[u32]>::to_vec).collect::<Vec<_>>();
        assert_eq!(cut(4, Side::Right), [vec![1, 10, 11, 2], vec![1, 2], vec![]]);
        assert_eq!(cut(4, Side::Left), [vec![1, 12, 13, 2], vec![1, 2], vec![]]);
        assert_eq!(cut(1, Side::Right), [vec![1], vec![1], vec![]]);
        assert!(cut(0, Side::Left).concat().is_empty());
    }

    #[test]
    fn rows_fill_a_matrix_from_either_side() {
        let three = rows(&[&[1, 2, 3], &[4], &[]]);
        let make = |length, padding, cut| padded(&three.values, &three.offsets, length, 9, padding, cut).expect("fits");
        assert_eq!(make(2, Side::Right, Side::Right), [1, 2, 4, 9, 9, 9]);
        assert_eq!(make(2, Side::Left, Side::Left), [2, 3, 9, 4, 9, 9]);
        assert_eq!(make(4, Side::Left, Side::Right), [9, 1, 2, 3, 9, 9, 9, 4, 9, 9, 9, 9]);
        assert!(make(0, Side::Right, Side::Right).is_empty());
        assert!(padded(&three.values, &[0, 99], 2, 9, Side::Right, Side::Right).is_none());
    }
}
