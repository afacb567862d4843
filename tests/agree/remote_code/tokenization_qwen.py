"""A tokenizer in Python over tiktoken, of the form that Qwen's first models bring along: tokens are bytes."""

import base64
import unicodedata
from pathlib import Path

import tiktoken
from transformers import PreTrainedTokenizer

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CONTROLS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *(f"<|extra_{number}|>" for number in range(205)))


def read_ranks(path):
    pairs = (line.split() for line in Path(path).read_bytes().splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in pairs}


class QWenTokenizer(PreTrainedTokenizer):
    vocab_files_names = {"vocab_file": "qwen.tiktoken"}  # noqa: RUF012

    def __init__(self, vocab_file, errors="replace", **kwargs):
        self.errors = errors
        self.mergeable_ranks = read_ranks(vocab_file)
        self.special_tokens = {token: len(self.mergeable_ranks) + index for index, token in enumerate(CONTROLS)}
        self.tokenizer = self._make()
        self.decoder = {number: token for token, number in self.mergeable_ranks.items()}
        self.decoder |= {number: token for token, number in self.special_tokens.items()}
        self.eod_id = self.special_tokens["<|endoftext|>"]
        super().__init__(**kwargs)

    def _make(self):
        return tiktoken.Encoding(
            "Qwen", pat_str=PATTERN, mergeable_ranks=self.mergeable_ranks, special_tokens=self.special_tokens
        )

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "tokenizer"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.tokenizer = self._make()

    def __len__(self):
        return self.tokenizer.n_vocab

    @property
    def vocab_size(self):
        return self.tokenizer.n_vocab

    def get_vocab(self):
        return self.mergeable_ranks

    def tokenize(self, text, allowed_special="all", disallowed_special=(), **kwargs):
        text = unicodedata.normalize("NFC", text)
        ids = self.tokenizer.encode(text, allowed_special=allowed_special, disallowed_special=disallowed_special)
        return [self.decoder[number] for number in ids]

    def convert_tokens_to_ids(self, tokens):
        def one(token):
            return self.special_tokens.get(token, self.mergeable_ranks.get(token))

        return one(tokens) if isinstance(tokens, (str, bytes)) else [one(token) for token in tokens]

    def _convert_id_to_token(self, index):
        return self.decoder[index]

    def convert_tokens_to_string(self, tokens):
        return b"".join(t.encode() if isinstance(t, str) else t for t in tokens).decode("utf-8", self.errors)

    def _decode(self, token_ids, skip_special_tokens=False, errors=None, **kwargs):
        token_ids = [token_ids] if isinstance(token_ids, int) else list(token_ids)
        if skip_special_tokens:
            token_ids = [number for number in token_ids if number < self.eod_id]
        return self.tokenizer.decode(token_ids, errors=errors or self.errors)

    def save_vocabulary(self, save_directory, filename_prefix=None):
        path = Path(save_directory) / "qwen.tiktoken"
        lines = (base64.b64encode(t) + b" " + str(n).encode() + b"\n" for t, n in self.mergeable_ranks.items())
        path.write_bytes(b"".join(lines))
        return (str(path),)
