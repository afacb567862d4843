"""Write `classes_16_0.rs`: the character classes that BPE patterns name, as ranges of code points of Unicode 16.0.

    pip install unicodedata2==16.0.0 && python make_classes.py > classes_16_0.rs

The version is stated because the originals' tables follow it (tiktoken 0.14, tokenizers 0.23); one code point that a
later version assigns would change a piece boundary.
"""

import sys

import unicodedata2

# What `\s` is in the originals' regex engines: the White_Space property.
WHITE_SPACE = [*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
LETTERS = {"Lu": "UPPER", "Lt": "UPPER", "Ll": "LOWER", "Lm": "CASELESS", "Lo": "CASELESS"}


def class_of(code_point: int) -> str:
    if code_point in WHITE_SPACE:
        return "SPACE"
    category = unicodedata2.category(chr(code_point))
    if category in LETTERS:
        return LETTERS[category]
    return {"M": "MARK", "N": "NUMBER"}.get(category[0], "OTHER")


def main() -> None:
    assert unicodedata2.unidata_version == "16.0.0", unicodedata2.unidata_version
    starts = []
    last = None
    for code_point in range(sys.maxunicode + 1):
        current = class_of(code_point)
        if current != last:
            starts.append((code_point, current))
            last = current
    print("// Made by make_classes.py from Unicode 16.0; (first code point, class) until the next entry's.")
    print("use super::Class::{self, Caseless, Lower, Mark, Number, Other, Space, Upper};\n")
    print("#[rustfmt::skip]")
    print(f"pub static RANGES: [(u32, Class); {len(starts)}] = [")
    row = ""
    for code_point, name in starts:
        entry = f"(0x{code_point:X}, {name.title()}),"
        if len(row) + len(entry) > 112:
            print("    " + row.strip())
            row = ""
        row += " " + entry
    print("    " + row.strip())
    print("];")


if __name__ == "__main__":
    main()
