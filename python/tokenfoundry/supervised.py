"""A command in a child process, watched: a death that no code of ours can report is reported by the parent.

The kernel kills what takes too much memory, and a library may abort the process. The parent holds nothing and survives; it
says what happened and how to go on. If the parent is killed the child dies with it. Linux; elsewhere the command runs as it is.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

__all__ = ["supervised"]

_SET_PARENT_DEATH_SIGNAL = 1
_NO_MEMORY_FOR_A_THREAD = 127  # what the C library exits with, by itself; no command of ours does
_FROM_TERMINAL = 128  # SI_KERNEL: the terminal sent it to the child as well


def supervised(command: Callable[[], int], complain: Callable[[str], None]) -> int:
    """Run ``command`` in a child; its exit code, or 1 after a complaint where it died of a signal.

    To be called while this process has one thread.
    """
    if not sys.platform.startswith("linux") or os.environ.get("TOKENFOUNDRY_SUPERVISE") == "0":
        return command()
    watched = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    child = os.fork()
    if not child:
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return command()
    status = _wait(child, watched)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    starved = os.WIFEXITED(status) and os.WEXITSTATUS(status) == _NO_MEMORY_FOR_A_THREAD
    if os.WIFEXITED(status) and not starved:
        # Not sys.exit: what Python does at its end was the child's to do.
        os._exit(os.WEXITSTATUS(status))
    number = signal.SIGABRT if starved else signal.Signals(os.WTERMSIG(status))
    cause = {
        signal.SIGKILL: "killed, perhaps by the kernel because memory ran out (`dmesg` tells)",
        signal.SIGABRT: "aborted, perhaps because memory ran out",
    }.get(number, f"ended by signal {int(number)} ({number.name})")
    complain(
        f"the run was {cause}. Finished units are kept: run the same command again to go on, with fewer threads or a "
        "smaller `memory` in the recipe if memory was short; a document that kills the run is found after two deaths"
    )
    return 1


def _wait(child: int, watched: set[signal.Signals]) -> int:
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        found = signal.sigwaitinfo(watched)
        if found.si_signo != signal.SIGCHLD and found.si_code != _FROM_TERMINAL:
            os.kill(child, found.si_signo)
