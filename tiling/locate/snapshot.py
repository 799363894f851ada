"""Arrays in one block of bytes that can be mapped from a file and used where they lie.

    magic | 8 bytes: length of the head | SHA-256 of all that follows | head (JSON) | arrays, each on a multiple of 64

The checksum finds damage and files cut short, not forgery: a snapshot is as trusted as the folder it lies in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tiling.errors import TilingError

_MAGIC = b"WGLOC001"
_ALIGN = 64
_HEAD_AT = len(_MAGIC) + 8 + 32


class SnapshotDamaged(TilingError):
    """The bytes are no snapshot of this version, are cut short, or do not match their checksum."""

    code: ClassVar[str] = "snapshot_damaged"
    hint: ClassVar[str] = "Build the index again from the published plan."


def pack(about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """One block of bytes with the facts (anything JSON knows) and the arrays."""
    places: dict[str, list[Any]] = {}
    at = 0
    for name, array in arrays.items():
        places[name] = [array.dtype.str, list(array.shape), at]
        at = _align(at + array.nbytes)
    head = json.dumps({"about": dict(about), "arrays": places, "size": at}, ensure_ascii=False).encode()
    body = bytearray(_align(_HEAD_AT + len(head)) + at)
    body[_HEAD_AT : _HEAD_AT + len(head)] = head
    begin = _align(_HEAD_AT + len(head))
    for name, array in arrays.items():
        place = begin + places[name][2]
        body[place : place + array.nbytes] = np.ascontiguousarray(array).tobytes()
    body[: len(_MAGIC)] = _MAGIC
    body[len(_MAGIC) : len(_MAGIC) + 8] = len(head).to_bytes(8, "little")
    body[len(_MAGIC) + 8 : _HEAD_AT] = _compute_checksum(memoryview(body), len(head))
    return bytes(body)


def unpack(buffer: bytes | bytearray | memoryview | Any) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The facts and read-only arrays, which share the buffer's memory (bytes, a memory map, shared memory).

    Raises SnapshotDamaged. Cost: one SHA-256 over the buffer.
    """
    view = memoryview(buffer).cast("B").toreadonly()
    head = _read_head(view)
    begin = _align(_HEAD_AT + int.from_bytes(view[len(_MAGIC) : len(_MAGIC) + 8], "little"))
    if len(view) < begin + head["size"]:
        raise SnapshotDamaged("The snapshot is cut short: build the index again from the published plan.")
    arrays = {}
    for name, (dtype, shape, at) in head["arrays"].items():
        kind = np.dtype(dtype)
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(view, kind, count, begin + at).reshape(shape)
    return head["about"], arrays


def _read_head(view: memoryview) -> dict[str, Any]:
    if len(view) < _HEAD_AT or bytes(view[: len(_MAGIC)]) != _MAGIC:
        raise SnapshotDamaged("These bytes are no index snapshot of this version: build the index again.")
    length = int.from_bytes(view[len(_MAGIC) : len(_MAGIC) + 8], "little")
    if bytes(view[len(_MAGIC) + 8 : _HEAD_AT]) != _compute_checksum(view, length):
        raise SnapshotDamaged("The snapshot does not match its checksum: build the index again.", bytes=len(view))
    head: dict[str, Any] = json.loads(bytes(view[_HEAD_AT : _HEAD_AT + length]))
    return head


def _compute_checksum(view: memoryview, head_length: int) -> bytes:
    digest = hashlib.sha256(head_length.to_bytes(8, "little"))
    digest.update(view[_HEAD_AT:])
    return digest.digest()


def _align(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN
