"""Worker processes that may die: every document has an answer, and a hostile one costs itself only.

Each worker is a child with pipes and a shared file, served by a thread of the parent. When it dies in the middle of a batch, the document it
was at gets a verdict, what was answered is kept, and the rest of the batch goes to its successor.
"""

import atexit
import contextlib
import fcntl
import json
import mmap
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from tokenfoundry.errors import TokenFoundryError
from tokenfoundry.text.extraction.worker import HEAD, IDLE, INLINE, NO_MEMORY

__all__ = ["Answer", "Document", "extract_all"]

_WORKER = Path(__file__).with_name("worker.py")
_PIPE_BYTES = 1 << 20
_BATCH_BYTES = 1 << 19
"""What is shared with a worker has room for two batches and their answers: it is at one while the next is brought, and never waits."""
_KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(1 << 26), "MALLOC_MMAP_THRESHOLD_": str(1 << 25)}
"""For glibc in the worker: memory that a page gave back is the next page's, without asking the kernel for it again."""
_BATCH_DOCUMENTS = 256
_WALL_FACTOR = 20
"""Wall-clock seconds for each CPU second that a document may use: for a machine that is busy, or a page that waits."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document's bytes, and the encoding that its transport named, if any."""

    content: bytes | memoryview
    declared: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a document: its text, or a verdict and a reason."""

    text: bytes
    verdict: str | None = None
    reason: str | None = None


class _DeadError(Exception):
    """A worker ended, or had to be ended, in the middle of a batch."""

    def __init__(self, verdict: str, reason: str) -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason


class _Worker:
    """One child process, begun when it is first needed."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None
        self.roomy = False
        """Whether a batch fits into its pipe, so that sending one never waits."""
        self.unread, self.unread_at = b"", 0
        self.rooms: list[int] = []
        """Where the answers to the batches that were sent will be."""
        self.file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  (closed in `stop`)
        os.ftruncate(self.file.fileno(), HEAD + 4 * _BATCH_BYTES)
        self.shared = mmap.mmap(self.file.fileno(), HEAD + 4 * _BATCH_BYTES)
        self.room = 0

    def start(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            descriptor = self.file.fileno()
            self.shared[:8] = b"\xff" * 8
            self.process = subprocess.Popen(
                [sys.executable, "-P", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(descriptor,),
                env={**os.environ, **_KEEP_MEMORY},
                # Ctrl-C is for the parent, which then ends its workers.
                start_new_session=True,
            )
            self.roomy = True
            for pipe in (self.process.stdin, self.process.stdout):
                try:
                    fcntl.fcntl(cast(BinaryIO, pipe), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
                except OSError:
                    self.roomy = False
            head = json.dumps({**self.options, "shared_fd": descriptor, "half_bytes": _BATCH_BYTES}).encode() + b"\n"
            with contextlib.suppress(BrokenPipeError):
                cast(BinaryIO, self.process.stdin).write(head)
                cast(BinaryIO, self.process.stdin).flush()
            # It says so when its library is there.
            if not cast(BinaryIO, self.process.stdout).read(1):
                code = self.process.wait()
                self.kill()
                raise TokenFoundryError(
                    f"extraction: the worker ended with exit code {code} before it read a document; try "
                    f"`python -c 'import {self.options['library']}'`"
                )
        return self.process

    def current(self) -> int | None:
        """Number of the document in work, in its batch; None between batches."""
        found: int = struct.unpack("<Q", self.shared[:8])[0]
        return None if found == IDLE else found

    def send(self, batch: Sequence[Document]) -> None:
        """Hand over a batch. A worker that is dead by now is met in `receive`."""
        process = self.start()
        fits = sum(len(document.content) for document in batch) <= _BATCH_BYTES
        self.room = 1 - self.room
        parts: list[bytes | memoryview] = [struct.pack("<IB", len(batch), self.room | (0 if fits else INLINE))]
        at = HEAD + self.room * 2 * _BATCH_BYTES
        self.rooms.append(at + _BATCH_BYTES)
        for document in batch:
            length = len(document.content)
            parts += [struct.pack("<QH", length, len(document.declared)), document.declared]
            if fits:
                self.shared[at : at + length] = document.content
                at += length
            else:
                parts.append(document.content)
        sink = cast(BinaryIO, process.stdin)
        with contextlib.suppress(BrokenPipeError):
            sink.write(b"".join(parts))
            sink.flush()

    def receive(self, count: int, answers: list[Answer]) -> None:
        """Append an answer for each of a batch's documents. Raises `_DeadError` where the worker died; answers so far are there."""
        source = cast(BinaryIO, self.start().stdout)
        room = self.rooms.pop(0)
        for _ in range(count):
            status, length = struct.unpack("<BQ", self.read(source, 9))
            if status & INLINE:
                text = self.read(source, length)
            else:
                text = self.shared[room : room + length]
                room += length
            if not status & ~INLINE:
                answers.append(Answer(text))
            elif status & NO_MEMORY:
                answers.append(Answer(b"", "extract.memory", "the memory limit was reached"))
            else:
                answers.append(Answer(b"", "extract.failed", text.decode("utf-8", "replace")))

    def read(self, source: BinaryIO, length: int) -> bytes:
        if len(self.unread) - self.unread_at >= length:
            self.unread_at += length
            return self.unread[self.unread_at - length : self.unread_at]
        parts = [self.unread[self.unread_at :]]
        length -= len(parts[0])
        self.unread, self.unread_at = b"", 0
        deadline = time.monotonic() + _WALL_FACTOR * self.options["timeout_seconds"]
        place: int | None = -1
        while length:
            ready, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                if (now := self.current()) != place:
                    place = now
                    deadline = time.monotonic() + _WALL_FACTOR * self.options["timeout_seconds"]
                    continue
                self.kill()
                raise _DeadError("extract.timeout", "it did not end in time")
            chunk = os.read(source.fileno(), _PIPE_BYTES)
            if not chunk:
                raise self.died()
            if len(chunk) > length:
                self.unread, self.unread_at, chunk = chunk, length, chunk[:length]
            parts.append(chunk)
            length -= len(chunk)
        return b"".join(parts)

    def died(self) -> _DeadError:
        process = self.start()
        code = process.wait()
        self.kill()
        seconds = self.options["timeout_seconds"]
        if code == -signal.SIGPROF:
            return _DeadError("extract.timeout", f"it took more than {seconds:g} CPU seconds")
        if code in (-signal.SIGABRT, -signal.SIGKILL) or code > 0:
            return _DeadError("extract.memory", "the worker ended for want of memory")
        return _DeadError(
            "extract.crashed", f"the worker was ended by {signal.Signals(-code).name if code else 'itself'}"
        )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    # What it could not write any more is lost anyhow.
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
            self.process = None
        self.unread, self.unread_at = b"", 0
        self.rooms.clear()

    def stop(self) -> None:
        self.kill()
        self.shared.close()
        self.file.close()


_idle: dict[str, list[_Worker]] = {}
_owner = 0
_idle_lock = threading.Lock()


def _hire(options: dict[str, Any]) -> _Worker:
    """A worker of an earlier call, or a new one. Workers belong to the process that began them."""
    global _owner
    with _idle_lock:
        if _owner != os.getpid():
            _idle.clear()
            _owner = os.getpid()
        waiting = _idle.get(json.dumps(options))
        return waiting.pop() if waiting else _Worker(options)


def _rest(worker: _Worker) -> None:
    with _idle_lock:
        _idle.setdefault(json.dumps(worker.options), []).append(worker)


@atexit.register
def _dismiss() -> None:
    if _owner == os.getpid():
        for workers in _idle.values():
            for worker in workers:
                worker.stop()


def _batches(documents: Sequence[Document]) -> list[range]:
    batches = []
    start = size = 0
    for index, document in enumerate(documents):
        if index > start and (size + len(document.content) > _BATCH_BYTES or index - start >= _BATCH_DOCUMENTS):
            batches.append(range(start, index))
            start, size = index, 0
        size += len(document.content)
    if start < len(documents):
        batches.append(range(start, len(documents)))
    return batches


def extract_all(documents: Sequence[Document], options: dict[str, Any], workers: int) -> list[Answer]:
    """An answer for each document, in order. ``options`` are those of `worker.py`."""
    answers: list[Answer | None] = [None] * len(documents)
    batches = _batches(documents)
    order = iter(batches)
    lock = threading.Lock()
    failures: list[BaseException] = []
    pool = [_hire(options) for _ in range(max(1, min(workers, len(batches))))]

    def take() -> range | None:
        with lock:
            return None if failures else next(order, None)

    def serve(worker: _Worker) -> None:
        try:
            batch = take()
            if batch is not None:
                worker.send(documents[batch.start : batch.stop])
            while batch is not None:
                ahead = take() if worker.roomy else None
                if ahead is not None and (early := _size(documents, ahead) <= _BATCH_BYTES):
                    worker.send(documents[ahead.start : ahead.stop])
                well = _receive(worker, documents, batch, answers)
                if ahead is None:
                    ahead = take()
                    early = False
                if ahead is not None and not (early and well):
                    worker.send(documents[ahead.start : ahead.stop])
                batch = ahead
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=serve, args=(worker,), daemon=True) for worker in pool]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
    except BaseException:
        # Ctrl-C: threads end when their worker does.
        failures.append(InterruptedError())
        for worker in pool:
            if worker.process is not None:
                worker.process.kill()
        for thread in threads:
            thread.join()
        for worker in pool:
            worker.stop()
        raise
    for worker in pool:
        _rest(worker)
    if failures:
        raise failures[0]
    return [answer for answer in answers if answer is not None]


def _size(documents: Sequence[Document], batch: range) -> int:
    return sum(len(documents[index].content) for index in batch)


def _receive(worker: _Worker, documents: Sequence[Document], batch: range, answers: list[Answer | None]) -> bool:
    """Fill in the answers for a batch that was sent. False if the worker died on the way: what was sent after is lost."""
    well, twice = True, False
    start = batch.start
    while start < batch.stop:
        done: list[Answer] = []
        dead = None
        try:
            worker.receive(batch.stop - start, done)
        except _DeadError as error:
            dead = error
        answers[start : start + len(done)] = done
        start += len(done)
        if dead is None:
            continue
        well = False
        number = worker.current()
        if number is None and not twice:
            # It died between batches, for whatever reason; once more.
            twice = True
        else:
            # Answers that the worker had written but not yet sent died with it: these documents are done again.
            culprit = min(start - len(done) + max(number or 0, len(done)), batch.stop)
            while start < culprit:
                answers[start] = _alone(worker, documents[start])
                start += 1
            if start < batch.stop:
                answers[start] = Answer(b"", dead.verdict, dead.reason)
                start += 1
        if start < batch.stop:
            worker.send(documents[start : batch.stop])
    return well


def _alone(worker: _Worker, document: Document) -> Answer:
    """The answer for a document that was well once already, in a batch of its own in case it is not this time."""
    answers: list[Answer] = []
    try:
        worker.send([document])
        worker.receive(1, answers)
    except _DeadError as dead:
        return Answer(b"", dead.verdict, dead.reason)
    return answers[0]
