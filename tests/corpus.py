"""Real text for tests: what the Python installation carries, in many scripts; nothing is downloaded."""

import functools
import sysconfig
from pathlib import Path

SCRIPTS = [
    "The quick brown fox can't jump; it's 12,345 times lazier.\n\n\tdef f(x):\n        return x ** 2\n",
    "Быстрая лиса прыгает через ленивую собаку. Ёлка — 2024 г.",
    "敏捷的棕色狐狸跳过懒狗。二〇二四年，第３章。",
    "素早い茶色の狐がのろまな犬を飛び越える。カタカナ、ひらがな。",
    "다람쥐 헌 쳇바퀴에 타고파. 2024년",
    "الثعلب البني السريع يقفز فوق الكلب الكسول. ١٢٣٤",
    "השועל החום המהיר קופץ מעל הכלב העצלן",
    "तेज भूरी लोमड़ी आलसी कुत्ते पर कूदती है। १२३",
    "দ্রুত বাদামী শিয়াল অলস কুকুরের উপর দিয়ে লাফ দেয়।",
    "வேகமான பழுப்பு நரி சோம்பேறி நாய் மீது தாவுகிறது",
    "สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ ๑๒๓",
    "Η γρήγορη αλεπού πηδάει πάνω από τον τεμπέλη σκύλο.",
    "სწრაფი ყავისფერი მელა", "Արագ շագանակագույն աղվեսը", "ፈጣን ቡናማ ቀበሮ", "ទន្សោងត្នោតលឿន", "လျင်မြန်သောမြေခွေး",
    "ශීඝ්‍ර දුඹුරු නරියා", "వేగవంతమైన గోధుమ నక్క", "ವೇಗದ ಕಂದು ನರಿ", "വേഗതയേറിയ തവിട്ട് കുറുക്കൻ", "ઝડપી ભૂરા શિયાળ",
    "ਤੇਜ਼ ਭੂਰੀ ਲੂੰਬੜੀ", "ໝາຈອກສີນ້ຳຕານ", "མྱུར་པོའི་ཝ་མོ", "ᠬᠤᠷᠳᠤᠨ ᠦᠨᠡᠭᠡ", "Nhanh như cáo nâu nhảy qua chó lười",
    "Zażółć gęślą jaźń — příliš žluťoučký kůň úpěl ďábelské ódy", "İstanbul'da ĞÜŞİÖÇ ığüşöç ſ K Å ǅ",
    "e\u0301 a\u0308\u0323 \u200b\u200d\ufeff \u00a0\u2003\u3000\u2028\u2029\x85 x",
    "👩‍👩‍👧‍👦 🇪🇺 🏳️‍🌈 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \U0001e900 \U0010ffff \ue000",
    "I'LL we'Re 'S 'ſ don'T ''''s they'd've  \r\n\r\n \n\t  \n   end   ",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    " " * 300 + "x" + "\n" * 200 + "=" * 333 + "0123456789" * 30,
    "<|endoftext|> <|im_start|>user <|endoftext", "", " ", "\n", "a", "é",
]  # fmt: skip


@functools.cache
def standard_library(limit_bytes: int = 2_000_000) -> list[str]:
    """Sources of the standard library, sorted by name, up to about ``limit_bytes``."""
    texts: list[str] = []
    total = 0
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        text = path.read_bytes().decode("utf-8", "replace")
        texts.append(text)
        total += len(text)
        if total >= limit_bytes:
            break
    return texts


def documents() -> list[str]:
    return SCRIPTS + standard_library()
