"""Files on object stores: `s3://`, `gs://`, `az://` (`abfs://`) through pyarrow's own clients, all else (`hf://` …) through fsspec.

Credentials and endpoints come from where each client looks for them: `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`,
`AZURE_STORAGE_CONNECTION_STRING`, `GOOGLE_APPLICATION_CREDENTIALS`, `HF_TOKEN` and so on. A store's files are known by uri, size and time of change;
their content is not read to see whether it changed.
"""

import fnmatch
import os
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from tokenfoundry.errors import InputError

__all__ = ["download", "filesystem", "is_remote", "list_remote", "open_remote", "upload"]

_PYARROW = frozenset({"s3", "gs", "gcs", "abfs", "abfss", "az", "hdfs"})
_MAGIC = frozenset("*?[")
_CHUNK_BYTES = 8 << 20
_RETRY_TIME = timedelta(seconds=30)


def is_remote(pattern: str) -> bool:
    """Whether a path is a uri of some store: it has ``://``, and is not ``file://``."""
    return "://" in pattern and not pattern.startswith("file://")


def filesystem(uri: str) -> tuple[Any, str]:
    """pyarrow's file system of a uri, and the path in it. Raises InputError where it cannot be reached."""
    from pyarrow import fs

    scheme = urlsplit(uri).scheme
    try:
        if scheme == "s3":
            return _s3(fs, uri)
        if scheme in ("gs", "gcs") and not {"?", "@"} & set(uri):
            # Its own limit is a quarter of an hour, also where there is no way to the store at all.
            parts = urlsplit(uri)
            system = fs.GcsFileSystem(retry_time_limit=_RETRY_TIME)
            return system, f"{parts.netloc}{parts.path}".rstrip("/")
        if scheme in ("az", "abfs", "abfss") and not {"?", "@"} & set(uri):
            return _azure(fs, uri)
        if scheme in _PYARROW:
            found: tuple[Any, str] = fs.FileSystem.from_uri(uri.replace("az://", "abfs://", 1))
            return found
        import fsspec

        inner, path = fsspec.core.url_to_fs(uri)
        return fs.PyFileSystem(fs.FSSpecHandler(inner)), path
    except InputError:
        raise
    except ImportError as error:
        raise InputError(
            f"{uri}: {scheme}:// needs a package that is not here ({error}); pip install 'tokenfoundry[cloud]'"
        ) from None
    except Exception as error:  # each client has errors of its own
        raise InputError(f"{uri}: cannot be reached: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _s3(fs: Any, uri: str) -> tuple[Any, str]:
    parts = urlsplit(uri)
    options: dict[str, Any] = {}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        where = urlsplit(endpoint)
        options = {"endpoint_override": where.netloc, "scheme": where.scheme}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region or endpoint:
        options["region"] = region or "us-east-1"
    if os.environ.get("AWS_NO_SIGN_REQUEST"):
        options["anonymous"] = True
    if parts.query:
        return cast(tuple[Any, str], fs.FileSystem.from_uri(uri))
    return fs.S3FileSystem(**options), f"{parts.netloc}{parts.path}".rstrip("/")


def _azure(fs: Any, uri: str) -> tuple[Any, str]:
    """`az://CONTAINER/PATH`: account, key and endpoint are told by the variables that Azure's own tools read. Without a key
    its client looks for credentials itself."""
    told = os.environ.get("AZURE_STORAGE_CONNECTION_STRING", "")
    pairs = dict(pair.split("=", 1) for pair in told.split(";") if "=" in pair)
    account = pairs.get("AccountName") or os.environ.get("AZURE_STORAGE_ACCOUNT")
    account = account or os.environ.get("AZURE_STORAGE_ACCOUNT_NAME")
    if not account:
        raise InputError(
            f"{uri}: which account? Set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY"
        )
    options: dict[str, Any] = {}
    key = pairs.get("AccountKey") or os.environ.get("AZURE_STORAGE_KEY") or os.environ.get("AZURE_STORAGE_ACCOUNT_KEY")
    if key:
        options["account_key"] = key
    elif token := pairs.get("SharedAccessSignature") or os.environ.get("AZURE_STORAGE_SAS_TOKEN"):
        options["sas_token"] = token
    if endpoint := pairs.get("BlobEndpoint"):
        where = urlsplit(endpoint)
        for kind in ("blob", "dfs"):
            options[f"{kind}_storage_authority"] = where.netloc
            options[f"{kind}_storage_scheme"] = where.scheme
    parts = urlsplit(uri)
    return fs.AzureFileSystem(account, **options), f"{parts.netloc}{parts.path}".rstrip("/")


def list_remote(pattern: str) -> list[tuple[str, int, int]]:
    """Uri, size and time of change (ns) of the files that a uri, a folder's uri or a glob means, sorted by uri.

    ``*`` and ``?`` do not cross ``/``; ``**`` does. Names that begin with a dot or an underscore in folders are left out.
    """
    from pyarrow import fs

    system, path = filesystem(pattern)
    prefix = pattern[: pattern.index("://") + 3]
    fixed = path
    glob = bool(_MAGIC & set(path))
    if glob:
        parts = path.split("/")
        first = next(index for index, part in enumerate(parts) if _MAGIC & set(part))
        fixed = "/".join(parts[:first])
    try:
        info = system.get_file_info(fixed)
        if info.type == fs.FileType.File:
            return [(f"{prefix}{info.path}", info.size, info.mtime_ns or 0)]
        if info.type == fs.FileType.NotFound:
            return []
        found = system.get_file_info(fs.FileSelector(fixed, recursive=True))
    except Exception as error:  # each client has errors of its own
        raise InputError(f"{pattern}: cannot be listed: {_first_line(error)}") from None
    files = []
    for entry in found:
        inside = entry.path[len(fixed) :].lstrip("/")
        hidden = any(part.startswith((".", "_")) for part in inside.split("/"))
        if entry.type == fs.FileType.File and not hidden and (not glob or _matches(entry.path, path)):
            files.append((f"{prefix}{entry.path}", entry.size or 0, entry.mtime_ns or 0))
    return sorted(files)


def _matches(path: str, pattern: str) -> bool:
    """Glob match, part by part; ``**`` takes any number of parts."""

    def match(parts: list[str], wanted: list[str]) -> bool:
        if not wanted:
            return not parts
        if wanted[0] == "**":
            return any(match(parts[skip:], wanted[1:]) for skip in range(len(parts) + 1))
        return bool(parts) and fnmatch.fnmatchcase(parts[0], wanted[0]) and match(parts[1:], wanted[1:])

    return match(path.split("/"), pattern.split("/"))


def open_remote(uri: str) -> BinaryIO:
    """A remote file for reading, with seek. Raises OSError."""
    system, path = filesystem(uri)
    return cast(BinaryIO, system.open_input_file(path))


def upload(source: Path, uri: str) -> None:
    """Copy a local file to a uri; it is there whole or not at all, as object stores do it."""
    system, path = filesystem(uri)
    try:
        parent = path.rpartition("/")[0]
        if parent and urlsplit(uri).scheme != "s3":
            system.create_dir(parent, recursive=True)
        with source.open("rb") as file, system.open_output_stream(path, compression=None) as target:
            while chunk := file.read(_CHUNK_BYTES):
                target.write(chunk)
    except OSError as error:
        raise OSError(f"{uri}: cannot be written: {str(error).splitlines()[0]}") from None


def download(uri: str, target: Path) -> None:
    """Copy a remote file to a local one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_remote(uri) as file, target.open("wb") as out:
        while chunk := file.read(_CHUNK_BYTES):
            out.write(chunk)
