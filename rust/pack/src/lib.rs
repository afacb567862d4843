//! Filling training rows with documents: which piece of which document goes where, and laying the tokens out.
//!
//! `pieces` cuts what is longer than a row; `best_fit`, `in_turn`, `first_fit`, `similar` and `concat` put pieces into
//! rows; `bound` says how few rows there could be; `layout` turns pieces into tokens, positions, labels and boundaries.

pub mod balance;
pub mod best_fit;
pub mod bound;
pub mod concat;
pub mod fim;
pub mod first_fit;
pub mod in_turn;
pub mod layout;
mod pages;
pub mod pieces;
pub mod plan;
pub mod similar;
mod spaces;
pub mod streaming;

/// Why something cannot be packed; names the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackError(pub String);

impl std::fmt::Display for PackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PackError {}
