"""Read training batches from a finished run: `python examples/read_batches.py build/demo/out`."""

import sys
from itertools import islice

import tokenfoundry as tf

output = sys.argv[1] if len(sys.argv) > 1 else "build/demo/out"
tokenizer = tf.Tokenizer.from_file(f"{output}/tokenizer.json")
loader = tf.Loader([(f"{output}/shards", 1.0)], sequence_length=2048, batch_size=8, seed=0)
for step, batch in enumerate(islice(loader, 3)):
    tokens, labels = batch["tokens"], batch["labels"]  # what a model takes: loss(model(tokens), labels)
    print(
        step, tokens.shape, f"{(labels != -100).mean():.1%} of positions train,", repr(tokenizer.decode(tokens[0, :12]))
    )
print("resume any time, on any number of ranks, with", loader.state_dict())
