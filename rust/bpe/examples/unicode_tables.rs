//! Writes `src/unicode/table.rs`: `cargo run -p tokenfoundry-bpe --example unicode_tables > rust/bpe/src/unicode/table.rs`.
//!
//! The source is `regex-syntax`, held at a version of Unicode 16.0, so that the hand-written scanners and the regex
//! engine that is their reference agree by construction; a test compares every code point.

use std::collections::BTreeMap;
use std::fmt::Write;

use regex_syntax::hir::{Class, HirKind};

const BLOCK: usize = 128;

fn ranges(pattern: &str) -> Vec<(u32, u32)> {
    let hir = regex_syntax::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            class.ranges().iter().map(|range| (range.start() as u32, range.end() as u32)).collect()
        }
        other => panic!("{pattern} is no class: {other:?}"),
    }
}

fn main() {
    let categories = [
        r"\p{Lu}",
        r"\p{Ll}",
        r"\p{Lt}",
        r"\p{Lm}",
        r"\p{Lo}",
        r"\p{M}",
        r"\p{Nd}",
        r"[\p{Nl}\p{No}]",
        r"\p{P}",
        r"\p{S}",
        r"\s",
    ];
    let mut table = vec![0u8; 0x11_0000];
    for (index, pattern) in categories.iter().enumerate() {
        for (first, last) in ranges(pattern) {
            table[first as usize..=last as usize].fill(index as u8 + 1);
        }
    }
    for (first, last) in ranges(r"\p{Han}") {
        for entry in &mut table[first as usize..=last as usize] {
            *entry |= 16;
        }
    }
    let mut blocks: Vec<&[u8]> = Vec::new();
    let mut known: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut index = Vec::new();
    for block in table.chunks(BLOCK) {
        let number = *known.entry(block).or_insert_with(|| {
            blocks.push(block);
            blocks.len() - 1
        });
        index.push(number);
    }
    let mut out = String::from("//! Made by `examples/unicode_tables.rs` from Unicode 16.0; do not edit.\n\n");
    let width = if blocks.len() <= 256 { "u8" } else { "u16" };
    let mut write = |name: &str, kind: &str, values: &mut dyn Iterator<Item = usize>, count: usize| {
        let _ = writeln!(out, "#[rustfmt::skip]\npub static {name}: [{kind}; {count}] = [");
        let values: Vec<String> = values.map(|value| value.to_string()).collect();
        for line in values.chunks(48) {
            let _ = writeln!(out, "{},", line.join(","));
        }
        out.push_str("];\n\n");
    };
    write("BLOCK_OF", width, &mut index.iter().copied(), index.len());
    write(
        "PROPERTIES",
        "u8",
        &mut blocks.iter().flat_map(|block| block.iter().map(|&value| value as usize)),
        blocks.len() * BLOCK,
    );
    println!("{}", out.trim_end());
}
