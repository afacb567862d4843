"""``transformers``' tokenizers over our engine.

    from tokenfoundry.compat.transformers import AutoTokenizer          # one tokenizer
    tokenizer = AutoTokenizer.from_pretrained("path or hub id")

    from tokenfoundry.compat.transformers import patch_transformers     # all that a program loads from now on
    patch_transformers()

Or without a line of code: ``TOKENFOUNDRY_PATCH=1 python train.py``. The objects are those that ``transformers`` loads,
``isinstance(tokenizer, PreTrainedTokenizerBase)``, with everything they can do; only encoding and decoding go through
our engine. ``docs/compat.md`` has a table of what is covered. Needs ``transformers`` 4.5x or 5.
"""

from tokenfoundry.compat.transformers.auto import AutoTokenizer as AutoTokenizer
from tokenfoundry.compat.transformers.auto import is_patched as is_patched
from tokenfoundry.compat.transformers.auto import patch_transformers as patch_transformers
from tokenfoundry.compat.transformers.auto import unpatch_transformers as unpatch_transformers
from tokenfoundry.compat.transformers.convert import convert as convert
from tokenfoundry.compat.transformers.convert import is_converted as is_converted
