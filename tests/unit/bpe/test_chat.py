"""Chat templates: what they may use, tools from functions, and the assistant's own tokens."""

from __future__ import annotations

import pickle
from typing import Any, Literal

import pytest

import tokenfoundry as tf
from tokenfoundry import chat

CONVERSATION = [
    {"role": "system", "content": "Be kind é"},
    {"role": "user", "content": "hello world"},
    {"role": "assistant", "content": "Hello, world. "},
]
TEMPLATE = (
    "{% for m in messages %}\n"
    "{% if m.role == 'assistant' %}A:{% generation %}{{ m.content }}{% endgeneration %}<|end|>\n"
    "{% else %}\n{{ m.role }}:{{ m.content }}<|end|>\n{% endif %}\n{% endfor %}\n"
    "{% if add_generation_prompt %}A:{% endif %}"
)


def get_weather(
    city: str, unit: Literal["c", "f"] = "c", days: int | None = None, tags: list[str] | None = None
) -> str:
    """Get the weather
    of a city.

    Args:
        city: The city, with
            its country.
        unit: The unit.
        days: How many (choices: ["1", "2"])
        tags: More.

    Returns:
        The weather as text.
    """
    return city + unit + str(days) + str(tags)


@pytest.fixture(scope="module")
def tokenizer() -> tf.Tokenizer:
    made = tf.Tokenizer.train(["hello world, be kind"] * 9, vocab_size=290, special_tokens=["<|end|>"])
    made.chat_template = TEMPLATE
    return made


def test_text_and_ids(tokenizer: tf.Tokenizer) -> None:
    text = tokenizer.apply_chat_template(CONVERSATION, tokenize=False)
    assert text == "system:Be kind é<|end|>\nuser:hello world<|end|>\nA:Hello, world. <|end|>\n"
    ids = tokenizer.apply_chat_template(CONVERSATION)
    assert tokenizer.decode(ids) == text
    assert ids.count(tokenizer.special_tokens["<|end|>"]) == 3
    asked = tokenizer.apply_chat_template(CONVERSATION[:2], tokenize=False, add_generation_prompt=True)
    assert asked.endswith("<|end|>\nA:")


def test_the_assistants_tokens(tokenizer: tf.Tokenizer) -> None:
    found = tokenizer.apply_chat_template(
        [CONVERSATION, CONVERSATION[:1]], return_dict=True, return_assistant_tokens_mask=True
    )
    for ids, mask, said in zip(found["input_ids"], found["assistant_masks"], ["Hello, world. ", ""], strict=True):
        assert len(ids) == len(mask)
        assert tokenizer.decode([token for token, own in zip(ids, mask, strict=True) if own]) == said
    assert found["attention_mask"] == [[1] * len(ids) for ids in found["input_ids"]]


def test_a_final_message_to_go_on_with(tokenizer: tf.Tokenizer) -> None:
    text = tokenizer.apply_chat_template(CONVERSATION, tokenize=False, continue_final_message=True)
    assert text.endswith("A:Hello, world. ")
    with pytest.raises(tf.InputError, match="cannot both"):
        tokenizer.apply_chat_template(CONVERSATION, continue_final_message=True, add_generation_prompt=True)


def test_functions_are_tools(tokenizer: tf.Tokenizer) -> None:
    assert chat.json_schema(get_weather) == {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get the weather\nof a city.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "The city, with its country."},
                    "unit": {"type": "string", "enum": ["c", "f"], "description": "The unit."},
                    "days": {"type": "integer", "nullable": True, "enum": ["1", "2"], "description": "How many"},
                    "tags": {"type": "array", "items": {"type": "string"}, "nullable": True, "description": "More."},
                },
                "required": ["city"],
            },
            "return": {"type": "string", "description": "The weather as text."},
        },
    }
    text = tokenizer.apply_chat_template(
        [], chat_template="{{ tools[0].function.name }} {{ tools|length }}", tools=[get_weather, {}], tokenize=False
    )
    assert text == "get_weather 2"

    def undescribed(city: str) -> None:
        """Does something."""

    with pytest.raises(tf.InputError, match="does not describe the argument city"):
        chat.json_schema(undescribed)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ raise_exception('no such role') }}", "no such role"),
        ("{% for %}", "refused"),
        ("{{ messages.append(1) }}", "refused"),
        ("{{ ''.__class__.__mro__ }}", "refused"),
        ("{{ (1).__class__.__base__.__subclasses__() }}", "refused"),
        ("{% include 'other' %}", "refused"),
    ],
)
def test_templates_can_do_no_harm(tokenizer: tf.Tokenizer, template: str, message: str) -> None:
    with pytest.raises(tf.InputError, match=message):
        tokenizer.apply_chat_template(CONVERSATION, chat_template=template, tokenize=False)


def test_what_templates_may_use(tokenizer: tf.Tokenizer) -> None:
    def render(template: str, **more: Any) -> Any:
        return tokenizer.apply_chat_template(CONVERSATION, chat_template=template, tokenize=False, **more)

    assert render("{{ {'b': 'é<', 'a': 1}|tojson(indent=1, sort_keys=True) }}") == '{\n "a": 1,\n "b": "é<"\n}'
    assert render("{% for x in [1, 2, 3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}") == "13"
    assert len(render("{{ strftime_now('%Y') }}")) == 4
    assert render("{{ flavour }}", flavour="plain") == "plain"


def test_templates_by_name(tokenizer: tf.Tokenizer) -> None:
    several = tf.Tokenizer.train(["abc"] * 3, vocab_size=258)
    several.chat_template, several.chat_templates = (
        "plain",
        {"default": "plain", "tool_use": "tools", "other": "another"},
    )
    for kept in (several, pickle.loads(pickle.dumps(several))):
        assert kept.apply_chat_template([], tokenize=False) == "plain"
        assert kept.apply_chat_template([], tokenize=False, tools=[{}]) == "tools"
        assert kept.apply_chat_template([], tokenize=False, chat_template="other") == "another"
    with pytest.raises(tf.InputError, match="no chat template"):
        tf.Tokenizer.train(["abc"] * 3, vocab_size=258).apply_chat_template([])
