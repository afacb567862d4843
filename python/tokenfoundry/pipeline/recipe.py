"""Recipes: what a run reads, does and writes, checked completely before any work begins.

A recipe is YAML (`new_recipe_text` is a commented example, `recipe_schema` its JSON schema) or the same as a dict.
Whatever is wrong with it is one `RecipeError` whose message begins with the path of the key.
"""

import codecs
import difflib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tokenfoundry.errors import RecipeError
from tokenfoundry.io import find_files
from tokenfoundry.io.remote import is_remote
from tokenfoundry.pipeline.settings import Costs, Gate, Licences, MemoryBytes
from tokenfoundry.pipeline.text_files import WITH_FILES, check_stage_files
from tokenfoundry.pipeline.text_options import (
    CleanStage,
    DecontaminateStage,
    ExtractStage,
    FilterStage,
    LabelStage,
    RedactStage,
    TextOptions,
)

__all__ = [
    "CleanStage",
    "DecontaminateStage",
    "DedupStage",
    "ExtractStage",
    "FilterStage",
    "Input",
    "LabelStage",
    "PackStage",
    "Recipe",
    "RedactStage",
    "ShardStage",
    "TokenizeStage",
    "TrainTokenizer",
    "load_recipe",
    "new_recipe_text",
    "recipe_schema",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Input(_Strict):
    """Files of one source."""

    path: str = Field(
        min_length=1, description="A file, a folder (read recursively) or a glob; relative to the recipe's folder."
    )
    format: Literal["auto", "jsonl", "parquet", "text", "html", "warc"] = Field(
        "auto", description="auto: by the file's name."
    )
    source: str = Field("default", min_length=1, description="Name of this source, kept for every document.")
    licence: str | None = Field(None, description="Licence of all its documents.")
    text_field: str = Field("text", description="Field or column that holds the text.")
    id_field: str | None = Field(None, description="Field or column that holds the document's own id.")
    licence_field: str | None = Field(None, description="Field or column that holds the document's licence.")
    encoding: str = Field("utf-8", description="Of text files. auto: byte order mark, or a coding comment, else UTF-8.")
    max_document_bytes: int = Field(32 << 20, ge=1, le=1 << 30, description="Longer documents are rejected.")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        if value != "auto":
            try:
                codecs.lookup(value)
            except LookupError:
                raise ValueError(f"{value!r} is no encoding that Python knows; use utf-8, latin-1, … or auto") from None
        return value


class DedupStage(_Strict):
    """Drop identical documents and near-duplicates."""

    exact: bool = True
    near: bool = Field(True, description="Also near-duplicates.")
    threshold: Annotated[
        float, Field(strict=False, ge=0.05, le=1.0, description="Jaccard similarity of word n-grams.")
    ] = 0.8
    ngram: int = Field(5, ge=1, le=64)
    keep: Literal["first", "longest"] = "first"


class TrainTokenizer(_Strict):
    """Learn a BPE vocabulary from the documents that are left."""

    vocab_size: int = Field(32_000, ge=257, le=1 << 24)
    pattern: str = Field(
        "cl100k", min_length=1, description="gpt2, cl100k, o200k, qwen2, llama3 … or a regular expression."
    )
    special_tokens: list[str] = Field(["<|endoftext|>"])
    min_frequency: int = Field(2, ge=1)
    sample_bytes: int = Field(100_000_000, ge=1, description="Train on about this much of the text.")


class _Train(_Strict):
    train: TrainTokenizer


class TokenizeStage(_Strict):
    """Text to tokens, and a token at the end of each document."""

    tokenizer: str | _Train = Field(description="Path of a tokenizer.json, or {train: {…}}.")
    end_of_text: str | None = Field("<|endoftext|>", description="Special token at each document's end; null for none.")


class PackStage(_Strict):
    """Documents to rows of one length."""

    sequence_length: int = Field(2048, ge=2, le=1 << 24)
    strategy: Literal["best_fit", "first_fit_decreasing", "concat"] = "best_fit"
    long: Literal["split", "truncate", "drop"] = "split"


class ShardStage(_Strict):
    """Rows to files."""

    format: Literal["megatron"] = "megatron"
    rows_per_shard: int = Field(65_536, ge=1)


# A stage may follow one with a smaller or equal number.
_STAGES: dict[str, tuple[type[BaseModel], int]] = {
    "extract": (ExtractStage, 0),
    "clean": (CleanStage, 0),
    "label": (LabelStage, 0),
    "filter": (FilterStage, 0),
    "redact": (RedactStage, 0),
    "decontaminate": (DecontaminateStage, 0),
    "dedup": (DedupStage, 0),
    "tokenize": (TokenizeStage, 1),
    "pack": (PackStage, 2),
    "shard": (ShardStage, 3),
}
_ONCE = frozenset({"dedup", "tokenize", "pack", "shard"})
_NEEDED = ("tokenize", "pack", "shard")

# Where and how a run is done, not what it makes.
_NOT_RESULT = frozenset({"output", "threads", "cache", "work", "executor", "memory", "costs", "sign", "history"})

Stage = TextOptions | DedupStage | TokenizeStage | PackStage | ShardStage


class Recipe(_Strict):
    """A run: what it reads, what it does in which order, where it writes."""

    name: str = Field(min_length=1, description="Shown in reports.")
    output: str = Field(min_length=1, description="Folder for the result; relative to the recipe's folder.")
    seed: int = Field(
        0, ge=0, lt=1 << 63, description="For whatever is drawn: the tokenizer's sample, ties in packing."
    )
    threads: int | None = Field(None, ge=1, description="Default: all. Never changes the result.")
    on_error: Literal["reject", "stop"] = Field("reject", description="What a record that cannot be read does.")
    licences: Licences | None = Field(None, description="Which licences are allowed; null: all, and none.")
    takedowns: str | None = Field(
        None, description="A takedowns.jsonl of an earlier run, or your own: what it names is left out, for ever."
    )
    gates: list[Gate] = Field([], description="Limits on metrics; see docs/operations.md.")
    history: str | None = Field(
        None, description="JSON Lines of earlier runs' metrics, appended to; default: runs.jsonl in the cache."
    )
    cache: str | None = Field(None, description="Folder of finished units that runs and teams share.")
    work: str | None = Field(None, description="Where a run with a remote output works; default beside the recipe.")
    executor: Literal["local", "ray"] = Field("local", description="Never changes the result.")
    memory: MemoryBytes | None = Field(None, description="Budget such as 4GiB. Never changes the result.")
    costs: Costs = Costs()
    sign: str | None = Field(None, description="Ed25519 private key (PEM) to sign the manifest with.")
    input: list[Input] = Field(min_length=1)
    stages: list[Any] = Field(min_length=1, description="In order; each {name: {options}}.")
    base: Path = Field(default=Path(), exclude=True, repr=False)

    @model_validator(mode="after")
    def _unique_inputs(self) -> "Recipe":
        seen = set()
        for entry in self.input:
            key = (entry.source, entry.path)
            if key in seen:
                raise ValueError(f"input has {entry.path!r} of source {entry.source!r} twice")
            seen.add(key)
        return self

    @property
    def output_path(self) -> Path:
        """Where the result is made: the output, or what stands for a remote one on this machine."""
        if not is_remote(self.output):
            return self.base / self.output
        if self.work is not None:
            return self.base / self.work
        return self.base / f".tokenfoundry-{hashlib.sha256(self.output.encode()).hexdigest()[:12]}"

    @property
    def remote_output(self) -> str | None:
        """The output's uri, if it is on an object store."""
        return self.output.rstrip("/") if is_remote(self.output) else None

    def exclusion_facts(self) -> list[Any]:
        """Content of the list of takedowns, for keys."""
        if self.takedowns is None:
            return [None]
        return [hashlib.sha256((self.base / self.takedowns).read_bytes()).hexdigest()]

    def stage_list(self) -> list[tuple[str, Stage]]:
        """Stages by name, in order."""
        return [next(iter(stage.items())) for stage in self.stages]

    def stage_names(self) -> list[str]:
        """A name for each stage, in order: that of its kind; of a second one of a kind, with its number."""
        kinds = [name for name, _ in self.stage_list()]
        numbers = [kinds[:index].count(kind) + 1 for index, kind in enumerate(kinds)]
        return [kind if number == 1 else f"{kind}_{number}" for kind, number in zip(kinds, numbers, strict=True)]

    def text_stages(self, *, late: bool) -> list[tuple[str, str, TextOptions]]:
        """Name, kind and options of the stages that look at texts: before dedup, or (``late``) after it."""
        kinds = [name for name, _ in self.stage_list()]
        barrier = kinds.index("dedup") if "dedup" in kinds else len(kinds)
        return [
            (name, kind, options)
            for index, (name, (kind, options)) in enumerate(zip(self.stage_names(), self.stage_list(), strict=True))
            if isinstance(options, TextOptions) and (index > barrier) == late
        ]

    def stage(self, name: str) -> Any:
        """Options of the only stage of this name; None if there is none."""
        return next((options for stage, options in self.stage_list() if stage == name), None)

    def result_dict(self) -> dict[str, Any]:
        """What decides the result, as plain data; what manifests and recipe.yaml hold."""
        return {name: value for name, value in self.to_dict().items() if name not in _NOT_RESULT}

    def to_dict(self) -> dict[str, Any]:
        """Plain data, every default written out; what `load_recipe` takes."""
        plain = self.model_dump(mode="json", exclude={"stages", "base"})
        plain["stages"] = [{name: options.model_dump(mode="json")} for name, options in self.stage_list()]
        return plain

    @property
    def digest(self) -> str:
        """sha256 of everything that decides the result: not the output folder, not the threads."""
        return hashlib.sha256(json.dumps(self.result_dict(), sort_keys=True).encode()).hexdigest()


def load_recipe(recipe: "str | os.PathLike[str] | Mapping[str, Any] | Recipe", *, base: Path | None = None) -> Recipe:
    """Read and check a recipe: a YAML file's path, a mapping, or one that is already checked.

    Relative paths in it are relative to the file's folder; for a mapping to ``base`` (default: the working directory).
    Raises RecipeError: the message begins with the key's path and says what is allowed there.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, Mapping):
        content: Any = dict(recipe)
        folder = base or Path.cwd()
        where = "recipe"
    else:
        path = Path(recipe)
        where = os.fspath(recipe)
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RecipeError(f"{where}: there is no such file; `tokenfoundry recipe new {where}` writes one") from None
        except OSError as error:
            raise RecipeError(f"{where}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise RecipeError(f"{where}: is not UTF-8") from None
        except yaml.YAMLError as error:
            raise RecipeError(f"{where}: is not YAML: {' '.join(str(error).split())}") from None
        folder = base or path.resolve().parent
    if not isinstance(content, dict):
        raise RecipeError(f"{where}: must be a mapping with the keys {', '.join(_keys(Recipe))}")
    stages = _check_stages(content.get("stages"))
    try:
        checked = Recipe.model_validate({**content, "stages": stages, "base": folder})
    except ValidationError as error:
        raise RecipeError(_first_problem(error, Recipe)) from None
    _check_order(checked)
    _check_files(checked)
    return checked


def _keys(model: type[BaseModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if not field.exclude]


def _suggest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return (f"did you mean {close[0]!r}? " if close else "") + f"Allowed: {', '.join(known)}"


def _check_stages(stages: Any) -> list[dict[str, Any]]:
    if stages is None:
        return []
    if not isinstance(stages, list):
        raise RecipeError(f"stages: must be a list of {{name: {{options}}}}, not {type(stages).__name__}")
    checked = []
    for index, entry in enumerate(stages):
        if isinstance(entry, str):
            entry = {entry: {}}
        if not isinstance(entry, dict) or len(entry) != 1:
            raise RecipeError(f"stages[{index}]: must be one {{name: {{options}}}}. Names: {', '.join(_STAGES)}")
        name, options = next(iter(entry.items()))
        if name not in _STAGES:
            raise RecipeError(f"stages[{index}]: {name!r} is no stage; {_suggest(str(name), list(_STAGES))}")
        model = _STAGES[name][0]
        if isinstance(options, model):
            checked.append({name: options})
            continue
        try:
            checked.append({name: model.model_validate(options or {})})
        except ValidationError as error:
            raise RecipeError(_first_problem(error, model, f"stages[{index}].{name}")) from None
    return checked


def _model_at(model: type[BaseModel], path: list[str | int]) -> type[BaseModel] | None:
    """The model that the keys at ``path`` belong to, for suggestions."""
    models: dict[str, type[BaseModel]] = {
        "input": Input, "train": TrainTokenizer, "tokenizer": _Train, "gates": Gate, "licences": Licences, "costs": Costs,
    }  # fmt: skip
    current: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, str) and step in models:
            current = models[step]
    return current


def _first_problem(error: ValidationError, model: type[BaseModel], prefix: str = "") -> str:
    # A union reports a problem for each of its branches; the deepest path is the branch that was meant.
    problem = max(
        error.errors(include_url=False), key=lambda problem: (problem["type"] == "extra_forbidden", len(problem["loc"]))
    )
    steps = [step for step in problem["loc"] if step not in ("_Train", "str", "list[str]")]
    path = prefix
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f"{'.' if path else ''}{step}"
    kind = problem["type"]
    if kind == "extra_forbidden":
        owner = _model_at(model, list(steps[:-1])) or model
        return f"{path}: unknown key; {_suggest(str(steps[-1]), _keys(owner))}"
    if kind == "missing":
        return f"{path}: is missing"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    given = problem.get("input")
    shown = f" (it is {given!r})" if isinstance(given, (str, int, float, bool)) and kind != "value_error" else ""
    return f"{path or 'recipe'}: {message[0].lower()}{message[1:]}{shown}"


def _check_order(recipe: Recipe) -> None:
    names = [name for name, _ in recipe.stage_list()]
    for index, name in enumerate(names):
        if name in names[:index] and name in _ONCE:
            raise RecipeError(f"stages[{index}]: a second {name}; only stages that look at texts may be there twice")
        later = [other for other in names[:index] if _STAGES[other][1] > _STAGES[name][1]]
        if later:
            raise RecipeError(
                f"stages[{index}]: {name} cannot come after {later[0]}; the order is "
                "extract, clean, label, filter, redact, decontaminate and dedup as you like, then tokenize, pack, shard"
            )
    for name in _NEEDED:
        if name not in names:
            raise RecipeError(f"stages: has no {name}; a run ends with tokenize, pack, shard")


def _check_files(recipe: Recipe) -> None:
    sources = [entry.source for entry in recipe.input]
    named = [(f"gates[{index}].sources", gate.sources or []) for index, gate in enumerate(recipe.gates)]
    if recipe.licences is not None:
        named.append(("licences.sources", list(recipe.licences.sources)))
    for place, names in named:
        for source in names:
            if source not in sources:
                raise RecipeError(f"{place}: {source!r} is no input's source; {_suggest(source, sources)}")
    for place in ("takedowns", "sign"):
        path = getattr(recipe, place)
        if path is not None and not (recipe.base / path).is_file():
            raise RecipeError(f"{place}: {path!r} is no file under {recipe.base}")
    for index, (name, options) in enumerate(recipe.stage_list()):
        for source in (options.sources or []) if isinstance(options, TextOptions) else []:
            if source not in sources:
                raise RecipeError(
                    f"stages[{index}].{name}.sources: {source!r} is no input's source; {_suggest(source, sources)}"
                )
        if name in WITH_FILES:
            check_stage_files(options, recipe.base, f"stages[{index}].{name}")
    for index, entry in enumerate(recipe.input):
        if not find_files(entry.path, recipe.base):
            raise RecipeError(f"input[{index}].path: {entry.path!r} matches no file under {recipe.base}")
    tokenize = recipe.stage("tokenize")
    position = [name for name, _ in recipe.stage_list()].index("tokenize")
    if isinstance(tokenize.tokenizer, str):
        if not (recipe.base / tokenize.tokenizer).is_file():
            raise RecipeError(
                f"stages[{position}].tokenize.tokenizer: {tokenize.tokenizer!r} is no file under {recipe.base}"
            )
        return
    train = tokenize.tokenizer.train
    place = f"stages[{position}].tokenize"
    if tokenize.end_of_text is not None and tokenize.end_of_text not in train.special_tokens:
        raise RecipeError(f"{place}.end_of_text: {tokenize.end_of_text!r} is not among tokenizer.train.special_tokens")
    needed = 256 + len(train.special_tokens)
    if train.vocab_size < needed:
        raise RecipeError(
            f"{place}.tokenizer.train.vocab_size: must be at least {needed} (256 bytes and special tokens)"
        )


def recipe_schema() -> dict[str, Any]:
    """JSON schema of a recipe, stages included."""
    schema = Recipe.model_json_schema()
    definitions = schema.setdefault("$defs", {})
    choices = []
    for name, (model, _) in _STAGES.items():
        stage = model.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(stage.pop("$defs", {}))
        definitions[model.__name__] = stage
        choices.append({
            "type": "object", "properties": {name: {"$ref": f"#/$defs/{model.__name__}"}},
            "required": [name], "additionalProperties": False,
        })  # fmt: skip
    schema["properties"]["stages"]["items"] = {"anyOf": choices}
    schema["properties"].pop("base", None)
    return schema


def new_recipe_text() -> str:
    """A commented recipe to start from."""
    return _NEW_RECIPE


_NEW_RECIPE = """\
# A tokenfoundry recipe. Run it:   tokenfoundry run recipe.yaml
# Paths are relative to this file. `tokenfoundry recipe schema` prints every key there is.
name: my-corpus
output: out                  # the result; must not exist, or hold this very run
seed: 0
# threads: 2                 # default: all; never changes the result
# memory: 4GiB               # budget; never changes the result
# cache: /shared/cache       # finished units that runs and teams share
# executor: ray              # on the cluster of RAY_ADDRESS; never changes the result
on_error: reject             # a record that cannot be read goes to the ledger; stop: the run ends there

# licences: {allow: ["CC*"], unknown: quarantine}
# gates:                     # docs/operations.md
#   - {metric: filter.yield, min: 0.3, action: stop}

input:
  - path: data/**/*.jsonl.gz # a file, a folder or a glob: .jsonl, .jsonl.gz, .jsonl.zst, .parquet, text
    source: web              # kept for every document, like the licence
    licence: CC-BY-4.0
    text_field: text
    id_field: id
  # - path: books
  #   format: text           # each file a document
  #   encoding: auto
  #   source: books

stages:                      # in this order
  - clean: {}                # Unicode NFC, control characters, line ends, blanks
  - label: {}                # language and script
  - filter: {preset: gopher} # published quality rules
  - redact: {kinds: [email, ip]}
  - dedup:                   # identical documents, then near-duplicates, verified
      threshold: 0.8         # what looks at texts may also come after it, where there are fewer
      keep: first
  - tokenize:
      tokenizer:             # or the path of a tokenizer.json
        train: {vocab_size: 32000, pattern: cl100k, special_tokens: ["<|endoftext|>"]}
      end_of_text: "<|endoftext|>"
  - pack: {sequence_length: 2048, strategy: best_fit}
  - shard: {format: megatron, rows_per_shard: 65536}
"""
