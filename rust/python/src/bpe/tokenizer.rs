use pyo3::prelude::*;

pub fn fill(_room: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
