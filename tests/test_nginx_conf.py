"""What deploy/nginx.conf lets pass is what the service accepts: no upload of the allowed size ends at the proxy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gis_api.envelope import BodyLimits
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


SETTINGS = Settings(database_url="postgresql+psycopg://x@y/z")


@pytest.mark.parametrize("path", ["/api/v1/uploads", "/api/v1/imports"])
def test_a_file_of_the_allowed_size_passes_with_the_form_around_it(path: str) -> None:
    assert limit_of(path) >= SETTINGS.upload_bytes + 100_000


def test_whatever_the_service_takes_passes_the_proxy() -> None:
    """Each kind of path that may be sent more than others, by a path of its kind."""
    limits = BodyLimits.of(SETTINGS)
    paths = {
        pattern.pattern.replace("(imports|uploads)", "uploads").replace("[^/]+", "7"): most
        for pattern, most in limits.by_pattern
    }
    assert len(paths) >= 6 and all(limits.limit_of_path(path) == most for path, most in paths.items())
    assert {path: most for path, most in paths.items() if limit_of(path) < most} == {}
    assert limit_of("/api/v1/plans") >= limits.usual
