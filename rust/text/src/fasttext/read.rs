//! Little-endian numbers out of bytes, every step checked.

use super::Damaged;

pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn damaged(&self, reason: impl Into<String>) -> Damaged {
        Damaged { offset: self.at, reason: reason.into() }
    }

    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| self.damaged("the file ends too early"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub fn i32(&mut self) -> Result<i32, Damaged> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64, Damaged> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub fn bool(&mut self) -> Result<bool, Damaged> {
        Ok(self.take(1)?[0] != 0)
    }

    /// A number that must be in `0..=most`.
    pub fn size(&self, value: i64, most: i64, what: &str) -> Result<usize, Damaged> {
        usize::try_from(value)
            .ok()
            .filter(|_| value <= most)
            .ok_or_else(|| self.damaged(format!("{value} {what} cannot be")))
    }

    pub fn floats(&mut self, count: usize) -> Result<Vec<f32>, Damaged> {
        let bytes = count.checked_mul(4).ok_or_else(|| self.damaged("a matrix is too large"))?;
        let raw = self.take(bytes)?;
        Ok(raw.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect())
    }

    /// Bytes up to a NUL, which is taken too.
    pub fn name(&mut self) -> Result<&'a [u8], Damaged> {
        let rest = &self.bytes[self.at..];
        let length = memchr::memchr(0, rest).ok_or_else(|| self.damaged("a word does not end"))?;
        self.at += length + 1;
        Ok(&rest[..length])
    }
}
