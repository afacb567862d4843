"""`tokenfoundry.compat.tiktoken` against tiktoken itself: results, exceptions, messages, pickles, plug-ins."""

# ruff: noqa: B023
# (each lambda is called before its loop goes on)

import copy
import importlib
import json
import pickle
import random
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiktoken
import tiktoken.load
import tiktoken.model
import tiktoken_ext.openai_public as their_public
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agree.openai_files import fill_cache
from tests.corpus import SCRIPTS, documents, standard_library

import tokenfoundry as tf
import tokenfoundry.compat.tiktoken as ours
from tokenfoundry.compat.tiktoken import load as our_load
from tokenfoundry.compat.tiktoken import model as our_model
from tokenfoundry.compat.tiktoken import openai_public as our_public
from tokenfoundry.compat.tiktoken import registry as our_registry

SPECIALS = {"<|endoftext|>": 5000, "<|end|>": 5002, "<|fim|>": 5001, "plain": 5003, "x<|y": 5007}
PATTERNS = {
    "gpt2": their_public.r50k_pat_str,
    "cl100k": our_public._CL100K,
    "o200k": tf._core.bpe.named_pattern("o200k"),
    "own": r"\w+|\s",
}
TEXTS = [
    *SCRIPTS,
    "",
    "hello fanta",
    "a<|endoftext|>b<|end|>x<|y<|fim|>",
    "<|endoftext|>",
    "<|end|><|end",
    "plain text <|",
    "lone \ud800 surrogate \udfff",
    "\ud83d\udc4d pair",
    "x" * 3000,
    "  \n \n ",
    "\n\n",
    "end ",
]


@pytest.fixture(scope="module")
def ranks() -> dict[bytes, int]:
    trained = tf.Tokenizer.train(documents(), vocab_size=4000, special_tokens=[])
    return {trained.token_bytes(number): number for number in range(trained.vocab_size)}


@pytest.fixture(scope="module", params=list(PATTERNS))
def both(request: pytest.FixtureRequest, ranks: dict[bytes, int]) -> tuple[ours.Encoding, tiktoken.Encoding]:
    arguments: dict[str, Any] = {
        "pat_str": PATTERNS[request.param],
        "mergeable_ranks": ranks,
        "special_tokens": SPECIALS,
    }
    return ours.Encoding("x", **arguments), tiktoken.Encoding("x", **arguments)


def outcome(call: Callable[[], Any]) -> tuple[str, Any]:
    """What came back, or the exception's type and message."""
    try:
        result = call()
    except Exception as error:
        return type(error).__name__, str(error)
    if isinstance(result, np.ndarray):
        return "array", (result.dtype, result.tolist())
    return "value", result


def agree(both: tuple[Any, Any], call: Callable[[Any], Any]) -> None:
    mine, theirs = (outcome(lambda encoding=encoding: call(encoding)) for encoding in both)
    assert mine == theirs


def test_texts(both: tuple[ours.Encoding, tiktoken.Encoding]) -> None:
    for text in TEXTS + standard_library()[:2]:
        agree(both, lambda e: e.encode_ordinary(text))
        agree(both, lambda e: e.encode(text, disallowed_special=()))
        agree(both, lambda e: e.encode_to_numpy(text, disallowed_special=()))
        agree(both, lambda e: e.encode(text, allowed_special="all"))
        agree(both, lambda e: e.encode(text, allowed_special={"<|fim|>", "unknown"}, disallowed_special={"plain"}))
        agree(both, lambda e: e.encode(text, allowed_special={"<|fim|>"}, disallowed_special=["surrogate"]))
        agree(both, lambda e: e.encode_to_numpy(text, allowed_special="all"))
    agree(both, lambda e: e.encode_ordinary_batch(TEXTS))
    agree(both, lambda e: e.encode_batch(TEXTS, allowed_special="all"))
    agree(both, lambda e: e.encode_batch(TEXTS, disallowed_special=(), num_threads=1))
    agree(both, lambda e: e.encode_batch(iter(["a", "b"])))


def test_what_is_disallowed_is_named(both: tuple[ours.Encoding, tiktoken.Encoding]) -> None:
    for text in ("a <|endoftext|>", "plain", "x<|fim|>", "\ud800<|fim|>"):
        agree(both, lambda e: e.encode(text))
        agree(both, lambda e: e.encode_to_numpy(text))
        agree(both, lambda e: e.encode_batch(["fine", text]))
        agree(both, lambda e: e.encode_with_unstable(text))
        agree(both, lambda e: e.encode(text, allowed_special={"<|fim|>"}))
        agree(both, lambda e: e.encode(text, allowed_special=set(SPECIALS), disallowed_special={"<|fim|>"}))
    agree(both, lambda e: e.encode("fine", disallowed_special={"fine"}))
    agree(both, lambda e: e.encode("fine", allowed_special=["<|fim|>"]))


@given(
    st.lists(st.sampled_from(["<|", "|>", "end", "oftext", "fim", "plain", "x", "y", " ", "é"]), max_size=12).map(
        "".join
    )
)
@settings(max_examples=200, deadline=None)
def test_special_tokens_in_odd_places(both: tuple[ours.Encoding, tiktoken.Encoding], text: str) -> None:
    for allowed in ({"x<|y"}, {"<|endoftext|>", "plain"}, {"<|fim|>"}):
        agree(both, lambda e: e.encode(text, allowed_special=allowed, disallowed_special=()))


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text(both: tuple[ours.Encoding, tiktoken.Encoding], text: str) -> None:
    agree(both, lambda e: e.encode(text))
    agree(both, lambda e: e._encode_single_piece(text) if text else [])


@given(st.lists(st.integers(0, 4000) | st.sampled_from([*SPECIALS.values()]), max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_tokens(both: tuple[ours.Encoding, tiktoken.Encoding], tokens: list[int]) -> None:
    agree(both, lambda e: e.decode(tokens))
    agree(both, lambda e: e.decode(tokens, errors="strict"))
    agree(both, lambda e: e.decode(tokens, "ignore"))
    agree(both, lambda e: e.decode_bytes(tuple(tokens)))
    agree(both, lambda e: e.decode_tokens_bytes(tokens))
    agree(both, lambda e: e.decode_with_offsets(tokens))
    agree(both, lambda e: e.decode_batch([tokens, tokens[:3]], errors="ignore"))
    agree(both, lambda e: e.decode_bytes_batch([tokens, tokens[:3]]))
    agree(both, lambda e: e.decode(np.array(tokens, np.int64)))


@given(st.binary(max_size=30) | st.text(max_size=10).map(lambda text: text.encode() + b"\xe4\xb8"))
@settings(max_examples=150, deadline=None)
def test_any_bytes(both: tuple[ours.Encoding, tiktoken.Encoding], data: bytes) -> None:
    agree(both, lambda e: e._encode_bytes(data))
    agree(both, lambda e: e.encode_single_token(data))
    if data:
        agree(both, lambda e: e._encode_single_piece(data))


def unstable(encoding: Any, text: str, **options: Any) -> tuple[list[int], list[list[int]]]:
    stable, completions = encoding.encode_with_unstable(text, **options)
    return stable, sorted(completions)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=12) | st.text(alphabet="a \n\t!é中", max_size=8))
@settings(max_examples=60, deadline=None)
def test_unfinished_text(both: tuple[ours.Encoding, tiktoken.Encoding], text: str) -> None:
    agree(both, lambda e: unstable(e, text))


def test_unfinished_texts(both: tuple[ours.Encoding, tiktoken.Encoding]) -> None:
    for text in ("hello fanta", "x <|end|>", "x <|end|> def", "\n\n", "a\n \n", "  !", "中", "\ud800", "return sel"):
        agree(both, lambda e: unstable(e, text, allowed_special="all"))
        agree(both, lambda e: unstable(e, text, disallowed_special=()))


def test_refusals(both: tuple[ours.Encoding, tiktoken.Encoding]) -> None:
    for call in (
        lambda e: e.decode([99999]),
        lambda e: e.decode([1, 4999, 99999]),
        lambda e: e.decode([-1]),
        lambda e: e.decode([1 << 40]),
        lambda e: e.decode_bytes([4999]),
        lambda e: e.decode_single_token_bytes(4999),
        lambda e: e.decode_single_token_bytes(-1),
        lambda e: e.decode_single_token_bytes(65.0),
        lambda e: e.decode_tokens_bytes([65, 4999]),
        lambda e: e.decode(["a"]),
        lambda e: e.decode([65.0]),
        lambda e: e.encode_single_token("no such token"),
        lambda e: e.encode_single_token(b"\xff\xff\xff"),
        lambda e: e.encode_single_token(3),
        lambda e: e.encode_ordinary(b"bytes"),
        lambda e: e.encode_ordinary(3),
        lambda e: e.encode_to_numpy("\ud800"),
        lambda e: e.encode_batch(["x"], num_threads=0),
        lambda e: e.decode_batch([[1]], num_threads=0),
        lambda e: e.decode([255], errors="bogus"),
        lambda e: e.is_special_token("x"),
        lambda e: e.encode("x", allowed_special=["x"]),
    ):
        agree(both, call)


#: Calls of odd types and values, found by driving both with random arguments.
ODD = [
    "e.encode('x', allowed_special=['<|fim|>'], disallowed_special=())",
    "e.encode('x', allowed_special={'<|fim|>': 1}, disallowed_special=())",
    "e.encode('x', allowed_special=None, disallowed_special=())",
    "e.encode('x', allowed_special={1}, disallowed_special=())",
    "e.encode('x', disallowed_special=None)",
    "e.encode('x', disallowed_special=5)",
    "e.encode('abc', disallowed_special='b')",
    "e.encode(b'x')",
    "e.encode(None)",
    "e.encode(3.5, disallowed_special=())",
    "e.encode(np.array(['a']))",
    "e.encode(np.str_('plain'))",
    "e.encode_to_numpy('\\ud800', allowed_special=[], disallowed_special=())",
    "e.encode_with_unstable('\\ud800', allowed_special=[], disallowed_special=())",
    "e.encode_batch(['x'], allowed_special={1})",
    "e.encode_batch(['x'], allowed_special=(), disallowed_special=())",
    "e.encode_batch(['x', b'y'])",
    "e.encode_batch(['x', 3], num_threads=0)",
    "e.encode_batch(5, num_threads='a')",
    "e.encode_batch(['x', '\\udfff'], num_threads=None)",
    "e.encode_batch(['x'], num_threads=1.5)",
    "e.encode_batch(np.array(['a', 'bc']))",
    "e.encode_batch('ab')",
    "e.encode_ordinary_batch(['x', None])",
    "e.decode(iter([65]))",
    "e.decode({65})",
    "e.decode({65: 1})",
    "e.decode('ab')",
    "e.decode(b'ab')",
    "e.decode(memoryview(b'ab'))",
    "e.decode(range(65, 70))",
    "e.decode(65)",
    "e.decode(None)",
    "e.decode([2**70])",
    "e.decode([-(2**70)])",
    "e.decode([True, np.int64(5)])",
    "e.decode(np.array([True]))",
    "e.decode(np.array([1.5]))",
    "e.decode(np.array([[65, 66]]))",
    "e.decode(np.array(65))",
    "e.decode(np.array([65, 66, 67])[::2])",
    "e.decode([65], errors=None)",
    "e.decode_batch([[65], iter([66])])",
    "e.decode_batch([[65], {66}, [99999]])",
    "e.decode_batch([[65]], num_threads=None)",
    "e.decode_bytes_batch(5, num_threads=0)",
    "e.decode_bytes_batch(None)",
    "e.decode_with_offsets([2**64])",
    "e.encode_single_token(bytearray(b'a'))",
    "e._encode_single_piece(None)",
    "e._encode_bytes('a')",
    "e._encode_only_native_bpe('a\\ud800')",
    "e._encode_only_native_bpe('plain text')",
]


@pytest.mark.parametrize("call", ODD)
def test_odd_arguments(both: tuple[ours.Encoding, tiktoken.Encoding], call: str) -> None:
    agree(both, lambda e: eval(call, {"e": e, "np": np}))


def test_no_special_tokens(ranks: dict[bytes, int]) -> None:
    arguments: dict[str, Any] = {"pat_str": PATTERNS["gpt2"], "mergeable_ranks": ranks, "special_tokens": {}}
    both = ours.Encoding("x", **arguments), tiktoken.Encoding("x", **arguments)
    for text in TEXTS:
        agree(both, lambda e: e.encode(text))
        agree(both, lambda e: e.encode(text, allowed_special="all"))
        agree(both, lambda e: e.encode_batch([text]))
    agree(both, lambda e: e.eot_token)


def test_attributes(both: tuple[ours.Encoding, tiktoken.Encoding]) -> None:
    for name in (
        "name", "max_token_value", "n_vocab", "eot_token", "special_tokens_set", "_pat_str", "_mergeable_ranks",
        "_special_tokens", "_special_token_values",
    ):  # fmt: skip
        agree(both, lambda e: getattr(e, name))
    agree(both, lambda e: repr(e))
    agree(both, lambda e: e.token_byte_values())
    agree(both, lambda e: [e.is_special_token(number) for number in range(4990, 5010)])
    for name in dir(both[1]):
        assert name.startswith("__") or hasattr(both[0], name), name
    for name in dir(both[1]._core_bpe):
        assert name.startswith("__") or hasattr(both[0]._core_bpe, name), name


def test_extending_an_encoding(both: tuple[ours.Encoding, tiktoken.Encoding]) -> None:
    def extended(encoding: Any) -> Any:
        return type(encoding)(
            name="more",
            pat_str=encoding._pat_str,
            mergeable_ranks=encoding._mergeable_ranks,
            special_tokens={**encoding._special_tokens, "<|im_start|>": 6000, "<|same|>": 6000},
        )

    agree(both, lambda e: extended(e).encode("<|im_start|>a<|same|>", allowed_special="all"))
    agree(both, lambda e: extended(e).encode_batch(["<|same|>"], allowed_special={"<|same|>"}))
    agree(both, lambda e: extended(e).encode_to_numpy("<|same|>", allowed_special="all"))
    agree(both, lambda e: extended(e).decode([6000]))
    agree(both, lambda e: extended(e).decode([6001]))
    agree(both, lambda e: extended(e).max_token_value)


def test_explicit_sizes(ranks: dict[bytes, int]) -> None:
    for count in (4001, 4002, 3999):
        made = [
            outcome(
                lambda module=module: (
                    module.Encoding(
                        "x",
                        pat_str=r"\w",
                        mergeable_ranks=ranks,
                        special_tokens={"<|e|>": 4000},
                        explicit_n_vocab=count,
                    ).n_vocab
                )
            )[0]
            for module in (ours, tiktoken)
        ]
        assert made[0] == made[1]


def test_pickles_and_copies(both: tuple[ours.Encoding, tiktoken.Encoding]) -> None:
    mine = both[0]
    for other in (pickle.loads(pickle.dumps(mine)), copy.copy(mine), copy.deepcopy(mine)):
        assert other.name == "x"
        assert other.encode("a <|fim|>", allowed_special="all") == mine.encode("a <|fim|>", allowed_special="all")


@pytest.fixture
def fake_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI's files, all of them one small vocabulary."""
    small = {bytes([byte]): byte for byte in range(256)}
    for module in (their_public, our_public):
        monkeypatch.setattr(module, "load_tiktoken_bpe", lambda path, expected_hash: {**small, b"le": 256})
        monkeypatch.setattr(module, "data_gym_to_mergeable_bpe_ranks", lambda **files: {**files, **small})


@pytest.mark.usefixtures("fake_files")
def test_openai_s_encodings_are_described_alike() -> None:
    assert our_public.ENCODING_CONSTRUCTORS.keys() == their_public.ENCODING_CONSTRUCTORS.keys()
    for name, constructor in their_public.ENCODING_CONSTRUCTORS.items():
        theirs, mine = constructor(), our_public.ENCODING_CONSTRUCTORS[name]()
        assert mine == theirs
    for name in ("ENDOFTEXT", "FIM_PREFIX", "FIM_MIDDLE", "FIM_SUFFIX", "ENDOFPROMPT", "r50k_pat_str"):
        assert getattr(our_public, name) == getattr(their_public, name)


def test_addresses_and_hashes_of_files_are_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, list[Any]] = {"ours": [], "theirs": []}
    for key, module in (("ours", our_load), ("theirs", tiktoken.load)):

        def record(path: str, expected_hash: str | None = None, key: str = key) -> bytes:
            asked[key].append((path, expected_hash))
            raise LookupError

        monkeypatch.setattr(module, "read_file_cached", record)
    for name, constructor in their_public.ENCODING_CONSTRUCTORS.items():
        for make in (constructor, our_public.ENCODING_CONSTRUCTORS[name]):
            with pytest.raises(LookupError):
                make()
    assert asked["ours"] == asked["theirs"]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A plug-in of our own in the namespace, and registries that know nothing yet."""
    folder = tmp_path / "tiktoken_ext"
    folder.mkdir()
    (folder / "tokenfoundry_test_plugin.py").write_text(
        "def made():\n"
        "    return dict(name='made', pat_str='.', mergeable_ranks={bytes([b]): b for b in range(256)},"
        " special_tokens={})\n"
        "ENCODING_CONSTRUCTORS = {'made': made}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for module in (our_registry, tiktoken.registry):
        monkeypatch.setattr(module, "ENCODING_CONSTRUCTORS", None)
        monkeypatch.setattr(module, "ENCODINGS", {})
        module._available_plugin_modules.cache_clear()
    yield folder
    sys.modules.pop("tiktoken_ext.tokenfoundry_test_plugin", None)
    for module in (our_registry, tiktoken.registry):
        module._available_plugin_modules.cache_clear()


def test_plugins(registry: Path) -> None:
    assert sorted(ours.list_encoding_names()) == sorted(tiktoken.list_encoding_names())
    mine = ours.get_encoding("made")
    assert mine.encode("hé") == tiktoken.get_encoding("made").encode("hé")
    assert ours.get_encoding("made") is mine
    assert pickle.loads(pickle.dumps(mine)).__dict__ is mine.__dict__
    for name in ("nonesuch", 3):
        kinds = [outcome(lambda module=module: module.get_encoding(name)) for module in (ours, tiktoken)]
        assert kinds[0][0] == kinds[1][0] == "ValueError"
        assert kinds[0][1].split("\n")[0] == kinds[1][1].split("\n")[0]
        assert kinds[0][1].split("\n")[-1] == kinds[1][1].split("\n")[-1]


@pytest.mark.parametrize("body", ["", "ENCODING_CONSTRUCTORS = {'gpt2': None}"])
def test_bad_plugins(registry: Path, body: str) -> None:
    (registry / "tokenfoundry_test_plugin.py").write_text(body)
    importlib.invalidate_caches()
    for _ in range(2):
        kinds = [outcome(module.list_encoding_names) for module in (ours, tiktoken)]
        assert kinds[0][0] == kinds[1][0] == "ValueError"
        assert "plugin" in kinds[0][1]
        assert kinds[0][1].split(" in tiktoken")[0] == kinds[1][1].split(" in tiktoken")[0]


def test_models(monkeypatch: pytest.MonkeyPatch) -> None:
    assert our_model.MODEL_TO_ENCODING == tiktoken.model.MODEL_TO_ENCODING
    assert list(our_model.MODEL_PREFIX_TO_ENCODING.items()) == list(tiktoken.model.MODEL_PREFIX_TO_ENCODING.items())
    models = [
        *our_model.MODEL_TO_ENCODING,
        *(prefix + "x" for prefix in our_model.MODEL_PREFIX_TO_ENCODING),
        "nonesuch",
    ]
    for name in models:
        assert outcome(lambda name=name: ours.encoding_name_for_model(name)) == outcome(
            lambda name=name: tiktoken.encoding_name_for_model(name)
        )
    monkeypatch.setattr(our_model, "get_encoding", lambda name: name)
    assert ours.encoding_for_model("gpt-4o") == "o200k_base"
    for name in ("Encoding", "encoding_for_model", "encoding_name_for_model", "get_encoding", "list_encoding_names"):
        assert hasattr(ours, name)
    assert ours.__version__ == tiktoken.__version__


def test_rank_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ranks: dict[bytes, int]) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "cache"))
    path = str(tmp_path / "ranks")
    our_load.dump_tiktoken_bpe(ranks, path)
    assert our_load.load_tiktoken_bpe(path) == tiktoken.load.load_tiktoken_bpe(path) == ranks
    assert len(list((tmp_path / "cache").iterdir())) == 1
    good = our_load.hashlib.sha256(Path(path).read_bytes()).hexdigest()
    # A cached file with another hash is fetched anew.
    next((tmp_path / "cache").iterdir()).write_bytes(b"damaged")
    assert our_load.load_tiktoken_bpe(path, good) == ranks
    Path(path).write_bytes(b"IQ== 0\nIg== one\n")
    for expected in (None, "0" * 64):
        monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "" if expected is None else str(tmp_path / "other"))
        got = [
            outcome(lambda module=module, expected=expected: module.load_tiktoken_bpe(path, expected))
            for module in (our_load, tiktoken.load)
        ]
        assert got[0] == got[1]
        assert got[0][0] == "ValueError"


def test_gpt2_s_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    order = [byte for byte in range(256) if chr(byte).isprintable() and byte != 32]
    order += [byte for byte in range(256) if byte not in order]
    shown = [chr(byte) if place < 188 else chr(256 + place - 188) for place, byte in enumerate(order)]
    tokens = [*shown, "he", "Ġhe", "Ġhelp"]
    (tmp_path / "vocab.bpe").write_text("#version: 0.2\nh e\nĠ he\nĠhe lp\n", encoding="utf-8")
    for ids in (list(range(len(tokens))), [*range(255), 0, *range(256, 259)]):
        encoder = dict(zip(tokens, ids, strict=True)) | {"<|endoftext|>": 999}
        (tmp_path / "encoder.json").write_text(json.dumps(encoder))
        for clobber in (False, True):
            got = [
                outcome(
                    lambda module=module, clobber=clobber: module.data_gym_to_mergeable_bpe_ranks(
                        str(tmp_path / "vocab.bpe"), str(tmp_path / "encoder.json"), clobber_one_byte_tokens=clobber
                    )
                )
                for module in (our_load, tiktoken.load)
            ]
            assert got[0][0] == got[1][0]
            if got[0][0] == "value":
                assert got[0] == got[1]


@pytest.fixture(scope="session")
def openai_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiktoken") / "cache"
    fill_cache(folder)
    return folder


@pytest.mark.parametrize("name", ["gpt2", "r50k_base", "p50k_edit", "cl100k_base", "o200k_base", "o200k_harmony"])
def test_real_vocabularies(name: str, openai_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(openai_cache))
    pair = ours.get_encoding(name), tiktoken.get_encoding(name)
    sample = random.Random(1).sample(range(50_000), 300)
    for text in TEXTS + standard_library()[:5]:
        agree(pair, lambda e: e.encode(text, disallowed_special=()))
        agree(pair, lambda e: e.encode(text, allowed_special="all"))
        agree(pair, lambda e: e.decode(sample))
    agree(pair, lambda e: unstable(e, "hello fanta"))
    agree(pair, lambda e: e.token_byte_values())


@pytest.mark.long
def test_tiktoken_s_own_suite(tmp_path: Path, openai_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tests, out of its source distribution, with only the import changed."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(openai_cache))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.check_call([*command, "--dest", str(tmp_path), f"tiktoken=={tiktoken.__version__}"])
    with tarfile.open(next(tmp_path.glob("tiktoken-*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    suite = next(tmp_path.glob("tiktoken-*/tests"))
    for file in suite.glob("*.py"):
        text = file.read_text()
        file.write_text(text.replace("import tiktoken\n", "import tokenfoundry.compat.tiktoken as tiktoken\n"))
    subprocess.check_call(
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider", str(suite)]
    )


WRONG = [
    "e.encode(b'x')", "e.encode(None)", "e.encode(3)", "e.encode_ordinary(b'x')", "e.encode_ordinary(None)",
    "e.encode('x', allowed_special=None)", "e.encode('x', disallowed_special=None)", "e.encode_batch('ab')",
    "e.encode_batch([b'a'])", "e.encode_batch(None)", "e.encode_ordinary_batch([1])", "e.encode_ordinary_batch(None)",
    "e.encode_ordinary_batch(['a'], num_threads=0)", "e.encode_to_numpy('\\ud800')", "e.encode_single_token('nonesuch ')",
    "e.encode_single_token('\\ud800')", "e.encode_single_token(3)", "e.decode([10**6])", "e.decode([-1])",
    "e.decode([2**32])", "e.decode(['a'])", "e.decode(3)", "e.decode(None)", "e.decode([1.0])",
    "e.decode([255], errors='strict')", "e.decode([255], errors='nonesuch')", "e.decode_bytes([10**6])",
    "e.decode_single_token_bytes(-1)", "e.decode_single_token_bytes('a')", "e.decode_tokens_bytes([10**6])",
    "e.decode_batch([[1]], num_threads=0)", "e.decode_batch(3)", "e.is_special_token('a')",
    "e.encode_with_unstable('\\ud800')", "e.encode('a', unknown=1)",
]  # fmt: skip


@pytest.mark.parametrize("call", WRONG)
def test_wrong_arguments(call: str, both: tuple[Any, Any]) -> None:
    found = []
    for encoding in both:
        try:
            found.append(eval(call, {"e": encoding}))
        except Exception as error:
            found.append(
                (type(error).__name__, str(error).replace("tokenfoundry.compat.tiktoken.core.", "tiktoken.core."))
            )
    assert found[0] == found[1]
