"""Tokenizers: byte-pair encoding for every public vocabulary, equal to the original token for token.

    tok = tf.Tokenizer.from_file("tokenizer.json")
    tok.encode("hello world")                 # list of ids
    tok.encode_batch(texts)                   # tf.Ragged, over threads

The work is done in Rust outside the GIL; a tokenizer is immutable, can be shared by threads, survives a fork and pickles.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from tokenfoundry._core import bpe as _bpe
from tokenfoundry.errors import InputError, VocabularyError
from tokenfoundry.ragged import Ragged, Side

__all__ = ["StreamDecoder", "Tokenizer"]

_VOCABULARIES = (
    "tokenizer.json",
    "tekken.json",
    "tokenizer.model",
    "tokenizer.model.v3",
    "qwen.tiktoken",
    "tiktoken.model",
)
_FILES = (*_VOCABULARIES, "tokenizer_config.json", "chat_template.jinja")

_TEMPLATE_TOKENS = frozenset(f"{kind}_token" for kind in ("bos", "eos", "pad", "unk", "sep", "cls", "mask"))

StreamDecoder = _bpe.StreamDecoder

_Text = str | bytes
_TRAINING_BATCH_BYTES = 32 << 20

Special = Literal["all", "none"] | Iterable[str] | None
"""Which special tokens: all, none, or these; ``None`` is what the tokenizer's source does."""


class Tokenizer(_bpe.Tokenizer):
    """A byte-pair tokenizer.

    Make one with :meth:`from_file`, :meth:`from_tiktoken`, :meth:`from_pretrained` or :meth:`train`.

    Special tokens in a text are found as the source has it: always for a tokenizer.json, as `tokenizers` does, and not at
    all for a rank file, where they are plain text as in tiktoken's ``encode_ordinary``. ``allowed_special`` says otherwise
    for one call, and ``disallowed_special`` makes the tokens it names (or ``"all"`` that are not allowed) an error.
    """

    chat_template: str | None = None
    """The template of conversations that came with the tokenizer."""
    chat_templates: Mapping[str, str] = MappingProxyType({})
    """Templates by name, where several came with it."""
    template_tokens: Mapping[str, str] = MappingProxyType({})

    # ------------------------------------------------------------------ where they come from

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        pattern: str | None = None,
        special_tokens: Mapping[str, int] | None = None,
    ) -> Self:
        """Read a tokenizer; what kind it is is recognised from the content.

        Args:
            path: tokenizer.json, tekken.json, a SentencePiece ``.model`` of type BPE, or a tiktoken rank file.
            pattern: of a rank file, which holds none: a name such as ``"cl100k"`` or a regex.
            special_tokens: of a rank file.

        Raises:
            VocabularyError: the file is damaged, contradicts itself, or is of a kind that is not read.
        """
        path = Path(path)
        content = path.read_bytes()
        try:
            return cls._from_content(content, path, pattern, special_tokens)
        except VocabularyError as error:
            raise VocabularyError(f"{path}: {error}") from None

    @classmethod
    def _from_content(
        cls, content: bytes, path: Path, pattern: str | None, special_tokens: Mapping[str, int] | None
    ) -> Self:
        kind = _bpe.kind_of_file(content)
        if kind == "ranks":
            if pattern is None:
                raise VocabularyError(
                    'a rank file holds neither its pattern nor its special tokens; pass pattern= (a name such as "cl100k", or '
                    "the regex itself) and special_tokens=, here or to from_tiktoken"
                )
            return cls(_bpe.read_rank_file(content, pattern, list((special_tokens or {}).items())))
        if pattern is not None or special_tokens is not None:
            raise InputError(f"pattern= and special_tokens= are for rank files; {path} brings its own")
        if kind == "tokenizer.json":
            return cls(_bpe.read_tokenizer_json(content, True))
        if kind == "tekken.json":
            return cls(_bpe.read_tekken_json(content))
        if kind == "sentencepiece":
            return cls(_bpe.read_sentencepiece(content))
        raise VocabularyError("neither a tokenizer.json, a tekken.json, a SentencePiece model nor a rank file")

    @classmethod
    def from_tiktoken(
        cls,
        path_or_ranks: str | os.PathLike[str] | Mapping[bytes, int],
        *,
        pattern: str,
        special_tokens: Mapping[str, int] | None = None,
    ) -> Self:
        """A tokenizer as tiktoken builds one: ranks, a split pattern, special tokens.

        Args:
            path_or_ranks: a rank file, or a mapping of token bytes to ranks.
            pattern: a name (``gpt2 r50k p50k cl100k o200k llama3 llama4 qwen2 qwen3 qwen3.5 qwen3.6 tekken kimi
                deepseek_v3``) or a regex. Known regexes are recognised by their text and run in hand-written code.
            special_tokens: contents to ids.
        """
        specials = list((special_tokens or {}).items())
        if isinstance(path_or_ranks, Mapping):
            return cls(_bpe.from_ranks(dict(path_or_ranks), pattern, specials))
        content = Path(path_or_ranks).read_bytes()
        try:
            return cls(_bpe.read_rank_file(content, pattern, specials))
        except VocabularyError as error:
            raise VocabularyError(f"{path_or_ranks}: {error}") from None

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str],
        *,
        revision: str | None = None,
        pattern: str | None = None,
        special_tokens: Mapping[str, int] | None = None,
        local_files_only: bool = False,
    ) -> Self:
        """A tokenizer by the name of its model.

        Looked for in this order: a directory (or file) of that name; the local Hugging Face cache; tiktoken's cache
        (``TIKTOKEN_CACHE_DIR``) for the names of OpenAI's encodings and models; then, unless ``local_files_only``, the
        network: OpenAI's files, checked against their published SHA-256, or the hub, which needs the extra ``hf``.
        A directory may hold tokenizer.json, tekken.json, a SentencePiece model or a rank file, and is asked for them in
        this order; a chat template beside it is taken along.

        Raises:
            VocabularyError: nothing was found; the message lists what was looked for and where.
        """
        from tokenfoundry import pretrained

        path = Path(name)
        if path.is_file():
            return cls.from_file(path, pattern=pattern, special_tokens=special_tokens)
        if path.is_dir():
            return cls._from_directory(path, pattern, special_tokens)
        looked = [f"the directory {path}"]
        found = pretrained.in_hugging_face_cache(str(name), revision, _VOCABULARIES, looked)
        if found is None:
            encoding = pretrained.openai_encoding(str(name), local_files_only, looked)
            if encoding is not None:
                specials = encoding.special_tokens if special_tokens is None else special_tokens
                return cls.from_tiktoken(encoding.ranks, pattern=pattern or encoding.pattern, special_tokens=specials)
        if found is None and not local_files_only:
            found = pretrained.on_hub(str(name), revision, _FILES, looked)
        if found is None:
            raise VocabularyError(f"no tokenizer {str(name)!r}; looked for it in " + "; ".join(looked))
        return cls._from_directory(found, pattern, special_tokens)

    @classmethod
    def _from_directory(cls, path: Path, pattern: str | None, special_tokens: Mapping[str, int] | None) -> Self:
        for file in _VOCABULARIES:
            if (path / file).is_file():
                tokenizer = cls.from_file(path / file, pattern=pattern, special_tokens=special_tokens)
                tokenizer._read_configuration(path)
                return tokenizer
        raise VocabularyError(f"{path} holds none of {', '.join(_VOCABULARIES)}")

    def _read_configuration(self, path: Path) -> None:
        configuration: dict[str, Any] = {}
        if (path / "tokenizer_config.json").is_file():
            configuration = json.loads((path / "tokenizer_config.json").read_text(encoding="utf-8"))
        if (path / "chat_template.jinja").is_file():
            configuration["chat_template"] = (path / "chat_template.jinja").read_text(encoding="utf-8")
        template = configuration.get("chat_template")
        if isinstance(template, list):
            self.chat_templates = {entry["name"]: entry["template"] for entry in template}
            template = self.chat_templates.get("default")
        self.chat_template = template
        self.template_tokens = {
            name: value["content"] if isinstance(value, dict) else value
            for name, value in configuration.items()
            if name in _TEMPLATE_TOKENS and value and not isinstance(value, list)
        }

    def apply_chat_template(
        self,
        messages: Sequence[Any],
        *,
        chat_template: str | None = None,
        tools: Sequence[Any] | None = None,
        documents: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool = False,
        continue_final_message: bool = False,
        tokenize: bool = True,
        return_dict: bool = False,
        return_assistant_tokens_mask: bool = False,
        **variables: Any,
    ) -> Any:
        """A conversation as the model was trained to see it, as ``transformers`` writes it.

        The template is Jinja2, run in a sandbox (needs the extra ``hf``); it comes with :meth:`from_pretrained`, or is
        given here, itself or the name of one of several. Special tokens that it writes are found, no others are added.

        Args:
            messages: a conversation (``role`` and ``content``), or a list of conversations.
            tools: functions with type hints and docstrings, or JSON schemas.
            documents: for templates that take some.
            add_generation_prompt: end with what opens the assistant's turn.
            continue_final_message: end where the last message ends, for the model to go on with it.
            tokenize: ids, else the text.
            return_dict: a dict of ``input_ids`` and ``attention_mask``.
            return_assistant_tokens_mask: also ``assistant_masks``, 1 for tokens inside ``{% generation %}``.
            variables: further names for the template.

        Returns:
            Ids, a text or a dict; a list of them for a list of conversations (a dict of lists).
        """
        from tokenfoundry import chat

        template = self._chat_template(chat_template, tools)
        batched = bool(messages) and not isinstance(messages[0], Mapping)
        if return_assistant_tokens_mask and not (return_dict and tokenize):
            raise InputError("return_assistant_tokens_mask needs return_dict=True and tokenize=True")
        rendered = [
            chat.render(
                template,
                one,
                tools=tools,
                documents=documents,
                add_generation_prompt=add_generation_prompt,
                continue_final_message=continue_final_message,
                track_generation=return_assistant_tokens_mask,
                variables={**self.template_tokens, **variables},
            )
            for one in (messages if batched else [messages])
        ]
        if not tokenize:
            texts = [one.text for one in rendered]
            return texts if batched else texts[0]
        ids = [self.encode(one.text, add_special_tokens=False, allowed_special="all") for one in rendered]
        if not return_dict:
            return ids if batched else ids[0]
        found = {"input_ids": ids, "attention_mask": [[1] * len(row) for row in ids]}
        if return_assistant_tokens_mask:
            found["assistant_masks"] = [self._generated(one) for one in rendered]
        return found if batched else {name: rows[0] for name, rows in found.items()}

    def _chat_template(self, given: str | None, tools: Sequence[Any] | None) -> str:
        if given is not None:
            return self.chat_templates.get(given, given)
        if tools is not None and "tool_use" in self.chat_templates:
            return self.chat_templates["tool_use"]
        if self.chat_template is None:
            raise InputError(
                "this tokenizer has no chat template; pass chat_template=, or load it with from_pretrained"
            )
        return self.chat_template

    def _generated(self, rendered: Any) -> list[int]:
        """1 for each token of a rendered conversation that the assistant speaks."""
        ids, spans = self.encode_with_offsets(rendered.text, add_special_tokens=False, allowed_special="all")
        mask = np.zeros(len(ids), dtype=np.int64)
        for start, end in rendered.generated:
            first = len(rendered.text[:start].encode())
            last = first + len(rendered.text[start:end].encode())
            mask[(spans[:, 0] < last) & (spans[:, 1] > first)] = 1
        return mask.tolist()

    @classmethod
    def train(
        cls,
        texts: Any,
        *,
        vocab_size: int = 32_000,
        pattern: str = "cl100k",
        special_tokens: Sequence[str] = ("<|endoftext|>",),
        min_frequency: int = 2,
        initial_alphabet: bytes | None = None,
        limit_alphabet: int | None = None,
        max_token_length: int | None = None,
        threads: int | None = None,
    ) -> Self:
        """Learn a vocabulary from texts.

        ``texts``: a list of str or bytes, an Arrow string array, or any iterable of these (each fed in turn, so the
        corpus need not fit in memory). A `pathlib.Path` stands for the text of that file. Special tokens get the ids
        0, 1, …; the 256 bytes come next, then one token a merge. Equal, merge for merge, to the BPE trainer of
        Hugging Face's `tokenizers` on the same pieces. Fewer than ``vocab_size`` tokens come out of a corpus whose
        pairs all occur less than ``min_frequency`` times.

        ``initial_alphabet``: bytes that become tokens whether seen or not, beside those that are seen; default all 256,
        without which a text with other bytes loses them, as in `tokenizers`.

        ``limit_alphabet``: most bytes that become tokens, those of ``initial_alphabet`` first, then the most frequent (of
        equally frequent ones `tokenizers` keeps any, here the first by their letters).

        ``max_token_length``: a pair that has so many bytes or more is not merged, but for two single bytes; as in `tokenizers`,
        whose limit the longest token stays below.

        Raises InputError where ``vocab_size`` cannot even hold the bytes and special tokens.
        """
        first_id = len(special_tokens)
        letters = 256 if initial_alphabet is None else len(set(initial_alphabet))
        letters = min(letters, 256 if limit_alphabet is None else limit_alphabet)
        if vocab_size < letters + first_id:
            raise InputError(
                f"vocab_size is {vocab_size}; {letters} bytes and {first_id} special tokens need {letters + first_id}"
            )
        if len(set(special_tokens)) < first_id:
            raise InputError("special_tokens names a token twice")
        trainer = _bpe.Trainer(pattern)
        for batch in _batches(texts):
            trainer.feed(batch, threads)
        return cls._trained(
            trainer,
            vocab_size,
            min_frequency,
            special_tokens,
            pattern,
            initial_alphabet,
            limit_alphabet,
            max_token_length,
        )

    @classmethod
    def _trained(
        cls,
        trainer: _bpe.Trainer,
        vocab_size: int,
        min_frequency: int,
        special_tokens: Sequence[str],
        pattern: str,
        alphabet: bytes | None = None,
        limit_alphabet: int | None = None,
        max_token_length: int | None = None,
    ) -> Self:
        tokens, merges = trainer.finish(
            vocab_size, min_frequency, list(special_tokens), alphabet, None, limit_alphabet, max_token_length
        )
        specials = [(name, index) for index, name in enumerate(special_tokens)]
        return cls(_bpe.from_merges(tokens, merges, pattern, specials))

    # ------------------------------------------------------------------ many texts

    def encode_batch(
        self,
        texts: Any,
        threads: int | None = None,
        *,
        add_special_tokens: bool = True,
        allowed_special: Special = None,
        disallowed_special: Special = None,
        max_length: int | None = None,
        truncation_side: Side = "right",
    ) -> Ragged:
        """Encode many texts over threads; the result does not depend on how many.

        Args:
            texts: a list of ``str`` or ``bytes``, an Arrow string or binary array (also chunked), or anything with
                ``__arrow_c_array__`` or ``__arrow_c_stream__``; borrowed, not copied.
            threads: default all that this process may use; batches below 256 kB use one.
            add_special_tokens: put around each text what the tokenizer's template says (BOS, EOS).
            allowed_special: special tokens to find in the texts; ``None`` is what the tokenizer's source does.
            disallowed_special: special tokens that raise ``InputError`` if a text holds them.
            max_length: most tokens of a row, those of the template included, which are not cut.
            truncation_side: where a longer text loses its tokens.

        Returns:
            Ids as a ragged array, uint32, a row for each text. Ctrl-C stops it within 100 ms.
        """
        values, offsets = self._encode_batch(texts, add_special_tokens, allowed_special, disallowed_special, threads)
        if max_length is not None:
            if max_length < 0:
                raise InputError(f"max_length must not be negative, got {max_length}")
            before, after = self._template_lengths if add_special_tokens else (0, 0)
            values, offsets = _bpe.truncate_rows(values, offsets, max_length, before, after, truncation_side)
        return Ragged._trusted(values, offsets)

    def encode_padded(
        self,
        texts: Any,
        length: int | None = None,
        *,
        pad_id: int | None = None,
        side: Side = "right",
        truncation_side: Side = "right",
        threads: int | None = None,
        add_special_tokens: bool = True,
        allowed_special: Special = None,
        disallowed_special: Special = None,
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """:meth:`encode_batch` as a matrix.

        Args:
            length: columns; longer rows are cut (not their template), default as many as the longest row has tokens.
            pad_id: default the pad token that came with the tokenizer's configuration.
            side: where shorter rows are filled.

        Returns:
            Ids, uint32, shape (texts, length), and how many tokens of each row are no padding, int64, shape (texts,).

        Raises:
            InputError: there is no ``pad_id`` and none is known.
        """
        if pad_id is None:
            known = self.template_tokens.get("pad_token")
            if known is None:
                raise InputError("this tokenizer's files name no pad token; pass pad_id=")
            pad_id = self.token_id(known)
        rows = self.encode_batch(
            texts,
            threads,
            add_special_tokens=add_special_tokens,
            allowed_special=allowed_special,
            disallowed_special=disallowed_special,
            max_length=length,
            truncation_side=truncation_side,
        )
        return rows.to_padded(length, pad_id, side=side), rows.lengths

    def encode_batch_lists(
        self,
        texts: Any,
        threads: int | None = None,
        *,
        add_special_tokens: bool = True,
        allowed_special: Special = None,
        disallowed_special: Special = None,
        max_length: int | None = None,
        truncation_side: Side = "right",
    ) -> list[list[int]]:
        """:meth:`encode_batch` as lists of ints (2 to 3 ns a token more)."""
        if max_length is not None:
            return self.encode_batch(
                texts,
                threads,
                add_special_tokens=add_special_tokens,
                allowed_special=allowed_special,
                disallowed_special=disallowed_special,
                max_length=max_length,
                truncation_side=truncation_side,
            ).tolist()
        return self._encode_batch_lists(texts, add_special_tokens, allowed_special, disallowed_special, threads)

    def count_batch(
        self,
        texts: Any,
        threads: int | None = None,
        *,
        add_special_tokens: bool = True,
        allowed_special: Special = None,
        disallowed_special: Special = None,
    ) -> npt.NDArray[np.int64]:
        """How many tokens each text becomes; int64, shape (texts,). Builds no tokens."""
        return self._count_batch(texts, add_special_tokens, allowed_special, disallowed_special, threads)

    def decode_batch(self, rows: Ragged | Sequence[Any], *, skip_special_tokens: bool = False) -> list[str]:
        """The text of each row of ids."""
        if not isinstance(rows, Ragged):
            return [self.decode(row, skip_special_tokens=skip_special_tokens) for row in rows]
        return self._decode_rows(rows.values, rows.offsets, skip_special_tokens)

    # ------------------------------------------------------------------ keeping them

    def to_json(self) -> str:
        """A tokenizer.json that `tokenizers` loads, with the same ids for every text."""
        return self._to_json()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a tokenizer.json that `tokenizers` and ``transformers`` load, with the same ids for every text.

        Written to a temporary name first and then renamed, so that a reader never sees half of it.
        """
        path = Path(path)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with temporary.open("w", encoding="utf-8") as file:
                file.write(self._to_json())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def __reduce__(self) -> tuple[Any, ...]:
        beside = {
            "chat_template": self.chat_template,
            "chat_templates": dict(self.chat_templates),
            "template_tokens": dict(self.template_tokens),
        }
        return (_from_json, (type(self), self._to_json().encode(), self.finds_special_tokens, beside))

    @property
    def pattern(self) -> str:
        """The regular expression that cuts text into pieces; those of a chain of splits are joined by newlines."""
        return "\n".join(self.patterns)

    def token_id(self, token: _Text) -> int:
        """The id of a token, by its bytes or the content of an added token. InputError if there is none."""
        found = self.find_token(token)
        if found is None:
            raise InputError(f"{token!r} is not a token of this vocabulary")
        return found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tokenizer):
            return NotImplemented
        return self is other or self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __len__(self) -> int:
        return self.vocab_size

    def __repr__(self) -> str:
        return f"Tokenizer({self.vocab_size} tokens, {len(self.special_tokens)} of them special)"


def _from_json(kind: type[Tokenizer], content: bytes, finds_special: bool, beside: Mapping[str, Any]) -> Tokenizer:
    tokenizer = kind(_bpe.read_tokenizer_json(content, finds_special))
    tokenizer.chat_template = beside["chat_template"]
    tokenizer.chat_templates = beside["chat_templates"]
    tokenizer.template_tokens = beside["template_tokens"]
    return tokenizer


def _batches(texts: Any) -> Iterable[Any]:
    """What ``train`` takes, as batches of bounded size that the core can borrow."""
    if isinstance(texts, (str, bytes)):
        raise InputError("texts must be an iterable of texts, not one text; wrap it in a list")
    if hasattr(texts, "__arrow_c_array__") or hasattr(texts, "__arrow_c_stream__"):
        yield texts
        return
    batch: list[_Text] = []
    batch_bytes = 0
    for item in texts:
        if isinstance(item, Path):
            text: _Text = item.read_text(encoding="utf-8", errors="replace")
        elif isinstance(item, (str, bytes)):
            text = item
        else:
            yield item
            continue
        batch.append(text)
        batch_bytes += len(text)
        if batch_bytes >= _TRAINING_BATCH_BYTES:
            yield batch
            batch, batch_bytes = [], 0
    if batch:
        yield batch
