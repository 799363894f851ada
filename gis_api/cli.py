"""The `wangge` command: wiring only. What a command does stands in `gis_api.commands`.

Heavy packages are imported inside the commands, so that `wangge --help` answers at once.
"""

from __future__ import annotations

import signal
import sys

import typer

from gis_api.commands import accounts, batch, dividing, explaining, importing, parser_words, service
from gis_api.commands.failing import find_line
from gis_api.commands.speaking import speak

app = typer.Typer(
    name="wangge",
    help="Wangge: the map behind grid-based community management.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
for part in (service, accounts, importing, explaining, batch, dividing):
    part.register(app)


def main() -> None:
    """Run the command; what an operator can mend is told in one line, not as a traceback."""
    from gis_api.settings import command_language

    # As an error, so that what a command has started is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    lang = command_language()
    try:
        command = typer.main.get_command(app)
        speak(command, lang)
        parser_words.speak(lang)
        command()
    except Exception as error:
        line = find_line(error, lang)
        if line is None:
            raise
        print(line, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
