use std::time::Instant;
fn main() {
    for path in std::env::args().skip(1) {
        let file = std::fs::read(&path).unwrap();
        for _ in 0..3 {
            let t = Instant::now();
            let v = tokenfoundry_bpe::formats::tiktoken::read(&file).unwrap();
            let t1 = t.elapsed();
            let e = tokenfoundry_bpe::encode::Encoder::new(v).unwrap();
            println!("{path} read {:?} total {:?} {}", t1, t.elapsed(), e.tokens().len());
        }
    }
}
