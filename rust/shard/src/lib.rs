//! Tokens on disk: Megatron-compatible `.bin`/`.idx`, and beside them our `.tfi` that says which document each token
//! came from and guards every block with a checksum. `docs/formats.md` has the bytes.
//!
//! [`write::Writer`] makes a set of shards, [`set::Set`] reads one, `gather` batches of it; the other modules are their parts.

pub mod atomic;
pub mod blocks;
pub mod gather;
pub mod layout;
pub mod megatron;
pub mod mixture;
pub mod order;
pub mod permutation;
pub mod read;
pub mod set;
pub mod sidecar;
pub mod write;

/// What is wrong with a shard, or why it could not be read or written; names the file and the block.
#[derive(Clone, Debug)]
pub struct ShardError(pub String);

impl std::fmt::Display for ShardError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ShardError {}

/// A task that failed, or that its caller called off.
pub enum Stopped {
    Shard(ShardError),
    Cancelled(tokenfoundry_base::Cancelled),
}

impl From<ShardError> for Stopped {
    fn from(error: ShardError) -> Self {
        Self::Shard(error)
    }
}

impl From<tokenfoundry_base::Cancelled> for Stopped {
    fn from(cancelled: tokenfoundry_base::Cancelled) -> Self {
        Self::Cancelled(cancelled)
    }
}

pub(crate) fn io_error(path: &std::path::Path, doing: &str, error: std::io::Error) -> ShardError {
    ShardError(format!("{}: {doing}: {error}", path.display()))
}
