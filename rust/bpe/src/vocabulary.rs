//! Tokens by id, ids by bytes, and which two tokens merge into which, with what priority.

use rustc_hash::FxHashMap;

/// What is wrong with a vocabulary; names the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VocabularyError(pub String);

impl std::fmt::Display for VocabularyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for VocabularyError {}

/// What a pair of adjacent tokens becomes. Lower ranks merge first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    pub rank: u32,
    pub id: u32,
}

/// The ordinary tokens of a byte-level BPE vocabulary (special tokens live beside it, in `specials`).
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// Bytes of all tokens, one after another, and where each id's begin. An id without a token has no bytes.
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    ids: FxHashMap<Box<[u8]>, u32>,
    pairs: FxHashMap<u64, Merge>,
    byte_ids: [u32; 256],
    /// `merges[rank]`, where the vocabulary has an explicit list; a rank file has none.
    merges: Option<Vec<(u32, u32)>>,
    /// A piece that is a token is that token, even where merging would end elsewhere (rank files, `ignore_merges`).
    whole_pieces: bool,
}

#[inline(always)]
pub fn pair_key(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

/// Bytes as a message shows them.
pub fn shown(bytes: &[u8]) -> String {
    format!("b\"{}\"", bytes.escape_ascii())
}

impl Vocabulary {
    fn from_tokens(tokens: &[(Vec<u8>, u32)], whole_pieces: bool) -> Result<Self, VocabularyError> {
        const LARGEST_ID: u32 = 1 << 28;
        let mut by_id: Vec<Option<&[u8]>> = Vec::new();
        let mut ids = FxHashMap::with_capacity_and_hasher(tokens.len(), Default::default());
        let mut total_bytes = 0usize;
        for (token, id) in tokens {
            if token.is_empty() {
                return Err(VocabularyError(format!("token {id} is empty; a token must have at least one byte")));
            }
            if *id > LARGEST_ID {
                return Err(VocabularyError(format!("token {} has id {id}, above {LARGEST_ID}", shown(token))));
            }
            let index = *id as usize;
            if by_id.len() <= index {
                by_id.resize(index + 1, None);
            }
            if let Some(other) = by_id[index] {
                return Err(VocabularyError(format!("id {id} is given to {} and to {}", shown(other), shown(token))));
            }
            by_id[index] = Some(token);
            if let Some(other) = ids.insert(token.clone().into_boxed_slice(), *id) {
                return Err(VocabularyError(format!("token {} has two ids, {other} and {id}", shown(token))));
            }
            total_bytes += token.len();
        }
        let mut bytes = Vec::with_capacity(total_bytes);
        let mut offsets = Vec::with_capacity(by_id.len() + 1);
        offsets.push(0);
        for token in &by_id {
            bytes.extend_from_slice(token.unwrap_or_default());
            offsets.push(u32::try_from(bytes.len()).map_err(|_| VocabularyError("tokens exceed 4 GB".to_owned()))?);
        }
        let mut byte_ids = [0; 256];
        for (byte, slot) in byte_ids.iter_mut().enumerate() {
            *slot = *ids.get(&[byte as u8][..]).ok_or_else(|| {
                VocabularyError(format!(
                    "no token for the single byte 0x{byte:02x}: the vocabulary cannot spell every text; \
                     is the file complete, and of a byte-level BPE?"
                ))
            })?;
        }
        Ok(Self { bytes, offsets, ids, pairs: FxHashMap::default(), byte_ids, merges: None, whole_pieces })
    }

    /// tiktoken's kind: a token's id is also its priority, and any two tokens merge whose bytes joined are a token.
    pub fn from_ranks(tokens: &[(Vec<u8>, u32)]) -> Result<Self, VocabularyError> {
        let mut vocabulary = Self::from_tokens(tokens, true)?;
        for (token, id) in tokens {
            for middle in 1..token.len() {
                let (left, right) = token.split_at(middle);
                if let (Some(&left), Some(&right)) = (vocabulary.ids.get(left), vocabulary.ids.get(right)) {
                    vocabulary.pairs.insert(pair_key(left, right), Merge { rank: *id, id: *id });
                }
            }
        }
        Ok(vocabulary)
    }

    /// Hugging Face's kind: tokens with ids, and a list of merges in order of priority.
    pub fn from_merges(
        tokens: &[(Vec<u8>, u32)],
        merges: Vec<(u32, u32)>,
        ignore_merges: bool,
    ) -> Result<Self, VocabularyError> {
        let mut vocabulary = Self::from_tokens(tokens, ignore_merges)?;
        let mut joined = Vec::new();
        for (rank, &(left, right)) in merges.iter().enumerate() {
            joined.clear();
            for id in [left, right] {
                joined.extend_from_slice(
                    vocabulary
                        .token(id)
                        .ok_or_else(|| VocabularyError(format!("merge {rank} names id {id}, which no token has")))?,
                );
            }
            let &id = vocabulary.ids.get(&joined[..]).ok_or_else(|| {
                VocabularyError(format!("merge {rank} makes {}, which is not a token", shown(&joined)))
            })?;
            // The later of two equal merges wins in `tokenizers`, which collects the list into a map.
            vocabulary.pairs.insert(pair_key(left, right), Merge { rank: rank as u32, id });
        }
        vocabulary.merges = Some(merges);
        Ok(vocabulary)
    }

    /// One more than the largest id.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a token; `None` for an id that none has.
    #[inline]
    pub fn token(&self, id: u32) -> Option<&[u8]> {
        let index = id as usize;
        let (&start, &end) = (self.offsets.get(index)?, self.offsets.get(index + 1)?);
        (end > start).then(|| &self.bytes[start as usize..end as usize])
    }

    pub fn id(&self, token: &[u8]) -> Option<u32> {
        self.ids.get(token).copied()
    }

    pub fn byte_id(&self, byte: u8) -> u32 {
        self.byte_ids[byte as usize]
    }

    #[inline(always)]
    pub fn merge(&self, left: u32, right: u32) -> Option<Merge> {
        self.pairs.get(&pair_key(left, right)).copied()
    }

    pub fn merges(&self) -> Option<&[(u32, u32)]> {
        self.merges.as_deref()
    }

    pub fn whole_pieces(&self) -> bool {
        self.whole_pieces
    }

    /// Tokens in order of their ids.
    pub fn tokens(&self) -> impl Iterator<Item = (&[u8], u32)> {
        (0..self.len() as u32).filter_map(|id| Some((self.token(id)?, id)))
    }
}
