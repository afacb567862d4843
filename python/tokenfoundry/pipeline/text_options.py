"""Recipe options of the text stages: extract, clean, label, filter, redact, decontaminate."""

import difflib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tokenfoundry.errors import InputError

__all__ = [
    "CleanStage",
    "DecontaminateStage",
    "ExtractStage",
    "FilterStage",
    "LabelStage",
    "RedactStage",
    "TextOptions",
]


class TextOptions(BaseModel):
    """What all text stages can be told."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sources: list[str] | None = Field(None, description="Only documents of these sources; null: all.")


def _suggest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return (f"did you mean {close[0]!r}? " if close else "") + f"Allowed: {', '.join(known)}"


def _all_known(values: list[str], known: tuple[str, ...], what: str) -> list[str]:
    for value in values:
        if value not in known:
            raise ValueError(f"{value!r} is no {what}; {_suggest(value, list(known))}")
    if len(set(values)) < len(values):
        raise ValueError(f"names a {what} twice")
    return values


class ExtractStage(TextOptions):
    """Text out of web pages; other text passes through."""

    format: Literal["auto", "html", "text"] = Field("auto", description="auto: HTML by the look of its first 2 kB.")
    library: Literal["resiliparse", "trafilatura"] = "resiliparse"
    main_content: bool = Field(True, description="Without navigation, menus and footers.")
    repair: bool = Field(False, description="Undo mojibake with ftfy.")
    timeout_seconds: Annotated[
        float, Field(strict=False, gt=0, le=3600, description="CPU seconds a document may take.")
    ] = 10.0
    memory_bytes: int = Field(1 << 30, ge=1 << 26, description="Memory a document may take.")


class CleanStage(TextOptions):
    """Unicode normal form, control characters, line ends, blanks; whole lines of web pages."""

    form: Literal["NFC", "NFKC", "none"] = "NFC"
    drop_lines: list[str] = Field([], description="Rules of tf.text.drop_lines, in order. Not for source code.")

    @field_validator("drop_lines")
    @classmethod
    def _known_rules(cls, value: list[str]) -> list[str]:
        from tokenfoundry.text import LINE_RULES

        return _all_known(value, LINE_RULES, "rule")


class _Measured(TextOptions):
    """Stages that look at columns."""

    models: dict[str, str] = Field({}, description="Quality models by name: files of `quality train`, ARPA, fastText.")
    word_lists: dict[str, str] = Field({}, description="Word lists by name: files with a phrase a line.")


class LabelStage(_Measured):
    """Language and script; other columns on demand."""

    columns: list[str] = Field([], description="More columns for the ledger: signals, models, word lists.")


class FilterStage(_Measured):
    """Drop documents that fail a published list of quality rules, or a condition on columns."""

    preset: str | list[str] | None = Field(
        None,
        description="A preset of tf.text.filter, or several, asked in order; gopher where neither this nor keep is given.",
    )
    keep: str | None = Field(
        None, min_length=1, description="A condition: lang == 'en' and gopher.mean_word_length between 3 and 10."
    )

    @field_validator("preset")
    @classmethod
    def _known_preset(cls, value: str | list[str] | None) -> str | list[str] | None:
        from tokenfoundry.text import PRESETS

        if value is not None:
            if not value:
                raise ValueError("names no preset; leave it out to ask a condition only")
            _all_known([value] if isinstance(value, str) else value, PRESETS, "preset")
        return value

    @model_validator(mode="before")
    @classmethod
    def _gopher_if_nothing(cls, content: object) -> object:
        if isinstance(content, dict) and content.get("preset") is None and content.get("keep") is None:
            return {**content, "preset": "gopher"}
        return content

    @model_validator(mode="after")
    def _condition_reads(self) -> "FilterStage":
        if self.keep is not None:
            from tokenfoundry.expressions import parse

            try:
                parse(self.keep)
            except InputError as error:
                raise ValueError(f"keep: {error}") from None
        return self


class RedactStage(TextOptions):
    """Put placeholders in the place of personal data."""

    kinds: list[str] = Field(["email", "ip"], min_length=1)
    action: Literal["replace", "hash", "drop", "report"] = "replace"
    key_file: str | None = Field(None, description="For action hash: a file whose content is the secret key.")
    public_addresses_only: bool = Field(True, description="Leave private IP addresses alone.")

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, value: list[str]) -> list[str]:
        from tokenfoundry.text import KINDS

        return _all_known(value, KINDS, "kind")

    @model_validator(mode="after")
    def _key_for_hash(self) -> "RedactStage":
        if (self.action == "hash") != (self.key_file is not None):
            raise ValueError("action hash needs a key_file, and no other action takes one")
        return self


class DecontaminateStage(TextOptions):
    """Drop documents that hold word n-grams of evaluation sets, or cut these out."""

    files: dict[str, str] = Field(
        min_length=1, description="JSON Lines or Parquet files (also globs) of evaluation sets, by the set's name."
    )
    fields: list[str] = Field(["input", "label"], min_length=1, description="Joined to one text for each record.")
    ngram: int = Field(13, ge=1, le=64, description="Words of an n-gram.")
    short_ngram: int = Field(8, ge=0, le=63, description="For texts with fewer words than ngram; 0: leave them out.")
    min_ngrams: int = Field(1, ge=1, description="Fewer n-grams than this are chance.")
    action: Literal["drop", "cut"] = Field("drop", description="cut: the spans go, the rest of the document stays.")

    @model_validator(mode="after")
    def _sizes(self) -> "DecontaminateStage":
        if self.short_ngram >= self.ngram:
            raise ValueError(f"short_ngram must be less than ngram, {self.ngram}")
        return self
