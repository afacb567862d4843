//! What can go wrong with files. Each says which file, and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tokenfoundry_base::Cancelled;

#[derive(Debug)]
pub enum Error {
    Cancelled,
    File {
        path: PathBuf,
        source: io::Error,
    },
    /// The file is not what was written, or is of another kind.
    Damaged {
        path: PathBuf,
        what: String,
    },
    /// An argument that does not fit what is on disk.
    Input(String),
}

impl Error {
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::File { path: path.into(), source }
    }

    pub fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), what: what.into() }
    }
}

impl From<Cancelled> for Error {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled"),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Damaged { path, what } => write!(f, "{} is damaged: {what}; restore it from a copy", path.display()),
            Self::Input(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}
