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


IBAN_LENGTHS = dict(
    one.split(":")
    for one in (
        "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DJ:27 DK:18 DO:28 EE:20 "
        "EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HN:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 "
        "KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 "
        "PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 "
        "UA:29 VA:22 VG:24 XK:20 YE:30"
    ).split()
)
HEX, UPPER, WORD = "0123456789abcdef", string.ascii_uppercase + "234567", string.ascii_letters + string.digits
DASHED = WORD + "-_"
KEYS = [
    *(("ABIA", UPPER, 16), ("gho_", WORD, 36), ("glpat-", DASHED, 27), ("glrt-t1_", DASHED, 20), ("gldt-", DASHED, 20)),
    *(("xapp-1-A", DASHED, 90), ("xoxe.xoxp-1-", WORD, 160), ("whsec_", WORD, 32), ("GOCSPX-", DASHED, 28)),
    *(("ya29.a0", DASHED, 160), ("sk-svcacct-", DASHED, 150), ("sk-admin-", DASHED, 150), ("sk-ant-api03-", DASHED, 95)),
    *(("sk-or-v1-", HEX, 64), ("hf_", string.ascii_letters, 34), ("gsk_", WORD, 52), ("xai-", WORD, 80), ("r8_", WORD, 37)),
    *(("rubygems_", HEX, 48), ("dckr_pat_", WORD, 27), ("hvs.", DASHED, 95), ("dapi", HEX, 32), ("sbp_", HEX, 40)),
    *(("shpss_", HEX, 32), ("lin_api_", WORD, 40), ("ntn_", WORD, 46), ("figd_", WORD, 40), ("PMAK-", HEX, 59)),
    *(("1234567890:AA", DASHED, 33), ("NRAK-", UPPER, 27), ("sntryu_", HEX, 64), ("dp.pt.", WORD, 43), ("pul-", HEX, 40)),
    ("https://hooks.slack.com/services/T0AB1CD2E/B3FG4HI5J/", WORD, 24),
]  # fmt: skip
RARER = {
    "iban": [
        plain
        for country, length in IBAN_LENGTHS.items()
        for body in ["0A" * 20]
        for number in [int("".join(str(int(one, 36)) for one in body[: int(length) - 4] + country + "00"))]
        for plain in [f"{country}{98 - number % 97:02d}{body[: int(length) - 4]}"]
    ],
    "ip": [
        *("2001:4860:4860:0000:0000:0000:0000:8888", "2606:4700:4700::1111", "2A02:1450:400A:805::200E", "::ffff:93.184.216.34"),
        *("2001:4860:4860::8.8.8.8", "9.9.9.9", "151.101.1.140"),
    ],
    "phone": [
        *("+44 (0)20 7946 0958", "+33 1 42 68 53 00", "+7 (495) 123-45-67", "+86 138 0013 8000", "+91-98765-43210"),
        *("+971 4 123 4567", "+81-3-1234-5678", "+55 (11) 91234-5678", "+49 (0) 89 / 766274", "1-800-555-0199", "212.555.0187"),
    ],
    "card": [
        *("2223000048400011", "378282246310005", "3782 822463 10005", "30569309025904", "6011-1111-1111-1117"),
        *("3530111333300000", "6200000000000005", "4222222222222"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", [*RARER, "credential"])
def test_rarer_formats(kind: str) -> None:
    dice = random.Random(1)
    # Each with a digit, which nearly all have, but for letters only.
    values = RARER.get(kind) or [
        start
        + ("7" if "7" in alphabet else "a")
        + "".join(dice.choices(alphabet, k=count - 2))
        + ("7" if "7" in alphabet else "B")
        for start, alphabet, count in KEYS
    ]
    for frame in ("{}", "see {}.", "„{}“", "key={}", "中文 {}, 中文", "|{}|", "'{}'"):
        texts = [frame.format(value) for value in values]
        redacted = tf.text.redact(texts, kinds=(kind,))
        placeholder = redacted.texts[0].as_py()[
            frame.index("{") : len(redacted.texts[0].as_py()) - len(frame.split("}")[1])
        ]
        assert placeholder[0] == "<" and placeholder[-1] == ">"
        assert redacted.texts.to_pylist() == [frame.format(placeholder)] * len(values)


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
