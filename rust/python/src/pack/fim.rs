//! Fill-in-the-middle over many documents.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use rayon::prelude::*;
use tokenfoundry_base::{Ragged, pool};
use tokenfoundry_pack::fim::{Marks, Options as FimOptions, fill_in_the_middle};

use super::Column;
use crate::{errors, gate};

type Changed<'py> = (Bound<'py, PyArray1<u32>>, Column<'py>, Bound<'py, PyArray1<bool>>);

/// Fill in the middle: values, offsets, and which documents were changed. `ids`: a number for each document.
#[pyfunction]
#[pyo3(signature = (values, offsets, ids, marks, rate, suffix_first_rate, seed, threads))]
#[allow(clippy::too_many_arguments)]
pub fn fim<'py>(
    python: Python<'py>,
    values: PyReadonlyArray1<'py, u32>,
    offsets: PyReadonlyArray1<'py, i64>,
    ids: PyReadonlyArray1<'py, u64>,
    marks: (u32, u32, u32),
    rate: f64,
    suffix_first_rate: f64,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<Changed<'py>> {
    let (values, offsets, ids) = (values.as_slice()?, offsets.as_slice()?, ids.as_slice()?);
    let fits = offsets.first().is_some_and(|&first| first >= 0)
        && offsets.is_sorted()
        && offsets.last().is_some_and(|&last| last <= values.len() as i64)
        && ids.len() + 1 == offsets.len();
    if !fits {
        return Err(errors::input("offsets do not lie in the values, or ids are not one a document"));
    }
    let whole = f64::from(2.0f32).powi(32);
    let options = FimOptions {
        marks: Marks { prefix: marks.0, middle: marks.1, suffix: marks.2 },
        rate: (rate * whole) as u64,
        suffix_first_rate: (suffix_first_rate * whole) as u64,
        seed,
    };
    let (ragged, changed) = gate::brief(python, || {
        pool::install(threads, || {
            let parts: Vec<(Ragged, Vec<bool>)> = ids
                .par_chunks(1024)
                .zip(offsets.windows(2).collect::<Vec<_>>().par_chunks(1024))
                .map(|(ids, ranges)| {
                    let mut out = Ragged::default();
                    let changed = ids
                        .iter()
                        .zip(ranges)
                        .map(|(&id, range)| {
                            let tokens = &values[range[0] as usize..range[1] as usize];
                            let changed = fill_in_the_middle(tokens, id, &options, &mut out.values);
                            out.close_row();
                            changed
                        })
                        .collect();
                    (out, changed)
                })
                .collect();
            let (ragged, changed): (Vec<Ragged>, Vec<Vec<bool>>) = parts.into_iter().unzip();
            (Ragged::concat(ragged), changed.concat())
        })
    });
    Ok((ragged.values.into_pyarray(python), ragged.offsets.into_pyarray(python), changed.into_pyarray(python)))
}
