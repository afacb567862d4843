//! One text to tokens, and many texts over threads.

use std::fmt;

use rayon::prelude::*;
use tokenfoundry_base::{Cancel, Cancelled, Ragged, pool};
use tokenfoundry_kernels::huge_pages;

use super::marked::Met;
use super::whole::Whole;
use super::{Aligned, Options, Tokenizer, normalize, normalize_aligned};
use crate::encode::{Count, Few, Memory, Scratch, Sink, Space, characters};
use crate::pretokenize::PatternError;
use crate::special::Section;
use crate::with_scanner;

/// Why a text was not encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodeError {
    Pattern(PatternError),
    Cancelled,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(error) => error.fmt(f),
            Self::Cancelled => Cancelled.fmt(f),
        }
    }
}

impl std::error::Error for EncodeError {}

impl From<PatternError> for EncodeError {
    fn from(error: PatternError) -> Self {
        Self::Pattern(error)
    }
}

impl From<Cancelled> for EncodeError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// All there is to know of an encoded text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InFull {
    pub ids: Vec<u32>,
    /// The bytes of the text that each token stands for.
    pub spans: Vec<[u64; 2]>,
    /// The number of the piece that each token is part of. An added token that was found in the text is a piece; template
    /// tokens, which are part of none, have the largest number.
    pub words: Vec<u32>,
    /// Added tokens that were found: the place among the tokens, and the (normalized) text with the white space it took.
    pub found: Vec<(usize, String)>,
}

/// A text as it comes in: known to be UTF-8, or any bytes.
#[derive(Clone, Copy, Debug)]
pub enum Text<'a> {
    Utf8(&'a str),
    Bytes(&'a [u8]),
}

impl AsRef<[u8]> for Text<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Utf8(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Utf8(text)
    }
}

impl<'a> From<&'a [u8]> for Text<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

/// Texts of a batch that one thread takes at a time, in bytes.
const CHUNK_BYTES: usize = 128 << 10;
/// Batches below this are not worth a second thread.
const PARALLEL_BYTES: usize = 256 << 10;
/// Pieces between two looks at the cancel flag.
const PIECES_BETWEEN_LOOKS: usize = 4096;

/// `texts` in runs of about 128 kB, which threads take one by one.
pub fn groups<T: AsRef<[u8]>>(texts: &[T]) -> Vec<&[T]> {
    let mut chunks = Vec::new();
    let (mut first, mut filled) = (0, 0);
    for (index, text) in texts.iter().enumerate() {
        filled += text.as_ref().len() + 16;
        if filled >= CHUNK_BYTES {
            chunks.push(&texts[first..=index]);
            (first, filled) = (index + 1, 0);
        }
    }
    if first < texts.len() {
        chunks.push(&texts[first..]);
    }
    chunks
}

/// Up to so many tokens are found in so little time that nobody has to be able to stop it.
const FEW_TOKENS: usize = 1 << 16;

/// Keeps tokens, and asks for the work to be stopped when there are enough. May get more.
struct UpTo<'a> {
    tokens: &'a mut Vec<u32>,
    end: usize,
    enough: &'a Cancel,
}

impl UpTo<'_> {
    #[inline(always)]
    fn look(&self) {
        if self.tokens.len() >= self.end {
            self.enough.cancel();
        }
    }
}

impl Sink for UpTo<'_> {
    #[inline(always)]
    fn one(&mut self, token: u32) {
        self.tokens.push(token);
        self.look();
    }

    #[inline(always)]
    fn many(&mut self, tokens: &[u32]) {
        self.tokens.many(tokens);
        self.look();
    }

    #[inline(always)]
    fn few(&mut self, pieces: &[Few], space: &mut Space) {
        self.tokens.few(pieces, space);
    }

    #[inline(always)]
    fn between(&mut self, tokens: &[u32], space: &mut Space) {
        self.tokens.between(tokens, space);
    }

    #[inline(always)]
    fn end(&mut self, space: &mut Space) {
        self.tokens.end(space);
        self.look();
    }
}

/// Parts that threads have made, joined by as many: memory that is touched for the first time costs as much as encoding.
fn joined(parts: Vec<Ragged<u32>>, threads: Option<usize>) -> Ragged<u32> {
    let total: usize = parts.iter().map(|part| part.values.len()).sum();
    if parts.len() < 2 || total * size_of::<u32>() < huge_pages::FROM_BYTES {
        return Ragged::concat(parts);
    }
    let mut offsets = Vec::with_capacity(1 + parts.iter().map(Ragged::len).sum::<usize>());
    offsets.push(0);
    // Zeros that nobody has touched yet.
    let mut values = vec![0; total];
    huge_pages::advise(&values);
    let (mut rest, mut places, mut first) = (&mut values[..], Vec::with_capacity(parts.len()), 0);
    for part in &parts {
        offsets.extend(part.offsets[1..].iter().map(|end| first + end));
        first += part.values.len() as i64;
        let (place, after) = rest.split_at_mut(part.values.len());
        places.push(place);
        rest = after;
    }
    pool::install(threads, || {
        places.into_par_iter().zip(parts).for_each(|(place, part)| place.copy_from_slice(&part.values));
    });
    Ragged { values, offsets }
}

/// What a call borrows of the tokenizer's memory.
enum Lent<'a> {
    Pieces(&'a mut Memory),
    Whole(&'a Whole, &'a mut characters::Memory),
}

impl Tokenizer {
    fn lend<R>(&self, work: impl FnOnce(&mut Lent<'_>) -> R) -> R {
        match &self.whole {
            Some(whole) => whole.memories.lend(|memory| work(&mut Lent::Whole(whole, memory))),
            None => self.memories.lend(|memory| work(&mut Lent::Pieces(memory))),
        }
    }

    /// Append the tokens of `text` to `out`.
    pub fn encode_into(
        &self,
        text: Text<'_>,
        options: &Options,
        cancel: &Cancel,
        out: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        self.lend(|memory| self.encode_with(text, options, cancel, memory, out))
    }

    pub fn encode(&self, text: Text<'_>, options: &Options, cancel: &Cancel) -> Result<Vec<u32>, EncodeError> {
        let mut out = Vec::with_capacity(text.as_ref().len() / 3 + 4);
        self.encode_into(text, options, cancel, &mut out)?;
        Ok(out)
    }

    /// How many tokens `text` becomes, without keeping them.
    pub fn count(&self, text: Text<'_>, options: &Options, cancel: &Cancel) -> Result<usize, EncodeError> {
        let mut count = Count::default();
        self.lend(|memory| self.encode_with(text, options, cancel, memory, &mut count))?;
        Ok(count.0)
    }

    /// All of `texts`, over threads where there is enough of them. The result does not depend on the threads.
    pub fn encode_batch(
        &self,
        texts: &[Text<'_>],
        options: &Options,
        threads: Option<usize>,
        cancel: &Cancel,
    ) -> Result<Ragged<u32>, EncodeError> {
        let encode = |texts: &[Text<'_>]| {
            let bytes: usize = texts.iter().map(|text| text.as_ref().len()).sum();
            let mut part = Ragged::with_capacity(texts.len(), bytes / 3 + texts.len());
            self.encode_rows(texts, options, cancel, &mut part)?;
            Ok(part)
        };
        self.over_threads(texts, threads, encode).map(|parts| joined(parts, threads))
    }

    /// Append a row for each of `texts`, on this thread.
    pub fn encode_rows(
        &self,
        texts: &[Text<'_>],
        options: &Options,
        cancel: &Cancel,
        rows: &mut Ragged<u32>,
    ) -> Result<(), EncodeError> {
        self.lend(|memory| {
            for text in texts {
                cancel.check()?;
                self.encode_with(*text, options, cancel, memory, &mut rows.values)?;
                rows.close_row();
            }
            Ok(())
        })
    }

    /// [`Self::encode_rows`] with no more than the first `most` tokens of each. What comes after them in a long text is
    /// not encoded.
    pub fn encode_rows_up_to(
        &self,
        most: usize,
        texts: &[Text<'_>],
        options: &Options,
        cancel: &Cancel,
        rows: &mut Ragged<u32>,
    ) -> Result<(), EncodeError> {
        let mut enough = Cancel::new();
        self.lend(|memory| {
            for text in texts {
                cancel.check()?;
                let end = rows.values.len() + most;
                // Who reads on for a long time without looking is asked to look by the caller.
                let stop = if most <= FEW_TOKENS { &enough } else { cancel };
                let mut sink = UpTo { tokens: &mut rows.values, end, enough: &enough };
                let done = self.encode_with(*text, options, stop, memory, &mut sink);
                match done {
                    Err(EncodeError::Cancelled) if enough.is_cancelled() && cancel.check().is_ok() => {}
                    done => done?,
                }
                if enough.is_cancelled() {
                    enough = Cancel::new();
                }
                rows.values.truncate(end);
                rows.close_row();
            }
            Ok(())
        })
    }

    /// Give each of [`groups`] of `texts` to `give` as it is done, over threads: its number, and a row for each text, of
    /// `most` tokens at most.
    pub fn encode_groups(
        &self,
        groups: &[&[Text<'_>]],
        options: &Options,
        most: Option<usize>,
        threads: usize,
        cancel: &Cancel,
        give: impl Fn(usize, Ragged<u32>) + Sync,
    ) -> Result<(), EncodeError> {
        let encode = |(number, texts): (usize, &&[Text<'_>])| {
            let bytes: usize = texts.iter().map(|text| text.as_ref().len()).sum();
            let capacity = (bytes / 3).min(texts.len().saturating_mul(most.unwrap_or(usize::MAX)));
            let mut rows = Ragged::with_capacity(texts.len(), capacity + texts.len());
            match most {
                Some(most) => self.encode_rows_up_to(most, texts, options, cancel, &mut rows)?,
                None => self.encode_rows(texts, options, cancel, &mut rows)?,
            }
            give(number, rows);
            Ok(())
        };
        // One by one, so that what comes first is done first.
        pool::install(Some(threads), || groups.par_iter().enumerate().with_max_len(1).try_for_each(encode))
    }

    /// [`Self::count`] of each text.
    pub fn count_batch(
        &self,
        texts: &[Text<'_>],
        options: &Options,
        threads: Option<usize>,
        cancel: &Cancel,
    ) -> Result<Vec<i64>, EncodeError> {
        let count = |texts: &[Text<'_>]| {
            self.lend(|memory| {
                let counted = texts.iter().map(|text| {
                    cancel.check()?;
                    let mut count = Count::default();
                    self.encode_with(*text, options, cancel, memory, &mut count)?;
                    Ok(count.0 as i64)
                });
                counted.collect::<Result<Vec<i64>, EncodeError>>()
            })
        };
        self.over_threads(texts, threads, count).map(|parts| parts.concat())
    }

    fn over_threads<R: Send>(
        &self,
        texts: &[Text<'_>],
        threads: Option<usize>,
        work: impl Fn(&[Text<'_>]) -> Result<R, EncodeError> + Send + Sync,
    ) -> Result<Vec<R>, EncodeError> {
        let bytes: usize = texts.iter().map(|text| text.as_ref().len()).sum();
        // Asking how many threads there are takes longer than many a short text.
        let is_much = bytes >= PARALLEL_BYTES && texts.len() >= 2;
        let threads = if is_much { threads.unwrap_or_else(pool::default_threads) } else { 1 };
        if threads < 2 {
            return Ok(vec![work(texts)?]);
        }
        let chunks = groups(texts);
        pool::install(Some(threads), || chunks.into_par_iter().map(work).collect())
    }

    /// Text that is not UTF-8 is encoded between its faults, and the faulty bytes each as a piece of its own.
    fn encode_with(
        &self,
        text: Text<'_>,
        options: &Options,
        cancel: &Cancel,
        memory: &mut Lent<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), EncodeError> {
        if options.add_special_tokens {
            sink.many(&self.template.before);
        }
        let checked = match text {
            Text::Utf8(text) => Ok(text),
            Text::Bytes(bytes) => std::str::from_utf8(bytes).map_err(|_| bytes),
        };
        match checked {
            Ok(text) => self.encode_text(text, options, cancel, memory, sink)?,
            Err(bytes) => {
                for chunk in bytes.utf8_chunks() {
                    self.encode_text(chunk.valid(), options, cancel, memory, sink)?;
                    match memory {
                        _ if chunk.invalid().is_empty() => {}
                        Lent::Pieces(memory) => memory.encode_invalid(&self.encoder, chunk.invalid(), sink),
                        Lent::Whole(..) => {
                            let mut tokens = Vec::new();
                            self.encoder.encode_piece(chunk.invalid(), &mut Scratch::default(), &mut tokens);
                            sink.many(&tokens);
                        }
                    }
                }
            }
        }
        if options.add_special_tokens {
            sink.many(&self.template.after);
        }
        Ok(())
    }

    fn encode_text(
        &self,
        text: &str,
        options: &Options,
        cancel: &Cancel,
        memory: &mut Lent<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), EncodeError> {
        let memory = match memory {
            Lent::Whole(whole, memory) => return self.encode_whole(whole, text, options, cancel, memory, sink),
            Lent::Pieces(memory) => memory,
        };
        if self.general.is_some() {
            let options = Options { add_special_tokens: false, allowed: options.allowed.clone() };
            sink.many(&self.encode_with_words(text, &options, cancel)?.ids);
            return Ok(());
        }
        if self.normalizers.is_empty() && self.added.nothing_to_find(&options.allowed) {
            return self.encode_between(text, true, cancel, memory, sink);
        }
        self.added.sections(text, &options.allowed, |section| match section {
            Section::Token { id, .. } => {
                sink.one(id);
                Ok(())
            }
            Section::Text { start, end } => {
                let text = &text[start..end];
                let normalized = normalize(&self.normalizers, text, start == 0);
                let text = normalized.as_deref().unwrap_or(text);
                let at_start = start == 0;
                if !self.added.has_normalized() {
                    return self.encode_between(text, at_start, cancel, memory, sink);
                }
                self.added.normalized_sections(text, &options.allowed, |section| match section {
                    Section::Token { id, .. } => {
                        sink.one(id);
                        Ok(())
                    }
                    Section::Text { start, end } => {
                        self.encode_between(&text[start..end], at_start && start == 0, cancel, memory, sink)
                    }
                })
            }
        })
    }

    /// Normalized text between added tokens.
    fn encode_between(
        &self,
        text: &str,
        at_start: bool,
        cancel: &Cancel,
        memory: &mut Memory,
        sink: &mut impl Sink,
    ) -> Result<(), EncodeError> {
        match normalize(&self.late_normalizers, text, at_start) {
            Some(text) => self.encode_plain(&text, cancel, memory, sink),
            None => self.encode_plain(text, cancel, memory, sink),
        }
    }

    /// Text with neither added tokens in it nor normalizers before it.
    fn encode_plain(
        &self,
        text: &str,
        cancel: &Cancel,
        memory: &mut Memory,
        sink: &mut impl Sink,
    ) -> Result<(), EncodeError> {
        let bytes = text.as_bytes();
        let Some(known) = self.pretokenizer.known() else {
            let mut until_look = PIECES_BETWEEN_LOOKS;
            let mut stopped = Ok(());
            self.pretokenizer.split(text, |start, end| {
                until_look -= 1;
                if until_look == 0 {
                    until_look = PIECES_BETWEEN_LOOKS;
                    stopped = cancel.check();
                }
                if stopped.is_ok() {
                    memory.encode(&self.encoder, &bytes[start..end], sink);
                }
            })?;
            return Ok(stopped?);
        };
        with_scanner!(known, scanner => Ok(memory.encode_text(&self.encoder, scanner, bytes, cancel, sink)?))
    }

    /// The tokens of `text` and the bytes of it that each stands for; template tokens stand at the ends, for nothing.
    pub fn encode_with_offsets(
        &self,
        text: &str,
        options: &Options,
        cancel: &Cancel,
    ) -> Result<(Vec<u32>, Vec<[u64; 2]>), EncodeError> {
        let found = self.encode_with_words(text, options, cancel)?;
        Ok((found.ids, found.spans))
    }

    /// [`Self::encode_with_offsets`], with the pieces that tokens are part of, and what was found of added tokens.
    pub fn encode_with_words(&self, text: &str, options: &Options, cancel: &Cancel) -> Result<InFull, EncodeError> {
        let mut words: Vec<u32> = Vec::new();
        let mut found: Vec<(usize, String)> = Vec::new();
        let mut word = 0;
        let mut met = Met::default();
        let mut ids = Vec::new();
        let mut spans: Vec<[u64; 2]> = Vec::new();
        if options.add_special_tokens {
            ids.extend_from_slice(&self.template.before);
            spans.resize(ids.len(), [0, 0]);
            words.resize(ids.len(), u32::MAX);
        }
        self.memories.lend(|memory| {
            self.added.sections(text, &options.allowed, |section| match section {
                Section::Token { id, start, end } => {
                    found.push((ids.len(), text[start..end].to_owned()));
                    ids.push(id);
                    spans.push([start as u64, end as u64]);
                    words.push(word);
                    word += 1;
                    Ok::<(), EncodeError>(())
                }
                Section::Text { start: base, end } => {
                    let aligned = normalize_aligned(&self.normalizers, Aligned::new(&text[base..end]), base == 0);
                    self.added.normalized_sections(&aligned.text, &options.allowed, |section| {
                        match section {
                            Section::Token { id, start, end } => {
                                found.push((ids.len(), aligned.text[start..end].to_owned()));
                                let (start, end) = aligned.span(start, end);
                                ids.push(id);
                                spans.push([(base + start) as u64, (base + end) as u64]);
                                words.push(word);
                                word += 1;
                            }
                            Section::Text { start: part, end } => {
                                if let Some(general) = &self.general {
                                    for piece in general.pieces(aligned.part(part, end), base)? {
                                        cancel.check()?;
                                        let text = std::str::from_utf8(&piece.bytes).unwrap_or_default();
                                        let mut at = 0;
                                        let mut place = |length: usize| {
                                            at += length;
                                            piece.span(at - length, at).map(|at| (base + at) as u64)
                                        };
                                        if let Some(marked) = &self.marked {
                                            marked.encode(text, &mut met, |(id, length)| {
                                                ids.push(id);
                                                spans.push(place(length));
                                            });
                                        } else {
                                            let first = ids.len();
                                            memory.encode(&self.encoder, &piece.bytes, &mut ids);
                                            let lengths = self.encoder.lengths(text, &ids[first..]);
                                            spans.extend(lengths.into_iter().map(place));
                                        }
                                        words.resize(ids.len(), word);
                                        word += 1;
                                    }
                                    return Ok(());
                                }
                                let at_start = base == 0 && part == 0;
                                let late = normalize_aligned(&self.late_normalizers, aligned.part(part, end), at_start);
                                let plain = late.text.as_str();
                                let mut pieces = Vec::new();
                                self.pretokenizer.split(plain, |start, end| pieces.push((start, end)))?;
                                for (start, end) in pieces {
                                    cancel.check()?;
                                    let first = ids.len();
                                    match &self.whole {
                                        Some(whole) => {
                                            self.encode_rewritten(whole, &plain[start..end], cancel, &mut ids)?;
                                        }
                                        None => memory.encode(&self.encoder, &plain.as_bytes()[start..end], &mut ids),
                                    }
                                    let lengths = self.encoder.lengths(&plain[start..end], &ids[first..]);
                                    let mut at = start;
                                    for length in lengths {
                                        let (first, last) = late.span(at, at + length);
                                        spans.push([(base + first) as u64, (base + last) as u64]);
                                        at += length;
                                    }
                                    words.resize(ids.len(), word);
                                    word += 1;
                                }
                            }
                        }
                        Ok(())
                    })
                }
            })
        })?;
        if options.add_special_tokens {
            ids.extend_from_slice(&self.template.after);
            spans.resize(ids.len(), [text.len() as u64; 2]);
            words.resize(ids.len(), u32::MAX);
        }
        Ok(InFull { ids, spans, words, found })
    }
}
