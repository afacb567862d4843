//! An index of documents seen, on disk.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tokenfoundry_dedup::index::{self, Found, Sketched, segment::ID_BYTES};

use super::{OptionFields, checked, failed, options};
use crate::buffers::texts::Texts;
use crate::{errors, gate};

#[pyclass(module = "tokenfoundry._core.dedup")]
pub struct Index {
    index: index::Index,
    directory: PathBuf,
    /// Of the texts of the last `find`, for an `add` of the same.
    sketched: Option<Sketched>,
}

type FoundColumns<'py> = (Bound<'py, PyArray1<f32>>, Bound<'py, PyArray1<bool>>, Bound<'py, PyBytes>);

type CandidateColumns<'py> =
    (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<f32>>, Bound<'py, PyArray1<bool>>, Bound<'py, PyBytes>);

#[pymethods]
impl Index {
    #[staticmethod]
    fn create(directory: PathBuf, fields: OptionFields) -> PyResult<Self> {
        let unit_name = fields.1.clone();
        let index = index::Index::create(&directory, &unit_name, &options(fields)?).map_err(failed)?;
        Ok(Self { index, directory, sketched: None })
    }

    #[staticmethod]
    fn open(directory: PathBuf) -> PyResult<Self> {
        Ok(Self { index: index::Index::open(&directory).map_err(failed)?, directory, sketched: None })
    }

    fn refresh(&mut self) -> PyResult<()> {
        self.index = index::Index::open(&self.directory).map_err(failed)?;
        Ok(())
    }

    /// For each text: the similarity of the best found (NaN: none), whether it is identical, its id.
    fn find<'py>(
        &mut self,
        python: Python<'py>,
        texts: Texts,
        threshold: f64,
        threads: Option<usize>,
    ) -> PyResult<FoundColumns<'py>> {
        let bytes = checked(&texts, self.index.options(threshold).unit)?;
        let index = &self.index;
        let (sketched, found) = gate::long(python, |cancel| {
            let sketched = index.sketch(&bytes, threads, cancel)?;
            let found = index.find(&sketched, threshold, threads, cancel)?;
            Ok((sketched, found))
        })?
        .map_err(failed)?;
        self.sketched = Some(sketched);
        let similarities: Vec<f32> =
            found.iter().map(|found| found.map_or(f32::NAN, |Found { similarity, .. }| similarity)).collect();
        let identical: Vec<bool> = found.iter().map(|found| found.is_some_and(|found| found.identical)).collect();
        let ids: Vec<u8> = found.iter().flat_map(|found| found.map_or([0; ID_BYTES], |found| found.id)).collect();
        Ok((similarities.into_pyarray(python), identical.into_pyarray(python), PyBytes::new(python, &ids)))
    }

    /// Those that seem at least `threshold` similar to each text, most similar first: `(offsets, similarities, identical,
    /// ids)`, of which text i has the rows `offsets[i]..offsets[i + 1]`.
    fn candidates<'py>(
        &mut self,
        python: Python<'py>,
        texts: Texts,
        threshold: f64,
        threads: Option<usize>,
    ) -> PyResult<CandidateColumns<'py>> {
        let bytes = checked(&texts, self.index.options(threshold).unit)?;
        let index = &self.index;
        let (sketched, found) = gate::long(python, |cancel| {
            let sketched = index.sketch(&bytes, threads, cancel)?;
            let found = index.candidates(&sketched, threshold, threads, cancel)?;
            Ok((sketched, found))
        })?
        .map_err(failed)?;
        self.sketched = Some(sketched);
        let mut offsets = vec![0i64];
        offsets.extend(found.iter().scan(0, |end, some| {
            *end += some.len() as i64;
            Some(*end)
        }));
        let found = found.concat();
        let similarities: Vec<f32> = found.iter().map(|found| found.similarity).collect();
        let identical: Vec<bool> = found.iter().map(|found| found.identical).collect();
        let ids: Vec<u8> = found.iter().flat_map(|found| found.id).collect();
        Ok((
            offsets.into_pyarray(python),
            similarities.into_pyarray(python),
            identical.into_pyarray(python),
            PyBytes::new(python, &ids),
        ))
    }

    /// Add those of the texts given to the last `find` or `candidates` that `keep` names; `ids` has 16 bytes for every text.
    fn add_found(&mut self, python: Python<'_>, ids: &[u8], keep: PyReadonlyArray1<'_, bool>) -> PyResult<()> {
        let Some(sketched) = self.sketched.take() else {
            return Err(errors::input("call find before add_found"));
        };
        let keep = keep.as_slice()?.to_vec();
        let ids: Vec<[u8; ID_BYTES]> = ids
            .chunks_exact(ID_BYTES)
            .map(|chunk| {
                let mut id = [0; ID_BYTES];
                id.copy_from_slice(chunk);
                id
            })
            .collect();
        if ids.len() != keep.len() || sketched.len() != keep.len() {
            return Err(errors::input(format!(
                "{} ids and {} keep flags for {} texts",
                ids.len(),
                keep.len(),
                sketched.len()
            )));
        }
        let index = &mut self.index;
        gate::long(python, |_| index.add(&sketched, &ids, &keep))?.map_err(failed)
    }

    fn compact(&mut self, python: Python<'_>) -> PyResult<()> {
        let index = &mut self.index;
        gate::long(python, |_| index.compact())?.map_err(failed)
    }

    fn sweep(&self) -> PyResult<()> {
        self.index.sweep().map_err(failed)
    }

    fn verify(&self, python: Python<'_>) -> PyResult<()> {
        let index = &self.index;
        gate::long(python, |cancel| index.verify(cancel))?.map_err(failed)
    }

    fn stats<'py>(&self, python: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = PyDict::new(python);
        let options = self.index.options(0.0);
        stats.set_item("documents", self.index.documents())?;
        stats.set_item("segments", self.index.segment_count())?;
        stats.set_item("bytes", self.index.file_bytes())?;
        stats.set_item("bands", options.bands.bands)?;
        stats.set_item("rows", options.bands.rows)?;
        stats.set_item("ngram", options.ngram)?;
        stats.set_item("seed", options.seed)?;
        stats.set_item("unit", self.index.unit_name())?;
        stats.set_item("unicode", self.index.unicode())?;
        Ok(stats)
    }
}
