//! Reading documents at memory speed: what is plain is taken here, and what is odd is left to the readers in Python,
//! which say what is wrong with it and where.

pub mod json_line;
pub mod json_lines;
pub mod pieces;
