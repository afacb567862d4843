//! A file that is there completely or not at all: written under a temporary name, flushed to disk, then renamed.
//! Whoever flushes many files together later says so: then a killed process leaves none half-written, a power cut may.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::{ShardError, io_error};

pub struct AtomicFile {
    target: PathBuf,
    temporary: PathBuf,
    file: Option<File>,
}

impl AtomicFile {
    /// Callers write in pieces of their own choosing; there is no buffer here.
    pub fn create(target: &Path) -> Result<Self, ShardError> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        remove_abandoned(target, &name);
        let temporary = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let file = File::create(&temporary).map_err(|error| io_error(&temporary, "cannot be created", error))?;
        Ok(Self { target: target.to_owned(), temporary, file: Some(file) })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ShardError> {
        match &mut self.file {
            Some(file) => file.write_all(bytes).map_err(|error| io_error(&self.temporary, "cannot be written", error)),
            None => Ok(()),
        }
    }

    /// Make the file appear under its name. If `durable`, it stays there through a power cut once [`sync_directory`] has
    /// returned.
    pub fn commit(mut self, durable: bool) -> Result<(), ShardError> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let flushed = if durable { file.sync_all() } else { Ok(()) };
        flushed
            .and_then(|()| std::fs::rename(&self.temporary, &self.target))
            .map_err(|error| io_error(&self.target, "cannot be written", error))
    }
}

/// A rename is on disk only when the directory is.
pub fn sync_directory(directory: &Path) -> Result<(), ShardError> {
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(|error| io_error(directory, "cannot be flushed to disk", error))
}

/// Take away what a killed writer left of this file. A temporary name carries its writer's process id; one whose
/// process lives belongs to a writer at work and stays.
fn remove_abandoned(target: &Path, name: &str) {
    let (Some(directory), prefix) = (target.parent(), format!(".{name}.")) else { return };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let process =
            file_name.to_str().and_then(|found| found.strip_prefix(&prefix)?.strip_suffix(".tmp")?.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // Only where the commit did not happen; a leftover would be harmless but is litter.
        let _ = std::fs::remove_file(&self.temporary);
    }
}
