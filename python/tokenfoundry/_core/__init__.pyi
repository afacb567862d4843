from . import bpe as bpe
from . import dedup as dedup
from . import io as io
from . import load as load
from . import pack as pack
from . import runtime as runtime
from . import shard as shard
from . import text as text
