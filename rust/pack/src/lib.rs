//! Filling training rows with documents: which piece of which document goes where, and laying the tokens out.
//!
//! `split` makes pieces no longer than a row; `best_fit`, `first_fit` and `concat` put pieces into rows; `bound` says how
//! few rows there could be; `layout` turns pieces into tokens, positions, labels and boundaries.

pub mod best_fit;
pub mod bound;
pub mod concat;
pub mod first_fit;
pub mod layout;
pub mod plan;
pub mod split;
