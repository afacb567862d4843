//! Filling training rows with documents: which piece of which document goes where, and laying the tokens out.
//!
//! `lengths` counts them, `pieces` cuts what is longer than a row, `table` numbers the pieces; `best_fit` (of `sorted`
//! pieces, written out by `rows`), `in_turn`, `first_fit`, `similar` and `concat` put them into rows; `bound` says how
//! few rows there could be; `contents` is what a plan holds; `layout` turns pieces into tokens, positions, labels and boundaries.

pub mod balance;
pub mod best_fit;
pub mod bound;
mod classes;
pub mod concat;
pub mod contents;
pub mod fim;
pub mod first_fit;
pub mod in_turn;
pub mod layout;
mod lengths;
mod marks;
mod pages;
mod part;
pub mod pieces;
pub mod plan;
mod rounding;
mod rows;
pub mod similar;
pub mod sorted;
mod spaces;
pub mod streaming;
pub mod table;

/// Why something cannot be packed; names the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackError(pub String);

impl std::fmt::Display for PackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PackError {}
