//! Names and numbers that the files share.

use std::path::{Path, PathBuf};

/// How many bytes a token takes in the `.bin`: two where every id fits, else four, as Megatron does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Two,
    Four,
}

impl Width {
    /// Ids are below `vocabulary_size`.
    pub fn for_vocabulary(vocabulary_size: u64) -> Self {
        if vocabulary_size <= 1 << 16 { Self::Two } else { Self::Four }
    }

    pub fn bytes(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Megatron's dtype code: 8 is u16, 4 is i32.
    pub fn megatron_code(self) -> u8 {
        match self {
            Self::Two => 8,
            Self::Four => 4,
        }
    }
}

/// Bytes of the `.bin` that one checksum covers.
pub const BLOCK_BYTES: usize = 1 << 20;

/// The three files of one shard; `stem` is their path without the extension.
#[derive(Clone, Debug)]
pub struct Paths {
    pub bin: PathBuf,
    pub idx: PathBuf,
    pub tfi: PathBuf,
}

impl Paths {
    pub fn new(stem: &Path) -> Self {
        let with = |extension: &str| {
            let mut name = stem.as_os_str().to_owned();
            name.push(extension);
            PathBuf::from(name)
        };
        Self { bin: with(".bin"), idx: with(".idx"), tfi: with(".tfi") }
    }
}
