"""Tokenizers from folders as the Hub has them: the file, its configuration, its chat template."""

import json
from pathlib import Path

import pytest

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
