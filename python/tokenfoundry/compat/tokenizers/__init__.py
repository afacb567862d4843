"""The names of Hugging Face's `tokenizers` 0.23 for BPE models: ``from tokenfoundry.compat.tokenizers import Tokenizer``.

For programs that load a tokenizer.json and encode and decode with it. Not for building a tokenizer from parts
(``models``, ``pre_tokenizers`` …): use `tokenizers` and load what it saved, or `tokenfoundry.Tokenizer.train`.
``docs/compat.md`` goes through the names one by one.
"""

from tokenfoundry.compat.tokenizers.encoding import Encoding as Encoding
from tokenfoundry.compat.tokenizers.tokenizer import AddedToken as AddedToken
from tokenfoundry.compat.tokenizers.tokenizer import Tokenizer as Tokenizer

#: The version of `tokenizers` whose behaviour this is.
__version__ = "0.23.3"
