"""`python -m migrations.check`: exit 1 when the models say something that no migration does.

`python -m migrations.check MESSAGE` writes the missing revision instead.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from layers.db import make_engine
from migrations import cluster as clusters
from migrations import run


def main(argv: list[str]) -> int:
    """The exit status; uses a throw-away cluster."""
    folder = Path(tempfile.mkdtemp(prefix="wangge-migrations-"))
    cluster = clusters.start(folder)
    try:
        engine = make_engine(clusters.add_database(cluster, "wangge"))
        run.upgrade(engine)
        differences = run.list_differences(engine)
        if differences and argv:
            run.make_revision(engine, " ".join(argv))
        engine.dispose()
    finally:
        clusters.stop(cluster)
        shutil.rmtree(folder, ignore_errors=True)
    for difference in differences:
        print(difference)
    return 1 if differences and not argv else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
