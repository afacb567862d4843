//! A file that is there completely or not at all: written under a temporary name, flushed to disk, then renamed.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::{ShardError, io_error};

pub struct AtomicFile {
    target: PathBuf,
    temporary: PathBuf,
    file: Option<BufWriter<File>>,
}

impl AtomicFile {
    pub fn create(target: &Path) -> Result<Self, ShardError> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let temporary = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let file = File::create(&temporary).map_err(|error| io_error(&temporary, "cannot be created", error))?;
        Ok(Self { target: target.to_owned(), temporary, file: Some(BufWriter::with_capacity(1 << 20, file)) })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ShardError> {
        match &mut self.file {
            Some(file) => file.write_all(bytes).map_err(|error| io_error(&self.temporary, "cannot be written", error)),
            None => Ok(()),
        }
    }

    /// Make the file appear under its name.
    pub fn commit(mut self) -> Result<(), ShardError> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let flushed = file.into_inner().map_err(|error| error.into_error()).and_then(|file| file.sync_all());
        flushed
            .and_then(|()| std::fs::rename(&self.temporary, &self.target))
            .and_then(|()| sync_directory(&self.target))
            .map_err(|error| io_error(&self.target, "cannot be written", error))
    }
}

/// The rename itself is on disk only when the directory is.
fn sync_directory(file: &Path) -> std::io::Result<()> {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // Only where the commit did not happen; a leftover would be harmless but is litter.
        let _ = std::fs::remove_file(&self.temporary);
    }
}
