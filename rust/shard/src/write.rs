//! Writing a set of shards, a chunk of documents at a time: tokens are gathered piece by piece, hashed as they pass,
//! and each shard's files appear whole.
//!
//! The `.tfi` comes last: a shard without one was never finished. The last shard says that it is: a set without such a
//! one was never finished either. The bytes depend on the rows and the options only, not on the chunks they came in.
//! Memory: the index of the shard being written, about 48 bytes a piece.

use std::path::{Path, PathBuf};

use tokenfoundry_base::Cancel;
use tokenfoundry_base::stable_hash::hash64;

use crate::atomic::{AtomicFile, sync_directory};
use crate::blocks::BlockWriter;
use crate::layout::{ColumnType, Paths, Width, shard_name};
use crate::sidecar::{Column, ID_BYTES, Sidecar};
use crate::{ShardError, Stopped, io_error, megatron};

/// Rows to append, borrowed: the pieces they are made of and the documents the pieces lie in. All slices over pieces
/// are equally long.
pub struct Rows<'a> {
    /// Tokens of all documents, and where each begins.
    pub values: &'a [u32],
    pub offsets: &'a [i64],
    /// First piece of each row, and the number of pieces; the first is 0.
    pub row_pieces: &'a [u64],
    pub document: &'a [i64],
    pub start: &'a [i64],
    pub length: &'a [i64],
    /// 16 bytes for each document.
    pub document_ids: &'a [u8],
    /// Where `values` holds a part of each document only: the part's first token, counted in the document.
    pub document_starts: Option<&'a [i64]>,
    /// For each side column its values as bytes, one value for each of `values`.
    pub columns: &'a [&'a [u8]],
    /// A mode for each document, in multimodal sets.
    pub modes: Option<&'a [i8]>,
}

#[derive(Clone, Debug)]
pub struct Options {
    pub vocabulary_size: u64,
    pub tokenizer_digest: String,
    pub rows_per_shard: u64,
    pub columns: Vec<(String, ColumnType)>,
    pub has_modes: bool,
    /// Wait for the disk with each shard. Otherwise the caller flushes the files, or does without.
    pub durable: bool,
}

pub struct Writer {
    directory: PathBuf,
    options: Options,
    width: Width,
    open: OpenShard,
}

struct OpenShard {
    number: u32,
    paths: Paths,
    bin: BlockWriter,
    columns: Vec<BlockWriter>,
    row_pieces: Vec<u64>,
    piece_tokens: Vec<u64>,
    piece_documents: Vec<[u8; ID_BYTES]>,
    piece_starts: Vec<u64>,
    modes: Vec<i8>,
}

impl OpenShard {
    fn create(directory: &Path, number: u32, options: &Options) -> Result<Self, ShardError> {
        let paths = Paths::new(&directory.join(shard_name(number)));
        let columns = options
            .columns
            .iter()
            .map(|(name, _)| BlockWriter::create(&paths.column(name)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            number,
            bin: BlockWriter::create(&paths.bin)?,
            paths,
            columns,
            row_pieces: vec![0],
            piece_tokens: vec![0],
            piece_documents: Vec::new(),
            piece_starts: Vec::new(),
            modes: Vec::new(),
        })
    }

    fn rows(&self) -> u64 {
        self.row_pieces.len() as u64 - 1
    }

    fn piece(&mut self, rows: &Rows<'_>, piece: usize, options: &Options) -> Result<(), ShardError> {
        let (document, start, length) = (rows.document[piece], rows.start[piece], rows.length[piece]);
        let (index, range) = piece_range(rows, document, start, length).ok_or_else(|| {
            ShardError(format!("piece {piece} (start {start}, length {length}) does not lie in document {document}"))
        })?;
        let tokens = &rows.values[range.clone()];
        if let Some(&token) = out_of_vocabulary(tokens, options.vocabulary_size) {
            return Err(ShardError(format!(
                "document {document} has token {token}; the vocabulary has {} ids",
                options.vocabulary_size
            )));
        }
        push_tokens(&mut self.bin, tokens, Width::for_vocabulary(options.vocabulary_size))?;
        for ((file, (_, kind)), values) in self.columns.iter_mut().zip(&options.columns).zip(rows.columns) {
            file.push(&values[range.start * kind.bytes()..range.end * kind.bytes()])?;
        }
        let total = self.piece_tokens.last().copied().unwrap_or(0) + tokens.len() as u64;
        self.piece_tokens.push(total);
        self.piece_documents.push(rows.document_ids.as_chunks::<ID_BYTES>().0[index]);
        let base = rows.document_starts.map_or(0, |starts| starts[index]);
        self.piece_starts.push((base + start) as u64);
        if let Some(modes) = rows.modes {
            self.modes.push(modes[index]);
        }
        Ok(())
    }

    fn finish(self, directory: &Path, options: &Options, last: bool) -> Result<(), ShardError> {
        let width = Width::for_vocabulary(options.vocabulary_size);
        let modes = options.has_modes.then_some(&self.modes[..]);
        let idx = megatron::index(&self.piece_tokens, &self.row_pieces, modes, width);
        let (bin, blocks) = self.bin.finish()?;
        let mut files = vec![bin];
        let mut columns = Vec::new();
        for (writer, (name, kind)) in self.columns.into_iter().zip(&options.columns) {
            let (file, blocks) = writer.finish()?;
            files.push(file);
            columns.push(Column { name: name.clone(), kind: *kind, blocks });
        }
        let sidecar = Sidecar {
            width,
            vocabulary_size: options.vocabulary_size,
            tokenizer_digest: options.tokenizer_digest.clone(),
            number: self.number,
            last,
            has_modes: options.has_modes,
            idx_checksum: hash64(&idx),
            row_pieces: self.row_pieces,
            piece_tokens: self.piece_tokens,
            piece_documents: self.piece_documents,
            piece_starts: self.piece_starts,
            blocks,
            columns,
        };
        let mut file = AtomicFile::create(&self.paths.idx)?;
        file.write(&idx)?;
        files.push(file);
        files.into_iter().try_for_each(|file| file.commit(options.durable))?;
        if options.durable {
            sync_directory(directory)?;
        }
        let mut file = AtomicFile::create(&self.paths.tfi)?;
        file.write(&sidecar.write())?;
        file.commit(options.durable)?;
        if options.durable { sync_directory(directory) } else { Ok(()) }
    }
}

impl Writer {
    /// The directory exists. An earlier set in it is replaced: its `.tfi`s go now, so that what a crash leaves is never
    /// a mix of two sets that looks finished; its other files go shard by shard and at the end.
    pub fn create(directory: &Path, options: Options) -> Result<Self, ShardError> {
        let width = Width::for_vocabulary(options.vocabulary_size);
        remove_files(directory, |_, extension| extension == "tfi")?;
        let open = OpenShard::create(directory, 0, &options)?;
        Ok(Self { directory: directory.to_owned(), options, width, open })
    }

    pub fn bytes_per_token(&self) -> usize {
        self.width.bytes()
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Write shard `number` of a set whose other shards are written by others, on other machines perhaps: only this
    /// shard's files are touched. All its rows must fit into one shard; end it with [`Writer::finish_one`].
    pub fn create_one(directory: &Path, options: Options, number: u32) -> Result<Self, ShardError> {
        let width = Width::for_vocabulary(options.vocabulary_size);
        remove_files(directory, |found, extension| found == number && extension == "tfi")?;
        let open = OpenShard::create(directory, number, &options)?;
        Ok(Self { directory: directory.to_owned(), options, width, open })
    }

    /// Finish the shard of [`Writer::create_one`]; `last` says that the set ends with it.
    pub fn finish_one(self, last: bool) -> Result<(), ShardError> {
        self.open.finish(&self.directory, &self.options, last)
    }

    /// Append rows. After an error the writer holds half of them and must be dropped.
    pub fn append(&mut self, rows: &Rows<'_>, cancel: &Cancel) -> Result<(), Stopped> {
        check_shapes(rows, &self.options)?;
        for bounds in rows.row_pieces.windows(2) {
            cancel.check()?;
            if self.open.rows() == self.options.rows_per_shard {
                self.next_shard()?;
            }
            for piece in bounds[0] as usize..bounds[1] as usize {
                self.open.piece(rows, piece, &self.options)?;
            }
            self.open.row_pieces.push(self.open.piece_starts.len() as u64);
        }
        Ok(())
    }

    fn next_shard(&mut self) -> Result<(), ShardError> {
        let next = self.open.number + 1;
        let full = std::mem::replace(&mut self.open, OpenShard::create(&self.directory, next, &self.options)?);
        full.finish(&self.directory, &self.options, false)
    }

    /// Finish the last shard; the number of shards.
    pub fn finish(self) -> Result<u32, ShardError> {
        let shards = self.open.number + 1;
        let columns = &self.options.columns;
        let unwanted = |extension: &str| {
            extension.strip_suffix(".col").is_some_and(|column| columns.iter().all(|(name, _)| name != column))
        };
        remove_files(&self.directory, |number, extension| number >= shards || unwanted(extension))?;
        self.open.finish(&self.directory, &self.options, true)?;
        Ok(shards)
    }
}

fn out_of_vocabulary(tokens: &[u32], vocabulary_size: u64) -> Option<&u32> {
    // The largest first: that loop vectorises, and there is nearly never anything to find.
    let largest = tokens.iter().max()?;
    (u64::from(*largest) >= vocabulary_size).then_some(largest)
}

fn push_tokens(file: &mut BlockWriter, mut tokens: &[u32], width: Width) -> Result<(), ShardError> {
    while !tokens.is_empty() {
        file.fill(|pending, room| {
            let (now, later) = tokens.split_at((room / width.bytes()).min(tokens.len()));
            let before = pending.len();
            pending.resize(before + now.len() * width.bytes(), 0);
            let added = &mut pending[before..];
            match width {
                Width::Two => {
                    let slots = added.as_chunks_mut::<2>().0;
                    slots.iter_mut().zip(now).for_each(|(slot, &token)| *slot = (token as u16).to_le_bytes());
                }
                Width::Four => {
                    let slots = added.as_chunks_mut::<4>().0;
                    slots.iter_mut().zip(now).for_each(|(slot, &token)| *slot = token.to_le_bytes());
                }
            }
            tokens = later;
        })?;
    }
    Ok(())
}

fn check_shapes(rows: &Rows<'_>, options: &Options) -> Result<(), ShardError> {
    let wrong = |what: String| Err(ShardError(what));
    let pieces = rows.document.len();
    if rows.start.len() != pieces || rows.length.len() != pieces {
        return wrong(format!("{pieces} documents, {} starts, {} lengths", rows.start.len(), rows.length.len()));
    }
    if rows.row_pieces.first() != Some(&0)
        || rows.row_pieces.last() != Some(&(pieces as u64))
        || !rows.row_pieces.is_sorted()
    {
        return wrong(format!("row offsets must rise from 0 to {pieces}, the number of pieces"));
    }
    let documents = rows.offsets.len().saturating_sub(1);
    if rows.document_ids.len() != documents * ID_BYTES {
        return wrong(format!("{documents} documents need 16 bytes of id each, got {}", rows.document_ids.len()));
    }
    if rows.columns.len() != options.columns.len() {
        return wrong(format!(
            "{} side columns, the writer was made for {}",
            rows.columns.len(),
            options.columns.len()
        ));
    }
    for (values, (name, kind)) in rows.columns.iter().zip(&options.columns) {
        if values.len() != rows.values.len() * kind.bytes() {
            return wrong(format!("column {name} needs a value for each of the {} tokens", rows.values.len()));
        }
    }
    if let Some(starts) = rows.document_starts
        && (starts.len() != documents || starts.iter().any(|start| !(0..1 << 62).contains(start)))
    {
        return wrong(format!("{documents} documents need a first token each, between 0 and 2^62"));
    }
    match rows.modes {
        None if options.has_modes => wrong("a multimodal set needs a mode for each document".to_owned()),
        Some(_) if !options.has_modes => wrong("modes in a set that is not multimodal".to_owned()),
        Some(modes) if modes.len() != documents => wrong(format!("{} modes for {documents} documents", modes.len())),
        _ => Ok(()),
    }
}

/// The document's number, and where in `values` the piece lies.
fn piece_range(rows: &Rows<'_>, document: i64, start: i64, length: i64) -> Option<(usize, std::ops::Range<usize>)> {
    let index = usize::try_from(document).ok()?;
    let (&first, &end) = (rows.offsets.get(index)?, rows.offsets.get(index + 1)?);
    let from = first.checked_add(start)?;
    let to = from.checked_add(length)?;
    if start < 0 || !(1..=i64::from(i32::MAX)).contains(&length) || to > end {
        return None;
    }
    let range = usize::try_from(from).ok()?..usize::try_from(to).ok()?;
    (range.end <= rows.values.len()).then_some((index, range))
}

/// Remove the files of shards of which `unwanted(number of the shard, extension)`.
fn remove_files(directory: &Path, unwanted: impl Fn(u32, &str) -> bool) -> Result<(), ShardError> {
    let unreadable = |error| io_error(directory, "cannot be read", error);
    let mut removed = false;
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if shard_file(&path).is_some_and(|(number, extension)| unwanted(number, extension)) {
            std::fs::remove_file(&path).map_err(|error| io_error(&path, "cannot be replaced", error))?;
            removed = true;
        }
    }
    if removed { sync_directory(directory) } else { Ok(()) }
}

/// The number and the extension of `shard-00042.bin`, `shard-00042.loss_mask.col` and the like.
fn shard_file(path: &Path) -> Option<(u32, &str)> {
    let (number, extension) = path.file_name()?.to_str()?.strip_prefix("shard-")?.split_once('.')?;
    let ours = matches!(extension, "bin" | "idx" | "tfi") || extension.ends_with(".col");
    let digits = number.len() >= 5 && number.bytes().all(|byte| byte.is_ascii_digit());
    if ours && digits { Some((number.parse().ok()?, extension)) } else { None }
}
