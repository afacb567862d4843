//! Encodes texts again and again with the tokenizer of a file: something for a profiler to look at.
//! `whole_profile TOKENIZER TEXTS ROUNDS [cold]`, where texts are divided by zero bytes.

use tokenfoundry_base::Cancel;
use tokenfoundry_bpe::formats::{hf_json, sentencepiece};
use tokenfoundry_bpe::tokenizer::{Options, Text, Tokenizer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (file, texts, rounds, cold) = match arguments.as_slice() {
        [file, texts, rounds] => (file, texts, rounds, false),
        [file, texts, rounds, cold] if cold == "cold" => (file, texts, rounds, true),
        _ => return Err("whole_profile TOKENIZER TEXTS ROUNDS [cold]".into()),
    };
    let file = std::fs::read(file)?;
    let parts = if hf_json::is_tokenizer_json(&file) { hf_json::read(&file)? } else { sentencepiece::read(&file)? };
    let tokenizer = Tokenizer::new(parts)?;
    let all = String::from_utf8_lossy(&std::fs::read(texts)?).into_owned();
    let texts: Vec<Text<'_>> = all.split('\0').map(Text::Utf8).collect();
    for _ in 0..rounds.parse::<usize>()? {
        if cold {
            tokenizer.forget();
        }
        let start = std::time::Instant::now();
        let mut tokens = 0;
        for text in &texts {
            tokens += tokenizer.encode(*text, &Options::default(), &Cancel::new())?.len();
        }
        println!("{tokens} tokens, {:.1} MB/s", all.len() as f64 / start.elapsed().as_secs_f64() / 1e6);
    }
    Ok(())
}
