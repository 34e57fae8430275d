"""What a decode child may not do. Set after its imports, before it sees a byte from outside.

The strongest of these is the simplest: the limit on open files is lowered to the files already open, so that no
descriptor can be made any more: no file, no socket, no pipe. Whatever needs privileges (dropping root, an empty
network namespace) is best effort; the rest must succeed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal

_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_NOBODY = 65534


def isolate_network() -> None:
    """Move to a network namespace without interfaces, where the platform allows; needs a single thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def confine(parent: int, memory_bytes: int) -> None:
    """Give up everything that decoding does not need.

    Args:
        parent: process id of the parent; if it is gone already, the child leaves at once.
        memory_bytes: limit of the address space.
    """
    os.environ.clear()
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    die_with(parent)  # a change of user clears it, so it comes after
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, _lowest_free_descriptor()),
    ):
        resource.setrlimit(limit, (value, value))


def die_with(parent: int) -> None:
    """Have the kernel kill this process when the one that started it dies, however that dies."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the call above
        os._exit(0)


def allow_cpu(seconds: int) -> None:
    """Let the process use so many CPU seconds from now; more is answered by SIGXCPU, which ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _lowest_free_descriptor() -> int:
    free = os.open("/", os.O_RDONLY)
    os.close(free)
    return free
