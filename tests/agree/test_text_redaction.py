"""Redaction holds its precision and recall: planted values are found, and real text without them stays as it is."""

import base64
import ipaddress
import pathlib
import random
import re
import string
import sys
import sysconfig
import types

import pytest

import tokenfoundry as tf

STDLIB = pathlib.Path(sysconfig.get_path("stdlib"))
SOURCES = [path.read_text("utf-8", "replace") for path in sorted(STDLIB.glob("*.py"))]
PLANTED = 400


def digits(dice: random.Random, count: int) -> str:
    return "".join(dice.choices(string.digits, k=count))


def email(dice: random.Random) -> str:
    name = dice.choice(["ann", "bob.lee", "c_d+tag", "j.k.l", "x-1", "info"])
    return f"{name}{dice.randrange(100)}@{dice.choice(['mail.', '', 'a-b.'])}{dice.choice(['example', 'host9', 'firma'])}.{dice.choice(['org', 'co.uk', 'de', 'museum', 'xn--p1ai'])}"


def ip(dice: random.Random) -> str:
    while True:
        if dice.random() < 0.5:
            address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.IPv4Address(dice.getrandbits(32))
        else:
            address = ipaddress.IPv6Address((0x2A << 120) | dice.getrandbits(120))
        if address.is_global and not address.is_multicast:
            return str(address)


def phone(dice: random.Random) -> str:
    area, exchange, line = dice.randrange(201, 999), dice.randrange(201, 999), digits(dice, 4)
    return dice.choice(
        [
            f"({area}) {exchange}-{line}",
            f"{area}-{exchange}-{line}",
            f"+1 {area} {exchange} {line}",
            f"+49 30 {dice.randrange(100000, 999999)}",
            f"+44 20 7{digits(dice, 3)} {digits(dice, 4)}",
            f"+3361{dice.randrange(1234567, 9999999)}",
        ]
    )


def iban(dice: random.Random) -> str:
    country, length = dice.choice([("DE", 22), ("FR", 27), ("NL", 18), ("NO", 15), ("GB", 22), ("PL", 28)])
    body = ("ABCD" + digits(dice, 99))[: length - 4] if country in ("NL", "GB") else digits(dice, length - 4)
    number = "".join(str(int(character, 36)) for character in body + country + "00")
    plain = f"{country}{98 - int(number) % 97:02d}{body}"
    return plain if dice.random() < 0.5 else " ".join(plain[at : at + 4] for at in range(0, length, 4))


def card(dice: random.Random) -> str:
    body = dice.choice(["4", "51", "55", "6011"])
    body += digits(dice, 15 - len(body))
    total = sum(sum(map(int, str(int(digit) * (2 - index % 2)))) for index, digit in enumerate(reversed(body)))
    number = body + str(-total % 10)
    return dice.choice([number, *(sep.join(number[at : at + 4] for at in range(0, 16, 4)) for sep in " -")])


def credential(dice: random.Random) -> str:
    def word(length: int) -> str:
        return "a1B" + "".join(dice.choices(string.ascii_letters + string.digits, k=length - 3))

    return dice.choice(
        [
            "AKIA" + "7Q" + "".join(dice.choices(string.ascii_uppercase + string.digits, k=14)),
            f"ghp_{word(36)}",
            f"glpat-{word(20)}",
            f"sk_live_{word(24)}",
            f"AIza{word(35)}",
            f"hf_{word(34)}",
            f"xoxb-{digits(dice, 11)}-{word(20)}",
        ]
    )


def private_key(dice: random.Random) -> str:
    kind = dice.choice(["", "RSA ", "EC ", "OPENSSH "])
    body = base64.encodebytes(dice.randbytes(300)).decode()
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}-----END {kind}PRIVATE KEY-----"


def jwt(dice: random.Random) -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    return ".".join([part(b'{"alg":"HS256"}'), part(b'{"sub":"%d"}' % dice.getrandbits(40)), part(dice.randbytes(32))])


def secret(dice: random.Random) -> str:
    return "Q7" + "".join(dice.choices(string.ascii_letters + string.digits + "-_!", k=18))


MAKERS = {maker.__name__: maker for maker in (email, ip, phone, iban, card, credential, private_key, jwt, secret)}
FRAMES = ["write to {} today", "({})", '"{}"', "x: {}.", "{},", "<{}>", "\n{}\n", "see {}; or not"]
SECRET_FRAMES = ['password = "{}"', "API_KEY={}\n", "{{'client_secret': '{}'}}", "auth_token: {} # x"]
RECALL = dict.fromkeys(MAKERS, 0.99)
MOST_IN_A_MEGABYTE_OF_SOURCE = dict.fromkeys(MAKERS, 0.0) | {"phone": 1.0, "ip": 6.0}
"""False finds in the standard library, where all but e-mail addresses are false or examples."""


def test_every_kind_is_planted() -> None:
    assert set(MAKERS) == set(tf.text.KINDS)


@pytest.mark.parametrize("kind", MAKERS)
def test_recall_on_planted_values(kind: str) -> None:
    dice = random.Random(7)
    values = [MAKERS[kind](dice) for _ in range(PLANTED)]
    frames = SECRET_FRAMES if kind == "secret" else FRAMES
    texts = [f"Some words before it. {dice.choice(frames).format(value)} And some after it." for value in values]
    redacted = tf.text.redact(texts, kinds=(kind,))
    gone = sum(value not in text for value, text in zip(values, redacted.texts.to_pylist(), strict=True))
    assert gone / PLANTED >= RECALL[kind]
    again = tf.text.redact(redacted.texts, kinds=tf.text.KINDS)
    assert sum(again.counts.column(kind).to_pylist()) == 0


@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind != "email"])
def test_precision_on_real_source(kind: str) -> None:
    found = sum(tf.text.redact(SOURCES, kinds=(kind,), action="report").counts.column(0).to_pylist())
    megabytes = sum(map(len, SOURCES)) / 1e6
    assert found / megabytes <= MOST_IN_A_MEGABYTE_OF_SOURCE[kind]


def test_precision_of_email_on_real_source() -> None:
    """What is taken for an address is one by the plain pattern that people write, but for names of locales such as
    ``sd_in@devanagari.utf8``, which only the plain pattern takes."""
    plain = re.compile(r"[\w.+%-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
    expected = sum(len(plain.findall(source)) for source in SOURCES)
    found = sum(tf.text.redact(SOURCES, kinds=("email",), action="report").counts.column(0).to_pylist())
    assert expected * 0.95 <= found <= expected


def test_equal_values_have_equal_hashes() -> None:
    texts = ["a@example.org b@example.org", "a@example.org"]
    first = tf.text.redact(texts, action="hash", key="a long secret").texts.to_pylist()
    assert re.fullmatch(r"<EMAIL_ADDRESS:[a-p]{16}> <EMAIL_ADDRESS:[a-p]{16}>", first[0])
    one, two = first[0].split()
    assert one == first[1] and one != two
    assert tf.text.redact(texts, action="hash", key=b"another").texts.to_pylist() != first
    with pytest.raises(tf.InputError, match="needs a key"):
        tf.text.redact(texts, action="hash")


def test_drop_names_the_documents() -> None:
    texts = ["a@example.org", "nothing"]
    dropped = tf.text.redact(texts, action="drop")
    assert dropped.texts.to_pylist() == texts
    assert dropped.dropped.to_pylist() == [True, False]


def test_names_by_a_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["Ann Lee wrote to bob@example.org.", "nobody", "Ann Lee and Ann Lee"]

    def names(text: str) -> list[tuple[int, int]]:
        return [(found.start(), found.end()) for found in re.finditer("Ann Lee|Lee", text)]

    redacted = tf.text.redact(texts, names=names)
    assert redacted.texts.to_pylist() == ["<PERSON> wrote to <EMAIL_ADDRESS>.", "nobody", "<PERSON> and <PERSON>"]
    assert redacted.counts.column("person").to_pylist() == [1, 0, 2]
    hashed = tf.text.redact(texts, names=names, action="hash", key="k").texts.to_pylist()
    assert re.fullmatch(r"(<PERSON:[a-p]{16}>) and \1", hashed[2])
    assert tf.text.redact(texts, names=names, action="drop").dropped.to_pylist() == [True, False, True]
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(tf.InputError, match="names need Presidio"):
        tf.text.presidio_names()


def test_presidio_is_asked_for_persons(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class AnalyzerEngine:
        def analyze(self, **options: object) -> list[types.SimpleNamespace]:
            asked.append(options)
            return [types.SimpleNamespace(start=0, end=3)]

    monkeypatch.setitem(sys.modules, "presidio_analyzer", types.SimpleNamespace(AnalyzerEngine=AnalyzerEngine))
    assert tf.text.presidio_names("de")("Ann, hier") == [(0, 3)]
    assert asked == [{"text": "Ann, hier", "language": "de", "entities": ["PERSON"], "score_threshold": 0.6}]
