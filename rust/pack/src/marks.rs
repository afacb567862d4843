//! Some of many documents, marked: whether one is, and how many before it are, in a few instructions.

/// A bit a document, and for each word of bits how many are set before it.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    words: Vec<(u64, u32)>,
}

impl Marks {
    pub(crate) fn new(count: usize) -> Self {
        Self { words: vec![(0, 0); count / 64 + 1] }
    }

    /// `first + place` for all places.
    pub(crate) fn mark(&mut self, first: usize, places: &[u16]) {
        for &place in places {
            let document = first + place as usize;
            self.words[document / 64].0 |= 1 << (document % 64);
        }
    }

    /// After the last is marked: count those before each word.
    pub(crate) fn count(&mut self) {
        let mut before = 0;
        for (bits, rank) in &mut self.words {
            *rank = before;
            before += bits.count_ones();
        }
    }

    #[inline]
    pub(crate) fn has(&self, document: usize) -> bool {
        self.words[document / 64].0 & (1 << (document % 64)) != 0
    }

    /// How many documents with smaller numbers are marked.
    #[inline]
    pub(crate) fn before(&self, document: usize) -> usize {
        let (bits, rank) = self.words[document / 64];
        rank as usize + (bits & ((1 << (document % 64)) - 1)).count_ones() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_and_counted() {
        let marked = [10u16, 11, 73, 74, 210, 255];
        let mut marks = Marks::new(256);
        marks.mark(0, &marked[..3]);
        marks.mark(10, &marked[3..].iter().map(|place| place - 10).collect::<Vec<_>>());
        marks.count();
        for document in 0..=256 {
            assert_eq!(marks.before(document), marked.iter().filter(|&&other| (other as usize) < document).count());
            assert_eq!(marks.has(document), marked.contains(&(document as u16)));
        }
    }
}
