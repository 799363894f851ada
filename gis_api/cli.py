"""The `wangge` command: wiring only. What a command does stands in `gis_api.commands`.

Heavy packages are imported inside the commands, so that `wangge --help` answers at once.
"""

from __future__ import annotations

import sys

import typer

from gis_api.commands import accounts, batch, explaining, importing, service

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
    from layers.errors import LayerError

    try:
        app()
    except LayerError as error:
        from gis_api.texts import has, text

        key = f"errors.{error.code}"
        print(text(key, "en", **error.details) if has(key) else str(error), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
