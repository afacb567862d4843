//! Encodes documents again and again: something for a profiler to look at. `encode_profile RANKS PATTERN TEXT ROUNDS`, where
//! documents in TEXT are parted by NUL bytes.

use tokenfoundry_base::Cancel;
use tokenfoundry_bpe::formats::tiktoken;
use tokenfoundry_bpe::pretokenize::Pretokenizer;
use tokenfoundry_bpe::tokenizer::{Options, Parts, Text, Tokenizer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [ranks, pattern, text, rounds] = arguments.as_slice() else {
        return Err("encode_profile RANKS PATTERN TEXT ROUNDS".into());
    };
    let vocabulary = tiktoken::read(&std::fs::read(ranks)?)?;
    let tokenizer = Tokenizer::new(Parts::byte_level(vocabulary, Pretokenizer::from_pattern(pattern)?, Vec::new()))?;
    let text = std::fs::read_to_string(text)?;
    let documents: Vec<Text<'_>> = text.split('\0').map(Text::Utf8).collect();
    for _ in 0..rounds.parse::<usize>()? {
        let start = std::time::Instant::now();
        let tokens = tokenizer.encode_batch(&documents, &Options::default(), Some(1), &Cancel::new())?.values.len();
        println!("{tokens} tokens, {:.1} MB/s", text.len() as f64 / start.elapsed().as_secs_f64() / 1e6);
    }
    Ok(())
}
