//! A ragged array: many rows of unequal length in two flat vectors.
//!
//! Row `i` is `values[offsets[i]..offsets[i + 1]]`. Offsets are `i64` because Arrow's large lists are, so that a
//! result moves to numpy or Arrow without a conversion.

use tokenfoundry_kernels::huge_pages;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ragged<T = u32> {
    pub values: Vec<T>,
    pub offsets: Vec<i64>,
}

impl<T> Default for Ragged<T> {
    fn default() -> Self {
        Self { values: Vec::new(), offsets: vec![0] }
    }
}

impl<T: Copy> Ragged<T> {
    pub fn with_capacity(rows: usize, values: usize) -> Self {
        let mut offsets = huge_pages::vec_with_capacity(rows + 1);
        offsets.push(0);
        Self { values: huge_pages::vec_with_capacity(values), offsets }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn row(&self, index: usize) -> &[T] {
        &self.values[self.offsets[index] as usize..self.offsets[index + 1] as usize]
    }

    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[T]> {
        (0..self.len()).map(|index| self.row(index))
    }

    /// Append one row.
    pub fn push_row(&mut self, row: &[T]) {
        self.values.extend_from_slice(row);
        self.offsets.push(self.values.len() as i64);
    }

    /// Close the row whose values were pushed onto `values` directly.
    pub fn close_row(&mut self) {
        self.offsets.push(self.values.len() as i64);
    }

    /// Join parts that were made one after another (by the chunks of a parallel run), in order.
    pub fn concat(parts: Vec<Self>) -> Self {
        let mut parts = parts.into_iter();
        let Some(mut joined) = parts.next() else {
            return Self::default();
        };
        for part in parts {
            let shift = joined.values.len() as i64;
            joined.values.extend_from_slice(&part.values);
            joined.offsets.extend(part.offsets[1..].iter().map(|offset| offset + shift));
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concat_keeps_rows_in_order() {
        let mut first = Ragged::default();
        first.push_row(&[1u32, 2]);
        first.push_row(&[]);
        let mut second = Ragged::default();
        second.push_row(&[3]);
        let joined = Ragged::concat(vec![first, second]);
        let rows: Vec<&[u32]> = joined.rows().collect();
        assert_eq!(rows, [&[1, 2][..], &[], &[3]]);
        assert!(Ragged::<u32>::concat(Vec::new()).is_empty());
    }
}
