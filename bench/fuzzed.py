"""`script/fuzz`: a service of its own, asked by schemathesis as each role; what failed, and where the memory is.

    python -m bench.fuzzed path/to/schemathesis SECONDS EXAMPLES

What fails: an answer of 5xx, a status or a media type that the API document does not name, another form than it says.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.journeys.serving import Service, start, stop

ROLES = ("admin", "planner", "dispatcher", "leader", "worker", "auditor")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Streams never end; each try of a password takes a third of a second, and too many of them are 429 for everybody.
LEFT_OUT = r"/(live|session|users.*)$"


def main() -> int:
    """The number of roles for which something failed."""
    tool, seconds, examples = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    folder = Path(tempfile.mkdtemp(prefix="wangge-fuzz-"))
    folder.chmod(0o755)
    service = start(folder)
    try:
        for _ in range(8):
            service.ask("/api/v1/openapi.json")  # made once in each process, in a second or two
        report_memory(service, "before")
        failed = [role for role in ROLES if not fuzz(service, tool, role, seconds // len(ROLES), examples)]
        report_memory(service, "after")
        time.sleep(30)
        report_memory(service, "30 s later")
    finally:
        stop(service)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"fuzz: {len(ROLES) - len(failed)} of {len(ROLES)} roles without a failure", *failed)
    return len(failed)


def fuzz(service: Service, tool: str, role: str, seconds: int, examples: int) -> bool:
    """Whether all answers to one role's key were those of the document."""
    key = service.run("key", "add", f"fuzz {role}", "--role", role, "--area", "130273", "--datum", "wgs84").strip()
    time.sleep(2)  # every process knows the key by then
    command = [tool, "run", f"{service.address}/api/v1/openapi.json", "-H", f"Authorization: Bearer {key}"]
    command += ["--checks", CHECKS, "--max-examples", str(examples), "--max-time", str(seconds), "--seed", "1"]
    command += ["--request-timeout", "20", "--exclude-path-regex", LEFT_OUT, "--phases", "examples,coverage,fuzzing"]
    command += ["--no-shrink", "--continue-on-failure", "--warnings", "off", "--no-color"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=service.var)
    print(f"== {role}: exit {done.returncode}", *done.stdout.splitlines()[-60:], sep="\n", flush=True)
    return done.returncode == 0


def report_memory(service: Service, when: str) -> None:
    """Print the resident memory of each process of the service: all of it, and what of it is anonymous (MB)."""
    for pid, name in processes(service.process.pid):
        told = Path(f"/proc/{pid}/status").read_text()
        whole, own = (int(found[1]) // 1024 for found in re.finditer(r"Rss(?:Anon|File):\s+(\d+)", told))
        print(f"memory {when}: {name} {whole + own} MB", f"({whole} anonymous)", flush=True)


def processes(parent: int) -> Iterator[tuple[int, str]]:
    """Every Python process below one, with the end of its command line."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for pid in map(int, children):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if "python" in words[0]:
            yield pid, " ".join(words[-5:-1])[-60:]
        yield from processes(pid)


if __name__ == "__main__":
    sys.exit(main())
