"""Reading documents from files, one record at a time, in bounded memory.

`records` is the door: it gives a `Record` for everything it meets, broken or not, so that nothing is lost unseen.
"""

from tokenfoundry.io.files import InputFile, Span, find_files
from tokenfoundry.io.readers import BLOCK_LINES, FORMATS, LineBlock, Record, format_of, judge_line, line_blocks, records

__all__ = [
    "BLOCK_LINES",
    "FORMATS",
    "InputFile",
    "LineBlock",
    "Record",
    "Span",
    "find_files",
    "format_of",
    "judge_line",
    "line_blocks",
    "records",
]
