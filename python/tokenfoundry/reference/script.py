"""The main script of a text, by counting letters.

Twin of ``rust/text/src/script.rs``. Needs the `regex` package (extra ``dev``), whose Unicode version decides about
characters that are newer than 16.0.
"""

from collections import Counter

import regex

# ISO 15924 code: Unicode's name, in the order in which equal counts are decided.
SCRIPTS = {
    "Latn": "Latin", "Cyrl": "Cyrillic", "Grek": "Greek", "Arab": "Arabic", "Hebr": "Hebrew", "Hani": "Han",
    "Hira": "Hiragana", "Kana": "Katakana", "Hang": "Hangul", "Deva": "Devanagari", "Beng": "Bengali",
    "Guru": "Gurmukhi", "Gujr": "Gujarati", "Orya": "Oriya", "Taml": "Tamil", "Telu": "Telugu", "Knda": "Kannada",
    "Mlym": "Malayalam", "Sinh": "Sinhala", "Thai": "Thai", "Laoo": "Lao", "Tibt": "Tibetan", "Mymr": "Myanmar",
    "Khmr": "Khmer", "Geor": "Georgian", "Armn": "Armenian", "Ethi": "Ethiopic", "Cher": "Cherokee",
    "Cans": "Canadian_Aboriginal", "Mong": "Mongolian", "Syrc": "Syriac", "Thaa": "Thaana", "Nkoo": "Nko",
    "Tfng": "Tifinagh", "Bopo": "Bopomofo", "Yiii": "Yi", "Copt": "Coptic", "Goth": "Gothic", "Java": "Javanese",
    "Bali": "Balinese", "Sund": "Sundanese", "Olck": "Ol_Chiki", "Mtei": "Meetei_Mayek", "Adlm": "Adlam", "Vaii": "Vai",
    "Lisu": "Lisu",
}  # fmt: skip
_LETTERS = {code: regex.compile(rf"(?V1)[\p{{Script={name}}}&&[\p{{L}}\p{{M}}]]") for code, name in SCRIPTS.items()}


def script(text: str) -> str:
    """ISO 15924 code of the script of most letters; ``Zyyy`` where there are none.

    Han letters count as Japanese where at least one in ten of kana and Han is kana, as Korean likewise with hangul.
    """
    counts = Counter({code: len(pattern.findall(text)) for code, pattern in _LETTERS.items()})
    han, hangul, kana = counts.pop("Hani"), counts.pop("Hang"), counts.pop("Hira") + counts.pop("Kana")
    best = ("Zyyy", 0)
    if 0 < kana >= hangul and kana * 10 >= han + kana:
        best = ("Jpan", han + kana)
    elif hangul > 0 and hangul * 10 >= han + hangul:
        best = ("Kore", han + hangul)
    elif han:
        best = ("Hani", han)
    for code, count in counts.items():
        if count > best[1]:
            best = (code, count)
    return best[0]
