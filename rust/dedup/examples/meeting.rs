//! What the steps from signatures to buckets cost: `cargo run --release -p tokenfoundry-dedup --example meeting`.

use std::time::Instant;

use tokenfoundry_base::Cancel;
use tokenfoundry_base::stable_hash::mix64;
use tokenfoundry_dedup::bands::Bands;
use tokenfoundry_dedup::near::{band_keys_of_signatures, buckets};
use tokenfoundry_kernels::huge_pages::vec_with_capacity;

const DOCUMENTS: usize = 400_000;
const ROUNDS: usize = 7;

fn main() {
    let bands = Bands { bands: 20, rows: 6 };
    let width = bands.num_perm();
    // On huge pages, as numpy has them.
    let mut signatures = vec_with_capacity(DOCUMENTS * width);
    signatures.extend((0..(DOCUMENTS * width) as u64).map(|slot| mix64(slot) as u32));
    let tenth = DOCUMENTS / 10 * width;
    let end = signatures.len() - tenth;
    signatures.copy_within(..tenth, end);
    let cancel = Cancel::default();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let one = one.unwrap_or_else(|error| panic!("{error}"));
    one.install(|| {
        let mut seconds = [f64::INFINITY; 3];
        for _ in 0..ROUNDS {
            let start = Instant::now();
            std::hint::black_box(signatures.iter().fold(0u32, |sum, slot| sum.wrapping_add(*slot)));
            seconds[0] = seconds[0].min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            let keys = band_keys_of_signatures(&signatures, width, bands, &cancel);
            let keys = keys.unwrap_or_else(|_| panic!("nobody cancels"));
            seconds[1] = seconds[1].min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            let found = buckets(bands, &keys);
            seconds[2] = seconds[2].min(start.elapsed().as_secs_f64());
            // And some that have a key in common by chance.
            assert!(found.iter().map(|band| band.documents.len()).sum::<usize>() >= 2 * DOCUMENTS / 10 * bands.bands);
        }
        for (step, seconds) in ["reading the signatures", "signatures to keys", "keys to buckets"].iter().zip(seconds) {
            println!("{step:24} {:6.0} ns a document", seconds * 1e9 / DOCUMENTS as f64);
        }
    });
}
