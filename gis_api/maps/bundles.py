"""An own module with everything that it imports, as one file: seventy requests of a page become one.

esbuild makes it: one program in `node_modules` that needs no node, so that it also runs where the pages are served.
"""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Names stay, so that what a console tells can be read; `utf8`: Chinese words stay three bytes long instead of six.
OPTIONS = (
    *("--bundle", "--format=esm", "--target=es2022", "--charset=utf8", "--log-level=error"),
    *("--minify-whitespace", "--minify-syntax"),
)
# It takes 60 ms; a machine that is busy with everything else gets this long.
TIME_OUT_S = 30


class BundleError(RuntimeError):
    """A module could not be bundled; the message has esbuild's words, or what to install."""


def find_bundler() -> Path | None:
    """esbuild for this machine, None where `npm ci --ignore-scripts` did not bring it."""
    return next((ROOT / "node_modules" / "@esbuild").glob("*/bin/esbuild"), None)


@cache
def bundle_of(entry: Path) -> str:
    """The script that does what the module `entry` does, and exports the same, minified.

    Raises BundleError where a module is missing or is no JavaScript, with its file and line, and without esbuild.
    """
    bundler = find_bundler()
    if bundler is None:
        raise BundleError("esbuild is not installed: script/setup brings it")
    done = subprocess.run(  # noqa: S603 - our own program on our own files
        [bundler, *OPTIONS, str(entry)], cwd=ROOT, capture_output=True, text=True, timeout=TIME_OUT_S, check=False
    )
    if done.returncode != 0:
        raise BundleError(done.stderr.strip())
    return done.stdout
