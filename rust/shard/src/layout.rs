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

/// What one value of a side column is; the numbers are Megatron's dtype codes, so one table serves all files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnType {
    code: u32,
}

impl ColumnType {
    pub fn from_code(code: u32) -> Option<Self> {
        (1..=8).contains(&code).then_some(Self { code })
    }

    pub fn code(self) -> u32 {
        self.code
    }

    pub fn bytes(self) -> usize {
        match self.code {
            1 | 2 => 1,
            3 | 8 => 2,
            4 | 7 => 4,
            _ => 8,
        }
    }
}

/// Bytes of a `.bin` or `.col` that one checksum covers: a page, so that checking reads nothing the window did not
/// touch anyway. Costs two thousandths of the file.
pub const BLOCK_BYTES: usize = 1 << 12;

/// The files of one shard; `stem` is their path without the extension.
#[derive(Clone, Debug)]
pub struct Paths {
    stem: PathBuf,
    pub bin: PathBuf,
    pub idx: PathBuf,
    pub tfi: PathBuf,
}

impl Paths {
    pub fn new(stem: &Path) -> Self {
        let with = |extension: &str| extended(stem, extension);
        Self { stem: stem.to_owned(), bin: with(".bin"), idx: with(".idx"), tfi: with(".tfi") }
    }

    /// The file of a side column.
    pub fn column(&self, name: &str) -> PathBuf {
        extended(&self.stem, &format!(".{name}.col"))
    }
}

fn extended(stem: &Path, extension: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(extension);
    PathBuf::from(name)
}

/// `shard-00042`: the name of the shard with this number.
pub fn shard_name(number: u32) -> String {
    format!("shard-{number:05}")
}
