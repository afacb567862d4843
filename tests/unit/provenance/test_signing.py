"""Signatures: what was changed by whoever lacks the key is found, though every checksum fits."""

import json
import shutil
from pathlib import Path

import pytest
from tests.unit.pipeline.runs import recipe, write_corpus

import tokenfoundry as tf
from tokenfoundry import provenance
from tokenfoundry.pipeline.recipe import load_recipe
from tokenfoundry.provenance import manifest


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return provenance.new_key(tmp_path_factory.mktemp("keys") / "run.key")


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, keys: tuple[Path, Path]) -> Path:
    path = tmp_path_factory.mktemp("signing")
    write_corpus(path)
    return tf.run(load_recipe(recipe(path, sign=str(keys[0])), base=path)).output


def test_a_signed_run(signed: Path, keys: tuple[Path, Path]) -> None:
    assert provenance.verify(signed, key=keys[1]).ok
    assert provenance.verify(signed).ok
    assert keys[0].stat().st_mode & 0o777 == 0o600
    with pytest.raises(tf.InputError, match="never overwritten"):
        provenance.new_key(keys[0])


def test_what_was_changed_together_with_its_checksums_is_found(
    signed: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(signed, tmp_path / "copy"))
    content = manifest.load(copy)
    content["name"] = "forged"
    manifest.save(
        copy, {name: value for name, value in content.items() if name not in ("digest", "format", "format_version")}
    )
    assert "another manifest" in provenance.verify(copy, key=keys[1]).problems[0]
    other = provenance.new_key(tmp_path / "other.key")
    provenance.sign(copy, other[0])
    assert provenance.verify(copy).ok, "signed, by whomever"
    assert "another key" in provenance.verify(copy, key=keys[1]).problems[0]
    (copy / "manifest.sig").unlink()
    assert "not signed" in provenance.verify(copy, key=keys[1]).problems[0]


def test_a_damaged_signature(signed: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(signed, tmp_path / "copy"))
    sound = (copy / "manifest.sig").read_bytes()
    for place in range(0, len(sound), 7):
        damaged = bytearray(sound)
        damaged[place] ^= 1
        (copy / "manifest.sig").write_bytes(damaged)
        assert not provenance.verify(copy, key=keys[1]).ok, place
    content = json.loads(sound)
    content["signature"] = content["signature"][:-4] + "AAA="
    (copy / "manifest.sig").write_text(json.dumps(content, indent=1) + "\n")
    assert not provenance.verify(copy).ok


def test_keys_that_are_none(signed: Path, tmp_path: Path, keys: tuple[Path, Path]) -> None:
    (tmp_path / "text").write_text("x")
    with pytest.raises(tf.InputError, match="no private key"):
        provenance.sign(signed, tmp_path / "text")
    with pytest.raises(tf.InputError, match="cannot be read"):
        provenance.sign(signed, tmp_path / "none")
    assert not provenance.verify(signed, key=tmp_path / "none").ok


def test_a_takedown_signs_anew_or_takes_the_signature_away(
    signed: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(signed, tmp_path / "copy"))
    assert not provenance.takedown(copy, source="tables", reason="r", key=keys[0]).unsigned
    assert provenance.verify(copy, key=keys[1]).ok
    assert provenance.takedown(copy, source="web", reason="r").unsigned
    assert provenance.verify(copy).ok
    assert not provenance.verify(copy, key=keys[1]).ok


def test_the_root_of_the_files(signed: Path) -> None:
    content = manifest.load(signed)
    assert content["files_root"] == manifest.root_of(content["files"]) == manifest.root_of(content["files"][::-1])
    changed = [dict(entry) for entry in content["files"]]
    changed[3]["sha256"] = "0" * 64
    assert manifest.root_of(changed) != content["files_root"]
    assert manifest.root_of([]) != manifest.root_of(content["files"][:1])
