"""Leaving the network for good: what a child process does before it reads anything that came from outside.

A vector file can make its reader call out (GDAL fetches a GeoJSON's `crs` that is a link), which tells strangers where
the service is and asks its neighbours questions. Switches of libraries are not enough: the kernel refuses sockets.
Linux on x86-64 and arm64; elsewhere only the switches remain.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct

_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_NEW_NETWORK = 0x40000000
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
_LOAD, _JUMP_EQUAL, _JUMP_FROM, _RETURN = 0x20, 0x15, 0x35, 0x06
# Where the kernel puts the number of the call and the architecture.
_AT_NUMBER, _AT_ARCHITECTURE = 0, 4
# Machine → its mark, and its numbers of socket, socketpair, connect, and of io_uring's three, which do the same unseen.
_MACHINES = {
    "x86_64": (0xC000003E, (41, 53, 42, 425, 426, 427)),
    "aarch64": (0xC00000B7, (198, 199, 203, 425, 426, 427)),
}
# Calls of the second numbering of x86-64 have this bit.
_OTHER_NUMBERING = 0x40000000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def leave_the_network() -> bool:
    """Whether this process can no longer make a socket of any kind, nor can any process that it starts.

    An empty network namespace where that is allowed (as root), and a filter of the kernel on the calls themselves.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None, use_errno=True)
        library.unshare(_NEW_NETWORK)
        return _install_filter(library)
    return False


def _install_filter(library: ctypes.CDLL) -> bool:
    known = _MACHINES.get(os.uname().machine)
    if known is None or library.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    steps = _steps(*known)
    kept = ctypes.create_string_buffer(steps, len(steps))
    program = _Program(len(steps) // 8, ctypes.cast(kept, ctypes.c_void_p).value)
    return bool(library.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0)


def _steps(mark: int, refused: tuple[int, ...]) -> bytes:
    """The filter: a foreign architecture or numbering and the calls of the list are refused, all else goes on."""
    count = len(refused)
    steps = [
        (_LOAD, 0, 0, _AT_ARCHITECTURE),
        (_JUMP_EQUAL, 0, count + 3, mark),
        (_LOAD, 0, 0, _AT_NUMBER),
        (_JUMP_FROM, count + 1, 0, _OTHER_NUMBERING),
        *((_JUMP_EQUAL, count - at, 0, number) for at, number in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)
