"""`tokenfoundry.compat.transformers` where PyTorch is: tensors, and encodings that come back from workers."""

from pathlib import Path
from typing import Any

import pytest
import transformers
from tests.agree.transformers_directories import TEXTS, deeply, directory, shown

from tokenfoundry.compat import transformers as ours

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    path = directory("qwen2", tmp_path_factory.mktemp("torch"))
    return transformers.AutoTokenizer.from_pretrained(path), ours.AutoTokenizer.from_pretrained(path)


def test_tensors(both: tuple[Any, Any]) -> None:
    theirs, mine = both
    for options in (
        {"padding": True},
        {"padding": True, "padding_side": "left", "return_token_type_ids": True, "return_special_tokens_mask": True},
        {"padding": "max_length", "truncation": True, "max_length": 16, "return_length": True},
    ):
        assert shown(mine(TEXTS, return_tensors="pt", **options)) == shown(
            theirs(TEXTS, return_tensors="pt", **options)
        )
    assert shown(mine("a b", return_tensors="pt")) == shown(theirs("a b", return_tensors="pt"))
    encoded = mine(TEXTS, return_tensors="pt", padding=True)
    assert mine.batch_decode(encoded["input_ids"]) == theirs.batch_decode(encoded["input_ids"])
    assert mine.decode(encoded["input_ids"][0]) == theirs.decode(encoded["input_ids"][0])
    assert encoded.to("cpu")["input_ids"] is not None
    chat = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    options = {"return_dict": True, "return_assistant_tokens_mask": True, "return_tensors": "pt"}
    assert shown(mine.apply_chat_template(chat, **options)) == shown(theirs.apply_chat_template(chat, **options))


def test_collators(both: tuple[Any, Any]) -> None:
    theirs, mine = both
    for tokenizer in both:
        tokenizer.mask_token = "<|im_end|>"
    for kind in (transformers.DataCollatorWithPadding, transformers.DataCollatorForSeq2Seq):
        assert shown(kind(mine)([mine(text) for text in TEXTS])) == shown(kind(theirs)([theirs(t) for t in TEXTS]))


class Whole:
    """A collate function that gives the `BatchEncoding` itself."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, batch: list[str]) -> Any:
        return self.tokenizer(batch, padding=True, return_tensors="pt")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_worker_may_send_encodings(workers: int, both: tuple[Any, Any], tmp_path: Path) -> None:
    from torch.utils.data import DataLoader

    theirs, mine = both
    method = "fork" if workers else None
    loader: Any = DataLoader(
        TEXTS, batch_size=8, num_workers=workers, collate_fn=Whole(mine), multiprocessing_context=method
    )
    for number, batch in enumerate(loader):
        assert deeply(batch) == deeply(theirs(TEXTS[8 * number : 8 * number + 8], padding=True, return_tensors="pt"))
