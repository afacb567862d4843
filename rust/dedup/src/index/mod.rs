//! An index of documents seen: on disk, mapped, safe against crashes, read by many while one writes.
//!
//! A directory of immutable segments and one manifest that names them. Adding writes a new segment under a temporary
//! name, syncs and renames it, and then replaces the manifest in the same way: whoever dies at any moment leaves the
//! old state or the new one, and files that no manifest names are swept by the next writer. Readers keep what they
//! opened until they `refresh`. That there is one writer only is the caller's duty (the Python class holds a lock).
//!
//! The index keeps no text: similarity to what it holds is estimated from sketches, unless the caller, who may have the
//! texts, compares the [`candidates`](Index::candidates).

pub mod segment;
mod sketch;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tokenfoundry_base::stable_hash::hash64;
use tokenfoundry_base::{Cancel, pool};

use crate::bands::Bands;
use crate::error::Error;
use crate::near::Options;
use crate::shingle::Unit;
use segment::{Entries, ID_BYTES, MOST_DOCUMENTS, Segment};

const MANIFEST: &str = "index.json";
const FORMAT: &str = "tokenfoundry-dedup-index";
const VERSION: u32 = 1;
const SEGMENT_ENDING: &str = "segment";
const TEMPORARY_ENDING: &str = "writing";
/// Candidates of one text that are looked at in one segment. Real near-duplicates are few; only texts that share
/// their commonest band with a crowd reach this.
const CANDIDATES_PER_SEGMENT: usize = 4096;
/// Candidates of one text that a caller is given to compare.
const CANDIDATES_TO_COMPARE: usize = 16;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Manifest {
    format: String,
    version: u32,
    bands: usize,
    rows: usize,
    unit: String,
    ngram: usize,
    seed: u64,
    /// Version of the "tokenfoundry" MinHash scheme, and of the Unicode tables that split words.
    scheme_version: u32,
    unicode: String,
    next_segment: u64,
    segments: Vec<String>,
    documents: u64,
    /// xxh3 of this manifest with an empty checksum.
    checksum: String,
}

impl Manifest {
    fn sealed(mut self) -> Self {
        self.checksum.clear();
        let content = serde_json::to_vec(&self).unwrap_or_default();
        self.checksum = format!("{:016x}", hash64(&content));
        self
    }
}

pub struct Index {
    directory: PathBuf,
    manifest: Manifest,
    unit: Unit,
    segments: Vec<Segment>,
}

/// What the index knows of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub id: [u8; ID_BYTES],
    /// 1 for identical content; otherwise the estimated Jaccard similarity.
    pub similarity: f32,
    pub identical: bool,
}

/// Texts as the index sees them: made once, used to look up and to add.
pub struct Sketched {
    contents: Vec<u64>,
    sketches: Vec<u8>,
    has_shingles: Vec<bool>,
    sketch_bytes: usize,
}

impl Sketched {
    pub fn len(&self) -> usize {
        self.contents.len()
    }

    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }
}

/// Write a file so that it is there whole or not at all.
fn replace(path: &Path, content: &[u8]) -> Result<(), Error> {
    use std::io::Write;
    let temporary = path.with_extension(TEMPORARY_ENDING);
    let write = || {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(Error::file(&temporary)).inspect_err(|_| discard(&temporary))?;
    fs::rename(&temporary, path).map_err(Error::file(path))?;
    sync_directory(path)
}

/// Remove what could not be written whole: on a full disk it would be in the way.
fn discard(temporary: &Path) {
    // That it cannot be removed either is not worth another error; the next writer sweeps.
    drop(fs::remove_file(temporary));
}

fn sync_directory(inside: &Path) -> Result<(), Error> {
    let directory = inside.parent().unwrap_or(Path::new("."));
    fs::File::open(directory).and_then(|open| open.sync_all()).map_err(Error::file(directory))
}

impl Index {
    pub fn create(directory: &Path, unit_name: &str, options: &Options) -> Result<Self, Error> {
        fs::create_dir_all(directory).map_err(Error::file(directory))?;
        let path = directory.join(MANIFEST);
        if path.exists() {
            return Err(Error::Input(format!("{} is an index already; open it", directory.display())));
        }
        let (major, minor, patch) = char::UNICODE_VERSION;
        let manifest = Manifest {
            format: FORMAT.into(),
            version: VERSION,
            bands: options.bands.bands,
            rows: options.bands.rows,
            unit: unit_name.into(),
            ngram: options.ngram,
            seed: options.seed,
            scheme_version: crate::minhash::VERSION,
            unicode: format!("{major}.{minor}.{patch}"),
            next_segment: 0,
            segments: Vec::new(),
            documents: 0,
            checksum: String::new(),
        }
        .sealed();
        replace(&path, &serde_json::to_vec_pretty(&manifest).unwrap_or_default())?;
        Self::open(directory)
    }

    pub fn open(directory: &Path) -> Result<Self, Error> {
        let path = directory.join(MANIFEST);
        // A writer may compact between our reading the manifest and opening its segments; then it has to be read again.
        let mut tries = 0;
        loop {
            let content = fs::read(&path).map_err(Error::file(&path))?;
            let manifest: Manifest = serde_json::from_slice(&content)
                .map_err(|error| Error::damaged(&path, format!("it is not the manifest of an index: {error}")))?;
            if manifest.format != FORMAT || manifest.version != VERSION {
                let Manifest { format, version, .. } = manifest;
                return Err(Error::Input(format!(
                    "{} is of format {format} version {version}; this library reads {FORMAT} version {VERSION}",
                    path.display()
                )));
            }
            if manifest.clone().sealed() != manifest {
                return Err(Error::damaged(&path, "its checksum is wrong"));
            }
            if manifest.scheme_version != crate::minhash::VERSION {
                return Err(Error::Input(format!(
                    "{} holds sketches of version {}; this library makes version {}: build the index anew",
                    path.display(),
                    manifest.scheme_version,
                    crate::minhash::VERSION
                )));
            }
            let Some(unit) = Unit::from_name(&manifest.unit) else {
                return Err(Error::damaged(&path, format!("it has no unit {:?}", manifest.unit)));
            };
            let bands = Bands { bands: manifest.bands, rows: manifest.rows };
            let opened: Result<Vec<Segment>, Error> =
                manifest.segments.iter().map(|name| Segment::open(&directory.join(name), bands)).collect();
            match opened {
                Ok(segments) => return Ok(Self { directory: directory.into(), manifest, unit, segments }),
                Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound && tries < 10 => {
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub fn options(&self, threshold: f64) -> Options {
        let Manifest { bands, rows, ngram, seed, .. } = self.manifest;
        Options { threshold, unit: self.unit, ngram, seed, bands: Bands { bands, rows }, verify: true }
    }

    pub fn documents(&self) -> u64 {
        self.manifest.documents
    }

    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    pub fn file_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.file_bytes() as u64).sum()
    }

    pub fn unit_name(&self) -> &str {
        &self.manifest.unit
    }

    pub fn unicode(&self) -> &str {
        &self.manifest.unicode
    }

    /// Remove files that a writer left who died. Only for the one writer.
    pub fn sweep(&self) -> Result<(), Error> {
        let named: HashSet<&str> = self.manifest.segments.iter().map(String::as_str).collect();
        for entry in fs::read_dir(&self.directory).map_err(Error::file(&self.directory))? {
            let path = entry.map_err(Error::file(&self.directory))?.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let ours = ending == Some(TEMPORARY_ENDING) || ending == Some(SEGMENT_ENDING);
            if ours && !named.contains(name) {
                fs::remove_file(&path).map_err(Error::file(&path))?;
            }
        }
        Ok(())
    }

    pub fn sketch(&self, texts: &[&[u8]], threads: Option<usize>, cancel: &Cancel) -> Result<Sketched, Error> {
        let options = self.options(0.0);
        let minhash = options.minhash();
        let sketch_bytes = sketch::bytes_of(minhash.num_perm());
        let rows: Vec<(u64, bool, Vec<u8>)> = pool::install(threads, || {
            texts
                .par_iter()
                .map_init(
                    || (minhash.scratch(), vec![0; minhash.num_perm()]),
                    |(scratch, signature), text| {
                        cancel.check()?;
                        let count = minhash.signature(text, scratch, signature);
                        let mut packed = Vec::with_capacity(sketch_bytes);
                        sketch::push(signature, &mut packed);
                        Ok((hash64(text), count > 0, packed))
                    },
                )
                .collect::<Result<_, Error>>()
        })?;
        let mut sketched =
            Sketched { contents: Vec::new(), sketches: Vec::new(), has_shingles: Vec::new(), sketch_bytes };
        for (content, has_shingles, packed) in rows {
            sketched.contents.push(content);
            sketched.has_shingles.push(has_shingles);
            sketched.sketches.extend_from_slice(&packed);
        }
        Ok(sketched)
    }

    /// Visit what the index holds that seems at least `threshold` similar to a text: only the identical one if there is any.
    fn visit_similar(&self, sketched: &Sketched, at: usize, threshold: f64, mut visit: impl FnMut(Found)) {
        for segment in &self.segments {
            if let Some(document) = segment.find_content(sketched.contents[at]) {
                return visit(Found { id: segment.id(document), similarity: 1.0, identical: true });
            }
        }
        if !sketched.has_shingles[at] {
            return;
        }
        let bands = Bands { bands: self.manifest.bands, rows: self.manifest.rows };
        let sketch = &sketched.sketches[at * sketched.sketch_bytes..][..sketched.sketch_bytes];
        let keys: Vec<u64> = sketch::keys(sketch, bands).collect();
        let mut seen = HashSet::new();
        for segment in &self.segments {
            seen.clear();
            segment.visit_candidates(&keys, |document| {
                if seen.len() >= CANDIDATES_PER_SEGMENT || !seen.insert(document) {
                    return;
                }
                let similarity = segment.estimate(document, sketch);
                if similarity >= threshold {
                    visit(Found { id: segment.id(document), similarity: similarity as f32, identical: false });
                }
            });
        }
    }

    /// Ties go to whom the walk meets first, which depends on what is in the files only.
    fn find_one(&self, sketched: &Sketched, at: usize, threshold: f64) -> Option<Found> {
        let mut best: Option<Found> = None;
        self.visit_similar(sketched, at, threshold, |found| {
            if best.is_none_or(|best| found.similarity > best.similarity) {
                best = Some(found);
            }
        });
        best
    }

    /// For each text, those that seem at least `threshold` similar, most similar first, at most
    /// [`CANDIDATES_TO_COMPARE`]: for a caller who has the texts and compares them.
    pub fn candidates(
        &self,
        sketched: &Sketched,
        threshold: f64,
        threads: Option<usize>,
        cancel: &Cancel,
    ) -> Result<Vec<Vec<Found>>, Error> {
        self.of_each(sketched, threads, cancel, |at| {
            let mut all = Vec::new();
            self.visit_similar(sketched, at, threshold, |found| all.push(found));
            all.sort_by(|left, right| right.similarity.total_cmp(&left.similarity));
            all.truncate(CANDIDATES_TO_COMPARE);
            all
        })
    }

    fn of_each<T: Send>(
        &self,
        sketched: &Sketched,
        threads: Option<usize>,
        cancel: &Cancel,
        find: impl Fn(usize) -> T + Sync,
    ) -> Result<Vec<T>, Error> {
        pool::install(threads, || {
            (0..sketched.len())
                .into_par_iter()
                .map(|at| cancel.check().map_err(Error::from).map(|()| find(at)))
                .collect()
        })
    }

    /// For each text, the most similar one that the index holds at or above the threshold.
    pub fn find(
        &self,
        sketched: &Sketched,
        threshold: f64,
        threads: Option<usize>,
        cancel: &Cancel,
    ) -> Result<Vec<Option<Found>>, Error> {
        self.of_each(sketched, threads, cancel, |at| self.find_one(sketched, at, threshold))
    }

    /// Add the texts that `keep` names, durably: when this returns, a crash loses nothing of it.
    pub fn add(&mut self, sketched: &Sketched, ids: &[[u8; ID_BYTES]], keep: &[bool]) -> Result<(), Error> {
        let mut entries = Entries::default();
        let mut manifest = self.manifest.clone();
        for at in (0..keep.len()).filter(|&at| keep[at]) {
            entries.contents.push(sketched.contents[at]);
            entries.ids.push(ids[at]);
            entries
                .sketches
                .extend_from_slice(&sketched.sketches[at * sketched.sketch_bytes..][..sketched.sketch_bytes]);
            entries.has_shingles.push(sketched.has_shingles[at]);
            if entries.len() == MOST_DOCUMENTS {
                self.write_segment(&mut manifest, &std::mem::take(&mut entries))?;
            }
        }
        if !entries.is_empty() {
            self.write_segment(&mut manifest, &entries)?;
        }
        self.commit(manifest)
    }

    fn write_segment(&self, manifest: &mut Manifest, entries: &Entries) -> Result<(), Error> {
        let name = format!("{:08}.{SEGMENT_ENDING}", manifest.next_segment);
        let path = self.directory.join(&name);
        let temporary = path.with_extension(TEMPORARY_ENDING);
        let bands = Bands { bands: manifest.bands, rows: manifest.rows };
        entries.write(&temporary, bands).inspect_err(|_| discard(&temporary))?;
        fs::rename(&temporary, &path).map_err(Error::file(&path))?;
        sync_directory(&path)?;
        manifest.next_segment += 1;
        manifest.documents += entries.len() as u64;
        manifest.segments.push(name);
        Ok(())
    }

    fn commit(&mut self, manifest: Manifest) -> Result<(), Error> {
        if manifest != self.manifest {
            let content = serde_json::to_vec_pretty(&manifest.sealed()).unwrap_or_default();
            replace(&self.directory.join(MANIFEST), &content)?;
            *self = Self::open(&self.directory)?;
        }
        Ok(())
    }

    /// Merge all segments into as few as there can be. Memory: that of one segment's content, at most 3 GB.
    pub fn compact(&mut self) -> Result<(), Error> {
        if self.segments.len() < 2 {
            return Ok(());
        }
        let mut manifest = Manifest { segments: Vec::new(), documents: 0, ..self.manifest.clone() };
        let mut entries = Entries::default();
        for segment in &self.segments {
            if entries.len() + segment.len() > MOST_DOCUMENTS {
                self.write_segment(&mut manifest, &std::mem::take(&mut entries))?;
            }
            segment.entries(&mut entries);
        }
        self.write_segment(&mut manifest, &entries)?;
        self.commit(manifest)?;
        self.sweep()
    }

    /// Read every byte of every segment and compare checksums and counts.
    pub fn verify(&self, cancel: &Cancel) -> Result<(), Error> {
        let mut documents = 0;
        for segment in &self.segments {
            cancel.check()?;
            segment.verify()?;
            documents += segment.len() as u64;
        }
        if documents == self.manifest.documents {
            return Ok(());
        }
        let what = format!("it says {} documents; its segments have {documents}", self.manifest.documents);
        Err(Error::damaged(&self.directory.join(MANIFEST), what))
    }
}
