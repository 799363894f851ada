"""A process that has loaded the whole application and waits: it becomes the API process that is missing.

    python -m gis_api.spare waits-until-it-is-needed

To load the application and to make it takes four seconds of a processor, many more on a busy machine, so a killed API
process would be missed for as long. The supervisor keeps one spare, and hands it the command of the process that ended
as one line of JSON on its standard input; what is left to do is to read the snapshot (0.1 s) and to open the listening
socket, which the spare has inherited. Where the supervisor ends, the input ends, and so does the spare.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import uvicorn.main

from gis_api import gc_tuning
from gis_api.app import HEAVY, create_app
from gis_api.fast_locate import Service

# The application as every command names it, and as uvicorn finds the one that was made here.
APPLICATION, MADE = "gis_api.app:create_app", "gis_api.spare:get_service"

# Where the arguments lie in memory: proc(5), fields 48 and 49 of /proc/self/stat, counted behind the name in brackets.
_ARGUMENTS = slice(45, 47)


def main() -> None:
    """Load and make everything, wait for the command, and serve as it says."""
    for name in HEAVY:
        importlib.import_module(name)
    get_service()
    gc_tuning.set_aside()
    line = sys.stdin.buffer.readline()
    if not line:
        return
    command: list[str] = json.loads(line)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    take_name(command)
    words = [MADE if word == APPLICATION else word for word in command[command.index("uvicorn") + 1 :]]
    uvicorn.main.main(words, prog_name="uvicorn")


@cache
def get_service() -> Service:
    """The application of this process, made with the first call."""
    return create_app()


def take_name(command: Sequence[str]) -> None:
    """Be listed (`ps`, /proc) under this command, as much of it as there is room for: an operator sees what it does."""
    fields = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()
    start, end = map(int, fields[_ARGUMENTS])
    room = end - start
    told = "\0".join(command).encode()[: room - 1]
    if start and room > 0:
        ctypes.memset(start, 0, room)
        ctypes.memmove(start, told, len(told))


if __name__ == "__main__":
    sys.modules["gis_api.spare"] = sys.modules[__name__]  # where uvicorn looks for `MADE`
    main()
