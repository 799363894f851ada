"""The `wangge` command: wiring only. What a command does stands in `gis_api.commands`.

Heavy packages are imported inside the commands, so that `wangge --help` answers at once.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from gis_api.commands import accounts, batch, explaining, importing, service

if TYPE_CHECKING:
    from layers.errors import LayerError

app = typer.Typer(
    name="wangge",
    help="Wangge (网格): the map behind grid-based community management.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
for part in (service, accounts, importing, explaining, batch):
    part.register(app)


def main() -> None:
    """Run the command; a known error is told in one line, not as a traceback."""
    from pydantic import ValidationError
    from sqlalchemy.exc import ArgumentError, OperationalError

    from layers.errors import LayerError

    try:
        app()
    except LayerError as error:
        _end(_words(error))
    except OperationalError as error:
        _end(f"The database cannot be reached: {_line(error.orig)}")
    except ArgumentError:
        _end("WANGGE_DATABASE_URL is no address of a PostgreSQL, such as postgresql://user@host/wangge.")
    except ValidationError as error:
        _end("; ".join(f"WANGGE_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors() if one["loc"]))


def _words(error: LayerError) -> str:
    from gis_api.texts import has, text

    key = f"errors.{error.code}"
    return text(key, "en", **error.details) if has(key) else str(error)


def _line(error: object) -> str:
    return (str(error).splitlines() or ["no reason given"])[0]


def _end(words: str) -> None:
    print(words, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
