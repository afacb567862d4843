//! What each step from text to signature costs: `cargo run --release -p tokenfoundry-dedup --example steps -- FILE`.
//!
//! The file's text is cut into documents of about 18 kB; each line is the fastest of some rounds on one thread, since
//! anything else that the machine does only adds. `TOKENFOUNDRY_TIER` chooses the kernels.

use std::time::Instant;

use tokenfoundry_base::stable_hash::mix64;
use tokenfoundry_dedup::bands::Bands;
use tokenfoundry_dedup::minhash::MinHash;
use tokenfoundry_dedup::shingle::{Shingler, Unit};
use tokenfoundry_dedup::word_hash::hash_words;
use tokenfoundry_dedup::words::Words;
use tokenfoundry_kernels::tier;

const ROUNDS: usize = 31;

fn fastest(mut work: impl FnMut() -> u64) -> f64 {
    let times = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min)
}

/// What a shingle costs from its ready hash, by how many a document has: 4 MB of hashes, so that they are read from the cache.
fn kernel_by_length() {
    const HASHES: u64 = 1 << 19;
    let hashes: Vec<u64> = (0..HASHES).map(mix64).collect();
    for num_perm in [128, 256] {
        let minhash = MinHash::new(num_perm, Unit::Words, 5, 1);
        let mut signature = vec![0; num_perm];
        for length in [20, 40, 100, 200, 300, 500, 1000, 2400, 6000] {
            let seconds = fastest(|| {
                hashes
                    .chunks_exact(length)
                    .map(|set| {
                        minhash.signature_of_set(set, &mut signature);
                        u64::from(signature[0])
                    })
                    .sum()
            });
            let count = HASHES as usize / length * length;
            let nanoseconds = seconds * 1e9 / count as f64;
            println!(
                "kernel, k = {num_perm}, {length:5} shingles a document {nanoseconds:8.2} ns a shingle {:8.0} ns a document",
                nanoseconds * length as f64
            );
        }
    }
}

fn main() {
    let Some(path) = std::env::args().nth(1) else { panic!("give a text file") };
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let documents: Vec<&[u8]> = bytes.chunks(18_000).collect();
    let megabytes = bytes.len() as f64 / 1e6;
    let mut words = Words::default();
    let mut count = 0u64;
    documents.iter().for_each(|text| words.visit_batches(text, |batch| count += batch.spans.len() as u64));
    println!("{megabytes:.1} MB, {count} words, tier {}", tier::current().name());
    let show = |name: &str, seconds: f64| {
        println!("{name:28} {:8.2} ns a word {:8.0} MB/s", seconds * 1e9 / count as f64, megabytes / seconds);
    };
    let mut units = Vec::new();
    show(
        "fold and list words",
        fastest(|| {
            let mut sum = 0;
            documents.iter().for_each(|text| words.visit_batches(text, |batch| sum += batch.spans.len() as u64));
            sum
        }),
    );
    show(
        "... and hash them",
        fastest(|| {
            let mut sum = 0;
            documents.iter().for_each(|text| {
                words.visit_batches(text, |batch| {
                    units.clear();
                    hash_words(&batch, &mut units);
                    sum += units.len() as u64;
                });
            });
            sum
        }),
    );
    let mut shingler = Shingler::new(Unit::Words, 5);
    show(
        "... and 5-grams",
        fastest(|| {
            let mut sum = 0;
            documents.iter().for_each(|text| shingler.visit(text, |shingles| sum ^= shingles[0]));
            sum
        }),
    );
    for num_perm in [112, 120, 128, 256] {
        let minhash = MinHash::new(num_perm, Unit::Words, 5, 1);
        let mut scratch = minhash.scratch();
        let mut signature = vec![0; num_perm];
        show(
            &format!("text to signature, k = {num_perm}"),
            fastest(|| documents.iter().map(|text| minhash.signature(text, &mut scratch, &mut signature) as u64).sum()),
        );
        let sets: Vec<Vec<u64>> = documents
            .iter()
            .map(|text| {
                let mut hashes = Vec::new();
                shingler.visit(text, |shingles| hashes.extend_from_slice(shingles));
                hashes
            })
            .collect();
        let shingles: usize = sets.iter().map(Vec::len).sum();
        let seconds = fastest(|| {
            sets.iter()
                .map(|set| {
                    minhash.signature_of_set(set, &mut signature);
                    u64::from(signature[0])
                })
                .sum()
        });
        println!("kernel alone, k = {num_perm:14} {:8.2} ns a shingle", seconds * 1e9 / shingles as f64);
    }
    kernel_by_length();
    let mut set_bytes = 0;
    show(
        "shingle sets",
        fastest(|| {
            documents
                .iter()
                .map(|text| {
                    let set = shingler.set(text);
                    set_bytes += set.len();
                    set.len() as u64
                })
                .sum()
        }),
    );
    let bands = Bands { bands: 20, rows: 6 };
    let signature: Vec<u32> = (0..120).collect();
    let mut keys = Vec::new();
    let seconds = fastest(|| {
        for _ in 0..100_000 {
            keys.clear();
            bands.push_keys(std::hint::black_box(&signature), &mut keys);
        }
        u64::from(keys[0])
    });
    println!("band keys of one signature   {:8.1} ns", seconds * 1e4);
}
