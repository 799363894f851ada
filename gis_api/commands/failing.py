"""Why a command cannot go on, in one line and in the operator's language: whatever an operator can mend.

What nobody foresaw stays a traceback: it is a fault of the program, and its place is what mends it.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from gis_api.texts import find_sentence, find_typed_key, has, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import ValidationError
    from sqlalchemy.exc import DBAPIError

    from layers.errors import LayerError
    from tiling.errors import TilingError

# What the system says, by its number; another one is told in the system's own words.
REASONS = {
    errno.ENOENT: "missing",
    errno.EACCES: "no_rights",
    errno.EPERM: "no_rights",
    errno.EROFS: "read_only",
    errno.ENOSPC: "no_room",
    errno.EDQUOT: "no_room",
    errno.EFBIG: "no_room",
    errno.ENOTDIR: "file_for_folder",
    errno.EEXIST: "file_for_folder",
    errno.EISDIR: "folder_for_file",
    errno.EMFILE: "too_many_files",
    errno.ENFILE: "too_many_files",
    errno.ENAMETOOLONG: "name_too_long",
}

_WRONG = re.compile(r"\b(?:error|FATAL|PANIC):|No space left|Read-only file system|Permission denied")


def find_line(error: BaseException, lang: str) -> str | None:
    """The one line that is told for an error, None for one that no operator can mend."""
    from alembic.util import CommandError
    from psycopg import Error as PsycopgError
    from pydantic import ValidationError
    from pydantic_settings import SettingsError
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    from gis_api.errors import Problem
    from layers.errors import LayerError
    from tiling.errors import TilingError

    known: tuple[tuple[type[BaseException], Callable[..., str]], ...] = (
        (LayerError, _describe_layer_error),
        (Problem, _describe_layer_error),
        (TilingError, _describe_tiling_error),
        (ValidationError, _describe_settings_error),
        (SettingsError, lambda error, lang: text("cli.wrong_setting", lang, reason=_take_first_line(error))),
        (DBAPIError, _describe_database_error),
        (PsycopgError, lambda error, lang: text("cli.database_refuses", lang, reason=_take_first_line(error))),
        (SQLAlchemyError, lambda error, lang: text("cli.database_refuses", lang, reason=_take_first_line(error))),
        (CommandError, lambda error, lang: text("cli.wrong_revision", lang, reason=_take_first_line(error))),
        (OSError, _describe_system_error),
    )
    for kind, words in known:
        if isinstance(error, kind):
            return _take_first_line(words(error, lang))
    return None


def _describe_layer_error(error: LayerError, lang: str) -> str:
    key = find_typed_key(f"errors.{error.code}")
    values = {name: _find_telling_line(value) if name == "log" else value for name, value in error.details.items()}
    try:
        told = text(key, lang, **values) if has(key) else str(error)
    except (KeyError, IndexError, ValueError):
        told = str(error)
    places = ", ".join(f"{'.'.join(map(str, loc))}" for loc, _ in error.errors[:5] if loc)
    return f"{told} ({places})" if places else told


def _describe_tiling_error(error: TilingError, lang: str) -> str:
    said, key = find_sentence(str(error)), f"errors.{error.code}"
    try:
        if said is not None:
            return text(said[0], lang, **said[1])
        return text(key, lang, **error.details) if has(key) else str(error)
    except (KeyError, IndexError, ValueError):
        return str(error)


def _describe_settings_error(error: ValidationError, lang: str) -> str:
    """Each setting that is wrong, by its variable; the value is not repeated, for it may hold a password."""
    told = []
    for one in error.errors():
        name = "_".join(str(part) for part in one["loc"][:1]) or "?"
        key, values = f"validation.{one['type']}", one.get("ctx") or {}
        said = text(key, lang, **values) if has(key) else str(one["msg"])
        told.append(f"WANGGE_{name.upper()}: {said}")
    return "; ".join(told)


def _describe_database_error(error: DBAPIError, lang: str) -> str:
    from sqlalchemy.exc import OperationalError

    state = getattr(error.orig, "sqlstate", None)
    reason = _take_first_line(error.orig)
    if state in ("53100", "53200"):
        return text("cli.database_has_no_room", lang, reason=reason)
    if state is None and isinstance(error, OperationalError):
        return text("cli.database_away", lang, reason=reason)
    return text("cli.database_refuses", lang, reason=reason)


def _describe_system_error(error: OSError, lang: str) -> str:
    code = REASONS.get(error.errno or 0)
    reason = text(f"cli.{code}", lang) if code else error.strerror or str(error)
    return text("cli.cannot_use", lang, path=error.filename, reason=reason) if error.filename else reason


def _take_first_line(error: object) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _find_telling_line(log: object) -> str:
    """The last line of a log that says what is wrong; behind it a program tells how it cleans up."""
    lines = [line.strip() for line in str(log).splitlines() if line.strip()]
    return next((line for line in reversed(lines) if _WRONG.search(line)), lines[-1] if lines else "")
