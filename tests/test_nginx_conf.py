"""What deploy/nginx.conf lets pass is what the service accepts: no upload of the allowed size ends at the proxy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gis_api.settings import Settings

CONF = (Path(__file__).parents[1] / "deploy" / "nginx.conf").read_text(encoding="utf-8")


def limit_of(path: str) -> int:
    """The largest body that the proxy lets through to a path, in bytes."""
    whole = re.search(r"client_max_body_size (\d+)m;", CONF)
    assert whole is not None
    for kind, where, block in re.findall(r"location (=|~) (\S+)\s*\{([^}]*)\}", CONF):
        if where == path if kind == "=" else re.search(where, path):
            own = re.search(r"client_max_body_size (\d+)m;", block)
            return int((own or whole)[1]) * 2**20
    return int(whole[1]) * 2**20


@pytest.mark.parametrize("path", ["/api/v1/uploads", "/api/v1/imports"])
def test_a_file_of_the_allowed_size_passes_with_the_form_around_it(path: str) -> None:
    assert limit_of(path) >= Settings(database_url="postgresql+psycopg://x@y/z").upload_bytes + 100_000
