"""Tokenizers from folders as the Hub has them: the file, its configuration, its chat template."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import pytest
from tests.vocabularies import vocabulary

import tokenfoundry as tf

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    trained = tf.Tokenizer.train(
        ["some text to learn from, and some more"] * 3, vocab_size=280, special_tokens=["<|im_start|>", "<|im_end|>"]
    )
    trained.save(tmp_path / "tokenizer.json")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    return tmp_path


def test_a_folder(folder: Path) -> None:
    loaded = tf.Tokenizer.from_pretrained(str(folder))
    original = tf.Tokenizer.from_file(folder / "tokenizer.json")
    assert loaded.encode("some text<|im_end|>") == original.encode("some text<|im_end|>")
    assert loaded.digest == original.digest


def test_a_chat(folder: Path) -> None:
    loaded = tf.Tokenizer.from_pretrained(folder)
    messages = [{"role": "user", "content": "some text"}]
    text = loaded.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>user\nsome text<|im_end|>\n<|im_start|>assistant\n"
    ids = loaded.apply_chat_template(messages, add_generation_prompt=True)
    assert loaded.decode(ids) == text
    assert ids[0] == loaded.special_tokens["<|im_start|>"]


def test_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(tf.VocabularyError, match=r"tokenizer\.json"):
        tf.Tokenizer.from_pretrained(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises((tf.TokenFoundryError, OSError), match="no-such-owner/no-such-model"):
        tf.Tokenizer.from_pretrained("no-such-owner/no-such-model")


def _cached_model(home: Path, folder: Path, revision: str) -> None:
    repository = home / "hub" / "models--owner--model"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    shutil.copytree(folder, repository / "snapshots" / revision)


def test_the_hugging_face_cache_needs_no_extra(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    _cached_model(home, folder, "0123abc")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    loaded = tf.Tokenizer.from_pretrained("owner/model")
    assert loaded == tf.Tokenizer.from_pretrained(folder)
    assert loaded.chat_template == TEMPLATE
    assert tf.Tokenizer.from_pretrained("owner/model", revision="0123abc") == loaded
    with pytest.raises(tf.VocabularyError, match=r"models--owner--model: no snapshot of 'other'.*tokenfoundry\[hf\]"):
        tf.Tokenizer.from_pretrained("owner/model", revision="other")


def test_the_cache_of_tiktoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ranks = vocabulary("r50k").read_bytes()
    address = "https://openaipublic.blob.core.windows.net/encodings/r50k_base.tiktoken"
    (tmp_path / hashlib.sha1(address.encode()).hexdigest()).write_bytes(ranks)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for name in ("r50k_base", "gpt2", "davinci"):
        loaded = tf.Tokenizer.from_pretrained(name, local_files_only=True)
        assert loaded.encode("hello world") == [31373, 995]
        assert loaded.special_tokens == {"<|endoftext|>": 50256}
    with pytest.raises(tf.VocabularyError, match=r"Hugging Face cache.*tiktoken's cache of cl100k_base \(.*\)$"):
        tf.Tokenizer.from_pretrained("gpt-4", local_files_only=True)


def test_harmony_s_special_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI's list has two names for one id; the one that means something is kept."""
    address = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    (tmp_path / hashlib.sha1(address.encode()).hexdigest()).write_bytes(vocabulary("o200k").read_bytes())
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for name in ("o200k_harmony", "gpt-oss-120b"):
        loaded = tf.Tokenizer.from_pretrained(name, local_files_only=True)
        assert loaded.vocab_size == 201_088
        assert loaded.decode([200_018]) == "<|endofprompt|>"
        ids = loaded.encode("<|start|>user<|message|>hi<|end|><|return|><|reserved_200018|>", allowed_special="all")
        assert ids[:6] == [200_006, 1428, 200_008, 3686, 200_007, 200_002]
        assert len(ids) > 7  # What only holds a place is plain text.
