//! Dealing costs to groups.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use tokenfoundry_pack::balance::{best, differencing, largest_first};

use crate::{errors, gate};

/// The group of each item.
#[pyfunction]
pub fn balance<'py>(
    python: Python<'py>,
    costs: PyReadonlyArray1<'py, u64>,
    groups: usize,
    equal_counts: bool,
    method: &str,
) -> PyResult<Bound<'py, PyArray1<u32>>> {
    let costs = costs.as_slice()?;
    let enough = u32::try_from(costs.len()).is_ok() && u32::try_from(groups).is_ok() && groups > 0;
    if !enough || costs.iter().try_fold(0u64, |sum, &cost| sum.checked_add(cost)).is_none() {
        return Err(errors::input("groups, items or the sum of costs out of range"));
    }
    let dealt = match method {
        "best" => gate::brief(python, || best(costs, groups, equal_counts)),
        "differencing" => gate::brief(python, || differencing(costs, groups, equal_counts)),
        "largest_first" => gate::brief(python, || largest_first(costs, groups, equal_counts)),
        other => return Err(errors::input(format!("no method {other:?}"))),
    };
    Ok(dealt.into_pyarray(python))
}
