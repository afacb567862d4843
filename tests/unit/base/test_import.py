"""What importing costs and says."""

import importlib
import subprocess
import sys

import pytest

import tokenfoundry as tf
from tokenfoundry._core import runtime


def test_an_unoptimised_extension_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runtime.OPTIMIZED, "the tests must run on a release build"
    monkeypatch.setattr(runtime, "OPTIMIZED", False)
    with pytest.warns(RuntimeWarning, match="built without optimisation"):
        importlib.reload(tf)


def test_importing_brings_in_no_extra() -> None:
    """The base install has numpy and pyarrow only."""
    extras = "pydantic yaml orjson zstandard typer rich py3langid jinja2 huggingface_hub tokenizers tiktoken"
    code = (
        "import sys; import tokenfoundry as tf; tf.Tokenizer, tf.dedup, tf.pack, tf.shard, tf.Loader, tf.text.normalize;"
        f"print([name for name in {extras.split()!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    for name in tf.__all__:
        assert getattr(tf, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        tf.nonsense  # noqa: B018
