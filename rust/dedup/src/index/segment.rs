//! One immutable file of an index: what some documents look like, found by content or by band.
//!
//! Layout, little-endian, n documents in the order of their content hashes (docs/formats.md has the table):
//! header of 64 bytes; n content hashes (u64); n ids (16 bytes); n sketches; then for each band a directory of
//! 2^k + 1 positions (u32), n tags (u8), n document numbers (u24), both in the order of the band's keys. The directory
//! takes a key's highest k bits to the tags of those documents; a tag is the next 8 bits.
//!
//! Cost of 20 bands of 6: 8 + 16 + 90 + 20 * (1 + 3) bytes a document and 2.5 to 5 for the directories.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use tokenfoundry_base::stable_hash::hash64;

use super::sketch;
use crate::bands::Bands;
use crate::error::Error;

const MAGIC: &[u8; 8] = b"TFDEDUP\x01";
const HEADER_BYTES: usize = 64;
pub const ID_BYTES: usize = 16;
/// Document numbers have three bytes.
pub const MOST_DOCUMENTS: usize = 1 << 24;
/// Documents without a shingle are in no band.
const NO_BAND: u64 = u64::MAX;
const DOCUMENTS_PER_DIRECTORY_ENTRY: usize = 32;

/// Documents to be written, in any order.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    pub contents: Vec<u64>,
    pub ids: Vec<[u8; ID_BYTES]>,
    /// `sketch::bytes_of` each.
    pub sketches: Vec<u8>,
    pub has_shingles: Vec<bool>,
}

fn directory_bits(documents: usize) -> u32 {
    (documents / DOCUMENTS_PER_DIRECTORY_ENTRY).checked_ilog2().unwrap_or(0)
}

fn high_bits(key: u64, bits: u32) -> usize {
    key.checked_shr(64 - bits).unwrap_or(0) as usize
}

fn tag(key: u64, bits: u32) -> u8 {
    (key << bits >> 56) as u8
}

impl Entries {
    pub fn len(&self) -> usize {
        self.contents.len()
    }

    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    /// The file's bytes.
    fn encode(&self, bands: Bands) -> Vec<u8> {
        let n = self.len();
        let sketch_bytes = sketch::bytes_of(bands.num_perm());
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.sort_unstable_by_key(|&at| (self.contents[at as usize], self.ids[at as usize]));
        let mut file = vec![0; HEADER_BYTES];
        order.iter().for_each(|&at| file.extend_from_slice(&self.contents[at as usize].to_le_bytes()));
        order.iter().for_each(|&at| file.extend_from_slice(&self.ids[at as usize]));
        let sketch_of = |at: u32| &self.sketches[at as usize * sketch_bytes..][..sketch_bytes];
        order.iter().for_each(|&at| file.extend_from_slice(sketch_of(at)));
        let keys: Vec<u64> = order
            .iter()
            .flat_map(|&at| {
                let wanted = self.has_shingles[at as usize];
                sketch::keys(sketch_of(at), bands).map(move |key| if wanted { key.min(NO_BAND - 1) } else { NO_BAND })
            })
            .collect();
        let bits = directory_bits(n);
        for band in 0..bands.bands {
            let mut entries: Vec<(u64, u32)> =
                (0..n).map(|place| (keys[place * bands.bands + band], place as u32)).collect();
            entries.retain(|entry| entry.0 != NO_BAND);
            entries.sort_unstable();
            let mut directory = vec![0u32; (1 << bits) + 1];
            entries.iter().for_each(|entry| directory[high_bits(entry.0, bits) + 1] += 1);
            let mut sum = 0;
            for position in &mut directory {
                sum += *position;
                *position = sum;
            }
            directory.iter().for_each(|position| file.extend_from_slice(&position.to_le_bytes()));
            entries.resize(n, (NO_BAND, 0));
            file.extend(entries.iter().map(|entry| tag(entry.0, bits)));
            entries.iter().for_each(|entry| file.extend_from_slice(&entry.1.to_le_bytes()[..3]));
        }
        let checksum = hash64(&file[HEADER_BYTES..]);
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&(n as u32).to_le_bytes());
        header.extend_from_slice(&(bands.bands as u32).to_le_bytes());
        header.extend_from_slice(&(bands.rows as u32).to_le_bytes());
        header.extend_from_slice(&bits.to_le_bytes());
        header.extend_from_slice(&checksum.to_le_bytes());
        header.resize(HEADER_BYTES - 8, 0);
        header.extend_from_slice(&hash64(&header).to_le_bytes());
        file[..HEADER_BYTES].copy_from_slice(&header);
        file
    }

    /// Write a new file and see it on the disk; the caller renames it into place.
    pub fn write(&self, path: &Path, bands: Bands) -> Result<(), Error> {
        let file = File::create(path).map_err(Error::file(path))?;
        let mut writer = BufWriter::new(file);
        writer.write_all(&self.encode(bands)).map_err(Error::file(path))?;
        let file = writer.into_inner().map_err(|error| error.into_error()).map_err(Error::file(path))?;
        file.sync_all().map_err(Error::file(path))
    }
}

/// A file that is open for reading.
pub struct Segment {
    path: PathBuf,
    map: Mmap,
    documents: usize,
    bands: Bands,
    bits: u32,
    checksum: u64,
}

impl Segment {
    /// Map a file whose header is whole and says what the file's length says; the body's checksum is `verify`'s.
    pub fn open(path: &Path, bands: Bands) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::file(path))?;
        // SAFETY: segments are written under another name, renamed into place and never written again, so the mapped
        // bytes do not change; deleting one leaves the mapping as it was.
        let map = unsafe { Mmap::map(&file) }.map_err(Error::file(path))?;
        if map.len() < HEADER_BYTES || map[..8] != *MAGIC {
            return Err(Error::damaged(path, "it does not begin like an index segment of version 1"));
        }
        let u32_at = |at: usize| u32::from_le_bytes([map[at], map[at + 1], map[at + 2], map[at + 3]]);
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        if u64_at(HEADER_BYTES - 8) != hash64(&map[..HEADER_BYTES - 8]) {
            return Err(Error::damaged(path, "its header's checksum is wrong"));
        }
        let (documents, bits, checksum) = (u32_at(8) as usize, u32_at(20), u64_at(24));
        if (u32_at(12) as usize, u32_at(16) as usize) != (bands.bands, bands.rows) {
            return Err(Error::damaged(path, "its bands are not those of the index"));
        }
        let segment = Self { path: path.into(), documents, bands, bits, checksum, map };
        if bits != directory_bits(documents) || segment.map.len() != segment.band_start(bands.bands) {
            return Err(Error::damaged(path, format!("it has {} bytes for {documents} documents", segment.map.len())));
        }
        Ok(segment)
    }

    pub fn len(&self) -> usize {
        self.documents
    }

    pub fn is_empty(&self) -> bool {
        self.documents == 0
    }

    pub fn file_bytes(&self) -> usize {
        self.map.len()
    }

    fn sketch_bytes(&self) -> usize {
        sketch::bytes_of(self.bands.num_perm())
    }

    fn directory_bytes(&self) -> usize {
        ((1usize << self.bits) + 1) * 4
    }

    fn band_start(&self, band: usize) -> usize {
        let columns = self.documents * (8 + ID_BYTES + self.sketch_bytes());
        HEADER_BYTES + columns + band * (self.directory_bytes() + self.documents * 4)
    }

    fn content(&self, document: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.map[HEADER_BYTES + document * 8..][..8]);
        u64::from_le_bytes(bytes)
    }

    pub fn id(&self, document: usize) -> [u8; ID_BYTES] {
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&self.map[HEADER_BYTES + self.documents * 8 + document * ID_BYTES..][..ID_BYTES]);
        id
    }

    fn sketch(&self, document: usize) -> &[u8] {
        let start = HEADER_BYTES + self.documents * (8 + ID_BYTES);
        &self.map[start + document * self.sketch_bytes()..][..self.sketch_bytes()]
    }

    /// A document with this content hash.
    pub fn find_content(&self, content: u64) -> Option<usize> {
        let (mut low, mut high) = (0, self.documents);
        while low < high {
            let middle = (low + high) / 2;
            if self.content(middle) < content { low = middle + 1 } else { high = middle }
        }
        (low < self.documents && self.content(low) == content).then_some(low)
    }

    /// Visit the documents that share a band's key, as far as the directory and the tag can tell.
    pub fn visit_candidates(&self, keys: &[u64], mut visit: impl FnMut(usize)) {
        for (band, &key) in keys.iter().enumerate() {
            let key = key.min(NO_BAND - 1);
            let start = self.band_start(band);
            let position = |at: usize| {
                let bytes = &self.map[start + at * 4..][..4];
                (u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize).min(self.documents)
            };
            let high = high_bits(key, self.bits);
            let (from, to) = (position(high), position(high + 1));
            let tags = &self.map[start + self.directory_bytes()..][..self.documents];
            let numbers = &self.map[start + self.directory_bytes() + self.documents..][..3 * self.documents];
            for at in from..to {
                if tags[at] == tag(key, self.bits) {
                    let number = &numbers[at * 3..][..3];
                    let document = u32::from_le_bytes([number[0], number[1], number[2], 0]) as usize;
                    if document < self.documents {
                        visit(document);
                    }
                }
            }
        }
    }

    pub fn estimate(&self, document: usize, sketch: &[u8]) -> f64 {
        sketch::estimate(self.sketch(document), sketch, self.bands.num_perm())
    }

    /// Everything, to be written again elsewhere.
    pub fn entries(&self, into: &mut Entries) {
        let mut in_bands = vec![false; self.documents];
        if self.bands.bands > 0 {
            let start = self.band_start(0);
            let last = &self.map[start + self.directory_bytes() - 4..][..4];
            let count = u32::from_le_bytes([last[0], last[1], last[2], last[3]]) as usize;
            let numbers = &self.map[start + self.directory_bytes() + self.documents..][..3 * self.documents];
            for number in numbers.chunks_exact(3).take(count) {
                if let Some(slot) = in_bands.get_mut(u32::from_le_bytes([number[0], number[1], number[2], 0]) as usize)
                {
                    *slot = true;
                }
            }
        }
        for (document, in_band) in in_bands.into_iter().enumerate() {
            into.contents.push(self.content(document));
            into.ids.push(self.id(document));
            into.sketches.extend_from_slice(self.sketch(document));
            into.has_shingles.push(in_band);
        }
    }

    /// Read every byte and compare the checksum.
    pub fn verify(&self) -> Result<(), Error> {
        if hash64(&self.map[HEADER_BYTES..]) == self.checksum {
            return Ok(());
        }
        Err(Error::damaged(&self.path, "its checksum is wrong"))
    }
}
