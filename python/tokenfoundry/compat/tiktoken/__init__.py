"""The names of tiktoken 0.14, at this library's speed: ``import tokenfoundry.compat.tiktoken as tiktoken``.

Same results, exceptions and messages as tiktoken's; ``docs/compat.md`` goes through the names one by one. tiktoken
itself need not be installed. Its cache of downloaded vocabularies (``TIKTOKEN_CACHE_DIR``) is shared, and so are
plug-ins in the ``tiktoken_ext`` namespace.
"""

from tokenfoundry.compat.tiktoken.core import Encoding as Encoding
from tokenfoundry.compat.tiktoken.model import encoding_for_model as encoding_for_model
from tokenfoundry.compat.tiktoken.model import encoding_name_for_model as encoding_name_for_model
from tokenfoundry.compat.tiktoken.registry import get_encoding as get_encoding
from tokenfoundry.compat.tiktoken.registry import list_encoding_names as list_encoding_names

#: The version of tiktoken whose behaviour this is.
__version__ = "0.14.0"
