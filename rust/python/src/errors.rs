//! Raising the exceptions of `tokenfoundry.errors` from Rust.
//!
//! The tree is written in Python, where `class VocabularyError(TokenFoundryError, ValueError)` is one line; an
//! extension built against the stable ABI cannot make a class with two bases.

use pyo3::prelude::*;
use pyo3::types::PyType;

/// A leaf of the tree; `name` is the class's name in `tokenfoundry.errors`.
fn raise(name: &str, message: String) -> PyErr {
    Python::attach(|python| {
        let class = python
            .import("tokenfoundry.errors")
            .and_then(|errors| errors.getattr(name))
            .and_then(|class| Ok(class.cast_into::<PyType>()?));
        match class {
            Ok(class) => PyErr::from_type(class, message),
            Err(missing) => missing,
        }
    })
}

/// A vocabulary, or a text under it, that cannot be used: `VocabularyError(ValueError)`.
#[allow(dead_code)]
pub fn vocabulary(message: impl Into<String>) -> PyErr {
    raise("VocabularyError", message.into())
}

/// A shard that is damaged, foreign or from the future: `ShardError(OSError)`.
#[allow(dead_code)]
pub fn shard(message: impl Into<String>) -> PyErr {
    raise("ShardError", message.into())
}

/// An argument out of its range: `InputError(ValueError)`.
#[allow(dead_code)]
pub fn input(message: impl Into<String>) -> PyErr {
    raise("InputError", message.into())
}
