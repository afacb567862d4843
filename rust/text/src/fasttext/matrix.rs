//! Matrices of 32-bit floats, plain in the file or packed by product quantization (Jégou et al. 2011).

use super::Damaged;
use super::read::Reader;

#[derive(Debug)]
pub struct Matrix {
    pub rows: usize,
    pub columns: usize,
    values: Vec<f32>,
}

/// Codes of one byte a part of a row, and the 256 values that each part may have.
struct Packed {
    parts: usize,
    width: usize,
    last_width: usize,
    centroids: Vec<f32>,
}

impl Packed {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut four = [0usize; 4];
        for value in &mut four {
            let read = reader.i32()?;
            *value = reader.size(i64::from(read), 1 << 20, "as a size of packed rows")?;
        }
        let [dimensions, parts, width, last_width] = four;
        if parts == 0 || (parts - 1) * width + last_width != dimensions || last_width > width {
            return Err(reader.damaged("packed rows of sizes that do not add up"));
        }
        Ok(Self { parts, width, last_width, centroids: reader.floats(dimensions * 256)? })
    }

    fn centroid(&self, part: usize, code: u8) -> &[f32] {
        let width = if part + 1 == self.parts { self.last_width } else { self.width };
        let start = part * 256 * self.width + usize::from(code) * width;
        &self.centroids[start..start + width]
    }
}

impl Matrix {
    pub fn read(reader: &mut Reader<'_>, packed: bool) -> Result<Self, Damaged> {
        if packed { Self::unpack(reader) } else { Self::plain(reader) }
    }

    fn shape(reader: &mut Reader<'_>) -> Result<(usize, usize), Damaged> {
        let (rows, columns) = (reader.i64()?, reader.i64()?);
        Ok((reader.size(rows, 1 << 40, "rows")?, reader.size(columns, 1 << 20, "columns")?))
    }

    fn plain(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let (rows, columns) = Self::shape(reader)?;
        let count = rows.checked_mul(columns).ok_or_else(|| reader.damaged("a matrix is too large"))?;
        Ok(Self { rows, columns, values: reader.floats(count)? })
    }

    fn unpack(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let has_norms = reader.bool()?;
        let (rows, columns) = Self::shape(reader)?;
        let size = reader.i32()?;
        let size = reader.size(i64::from(size), reader.left() as i64, "bytes of codes")?;
        let codes = reader.take(size)?;
        let packed = Packed::read(reader)?;
        if rows.checked_mul(packed.parts) != Some(size)
            || (packed.parts - 1) * packed.width + packed.last_width != columns
        {
            return Err(reader.damaged("packed rows of another size than the matrix"));
        }
        let norms = if has_norms {
            let codes = reader.take(rows)?;
            let packed = Packed::read(reader)?;
            if packed.parts != 1 || packed.last_width != 1 {
                return Err(reader.damaged("lengths of rows that are not one number each"));
            }
            Some((codes, packed))
        } else {
            None
        };
        let mut values = Vec::with_capacity(rows * columns);
        for (row, codes) in codes.chunks_exact(packed.parts).enumerate() {
            let norm = norms.as_ref().map_or(1.0, |(codes, packed)| packed.centroid(0, codes[row])[0]);
            for (part, &code) in codes.iter().enumerate() {
                values.extend(packed.centroid(part, code).iter().map(|value| norm * value));
            }
        }
        Ok(Self { rows, columns, values })
    }

    pub fn bytes(&self) -> usize {
        self.values.len() * 4
    }

    #[inline]
    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// The sum of `rows`, divided by `count`.
    pub fn mean<'r>(&self, rows: impl Iterator<Item = &'r u32>, count: usize, mean: &mut Vec<f32>) {
        mean.clear();
        mean.resize(self.columns, 0.0);
        for &row in rows {
            mean.iter_mut().zip(self.row(row as usize)).for_each(|(sum, value)| *sum += value);
        }
        let factor = (1.0 / count as f64) as f32;
        mean.iter_mut().for_each(|sum| *sum *= factor);
    }

    #[inline]
    pub fn dot(&self, row: usize, vector: &[f32]) -> f32 {
        self.row(row).iter().zip(vector).fold(0.0, |sum, (left, right)| sum + left * right)
    }
}
