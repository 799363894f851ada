"""`script/bench NAME`: run the benchmarks of that name, print their lines, keep them as JSON under var/bench/."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import platform
import re
import sys
import time
from pathlib import Path

# One name may stand for several modules: what a reader of performance.md would ask for together.
BENCHES = {
    "locate": ("bench.locate", "bench.http_locate"),
    "heads": ("bench.heads",),
    "heat": ("bench.heat",),
    "journeys": ("bench.journeys",),
    "answers": ("bench.answers",),
    "batch": ("bench.batch",),
    "centre": ("bench.centre",),
    "check": ("bench.check",),
    "deadlines": ("bench.deadlines",),
    "dispatch": ("bench.dispatch", "bench.positions"),
    "doors": ("bench.doors",),
    "divide": ("bench.divide",),
    "edits": ("bench.edits",),
    "evaluation": ("bench.evaluation",),
    "endless": ("bench.endless",),
    "parity": ("bench.parity",),
    "planner": ("bench.planner_page",),
    "privacy": ("bench.privacy",),
    "publishing": ("bench.publishing", "bench.swapping"),
    "repair": ("bench.repair",),
    "races": ("bench.races",),
    "spots": ("bench.spots",),
    "sign-in": ("bench.sign_in",),
}
LINE = re.compile(
    r"^(?P<name>[^:]+): (?P<value>[-+0-9.,eE]+) (?P<unit>\S+)(?: \(ratio to (?P<peer>[^:]+): (?P<ratio>[-+0-9.eE]+)\))?"
)


class Tee(io.StringIO):
    """What is printed, shown at once and kept."""

    def __init__(self, screen: io.TextIOBase) -> None:
        super().__init__()
        self.screen = screen

    def write(self, text: str) -> int:
        self.screen.write(text)
        self.screen.flush()
        return super().write(text)


def main(argv: list[str]) -> int:
    """The exit status: that of the worst benchmark."""
    if not argv or argv[0] not in BENCHES:
        print("script/bench NAME, one of: " + " ".join(sorted(BENCHES)))
        return 2
    tee = Tee(sys.stdout)  # type: ignore[arg-type]
    with contextlib.redirect_stdout(tee):
        status = max(importlib.import_module(module).main(argv[1:]) for module in BENCHES[argv[0]])
    keep(argv[0], tee.getvalue())
    return status


def keep(name: str, printed: str) -> None:
    """Write the figures of one run as JSON."""
    figures = [match.groupdict() for line in printed.splitlines() if (match := LINE.match(line))]
    folder = Path(os.environ.get("WANGGE_VAR", "var")) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    run = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "figures": figures,
    }
    (folder / f"{name}.json").write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
