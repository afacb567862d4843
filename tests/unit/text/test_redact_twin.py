"""E-mail and IP redaction against the readable twin."""

import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import SCRIPTS, standard_library

import tokenfoundry as tf
from tokenfoundry.reference import redact as reference

PIECES = st.sampled_from([
    "a", "Z", "9", "_", "-", "+", ".", "..", "@", "@", ":", "::", "(", ")", " ", "\n", "é", "中", "\"", "'", "/", "x", "v",
    "example.org", "me@example.co.uk", "png", "xn--a", "8.8.8.8", "203.0.114.7", "10.0.0.1", "192.0.0.9", "1.2.3.4", "256",
    "version ", "Section: ", "2606:4700::1111", "2001:db8::1", "2001:20::5", "::ffff:8.8.8.8", "fe80::1", "0", "31.1.1.1",
])  # fmt: skip


def check(texts: list[str]) -> int:
    found = 0
    for public_only in (True, False):
        ours = tf.text.redact(texts, kinds=("email", "ip"), public_addresses_only=public_only)
        expected = [reference.redact(text.encode(), public_only=public_only) for text in texts]
        assert ours.texts.to_pylist() == [text.decode() for text, _, _ in expected]
        assert ours.counts.column("email").to_pylist() == [emails for _, emails, _ in expected]
        assert ours.counts.column("ip").to_pylist() == [addresses for _, _, addresses in expected]
        found += pc.sum(ours.counts.column("email")).as_py() + pc.sum(ours.counts.column("ip")).as_py()
    return found


@given(st.lists(PIECES, max_size=14).map("".join))
@settings(max_examples=1500)
def test_equals_the_twin(text: str) -> None:
    check([text])


def test_equals_the_twin_on_real_text() -> None:
    assert check([*SCRIPTS, *standard_library(4_000_000)]) > 50


def test_a_public_address_beside_the_registries_edges() -> None:
    numbers = [0, 9, 10, 11, 63, 64, 99, 100, 127, 128, 168, 172, 191, 192, 198, 203, 223, 224, 255]
    texts = [
        f" {a}.{b}.{c}.77 "
        for a in numbers
        for b in (0, 2, 15, 16, 18, 19, 20, 31, 32, 51, 64, 127, 128, 168, 254)
        for c in (0, 2, 100, 113)
    ]
    texts += [f" {a:x}:{b:x}:{c:x}::7 " for a in (0x1FFF, 0x2000, 0x2001, 0x2002, 0x3FFE, 0x3FFF, 0x4000)
              for b in (0, 1, 3, 4, 0x1F, 0x20, 0x3F, 0x40, 0x1FF, 0x200, 0xDB8, 0xFFF, 0x1000) for c in (0, 0x111, 0x112)]  # fmt: skip
    check(texts)
