"""Signals of a hostile document take memory in proportion to its bytes, by a small factor that is promised."""

import subprocess
import sys

import pytest

MEASURE = """
import random, sys
import pyarrow as pa
import tokenfoundry as tf

dice = random.Random(1)
size, families = 1 << 21, ("gopher", "c4", "fineweb", "dclm", "dolma")
text = {
    "one mark": lambda: "{" * size,
    "marks": lambda: "".join(dice.choices("{}[]()<>!?#&*;:,_", k=size)),
    "a mark behind a letter": lambda: "a" + "}" * (size - 1),
    "newlines": lambda: "\\n" * size,
    "short lines": lambda: "\\n".join("".join(dice.choices("abcdefgh", k=3)) for _ in range(size // 4)),
    "letters": lambda: " ".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=size // 2)),
    "furniture": lambda: "sign-in now\\n" * (size // 12),
    "words": lambda: " ".join(f"w{dice.getrandbits(12):x}" for _ in range(size // 5)),
}[sys.argv[1]]()
column = pa.array([text])
del text

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024

tf.text.signals(["warm it"], families=families, threads=1)
before = peak()
tf.text.signals(column, families=families, threads=1)
print((peak() - before) / size)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak stands in /proc")
@pytest.mark.parametrize(
    "kind",
    ["one mark", "marks", "a mark behind a letter", "newlines", "short lines", "letters", "furniture", "words"],
)
def test_eight_bytes_a_byte(kind: str) -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE, kind], capture_output=True, text=True, check=True)
    # Eight bytes a byte and 16 MiB, which are eight more of these 2 MiB; half of that again for allocators and pages.
    assert float(done.stdout) < 24
