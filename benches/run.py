"""Every bench, one after another, in a moderate size: `make bench`. Each checks its answers and prints its own table.

    python benches/run.py [name ...]

Only ratios within one table count. For sizes and rivals see each script's own ``--help``; numbers worth quoting want a
quiet machine and a pinned core.
"""

import subprocess
import sys
from pathlib import Path

MODERATE = {
    "tokenizer": ["--megabytes", "2", "--rounds", "3"],
    "tokenizer_calls": ["--vocabularies", "qwen2", "--rounds", "3"],
    "tokenizer_load": ["--rounds", "5"],
    "tokenizer_unseen": ["--vocabulary", "qwen2", "--megabytes", "2", "--rounds", "3"],
    "tokenizer_sentencepiece": ["--megabytes", "2", "--rounds", "1"],
    "train": ["--megabytes", "20", "--rounds", "1"],
    "compat": ["--rounds", "3"],
    "text": [],
    "dedup": ["--megabytes", "20", "--truth-megabytes", "8", "--rounds", "3"],
    "pack": ["--rounds", "3"],
    "load": ["--tokens", "50e6", "--rounds", "3"],
    "shard": ["--tokens", "50e6", "--rounds", "3"],
    "pipeline": [],
}


def main() -> int:
    names = sys.argv[1:] or list(MODERATE)
    strangers = [name for name in names if name not in MODERATE]
    if strangers:
        print(f"no bench {strangers[0]!r}; there are {', '.join(MODERATE)}", file=sys.stderr)
        return 2
    failed = []
    for name in names:
        print(f"\n== {name}", flush=True)
        script = Path(__file__).with_name(f"{name}.py")
        if subprocess.run([sys.executable, str(script), *MODERATE[name]], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
