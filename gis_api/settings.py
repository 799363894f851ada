"""Every setting of the service, read from the environment (prefix WANGGE_) in this one place.

    WANGGE_VAR=/srv/wangge WANGGE_PORT=8010 wangge serve

Nothing else in the three packages looks at the environment. All of it stands in docs/settings.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, IPvAnyNetwork, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from layers.service_role import SERVICE
from migrations.cluster import Cluster

MEGABYTE = 1_000_000
# Read by scripts, tests and docker-compose, not by the service.
READ_ELSEWHERE = (
    *(
        "WANGGE_PYTHON",
        "WANGGE_TEST_WORKERS",
        "WANGGE_TEST_DATA",
        "WANGGE_TEST_CASES",
        "WANGGE_CHROMIUM",
        "WANGGE_DATABASE_PASSWORD",
    ),
    *("WANGGE_WALK_STEPS", "WANGGE_WALK_SEED", "WANGGE_WRITE_DOCS"),
)
# The figures that a weight can be given to: those of `layers.evaluation` of which more, or less, is better.
Rated = Literal["solved", "fed_back", "open", "on_time", "late", "right_first", "reworked", "returned"]
Weight = Annotated[float, Field(ge=0.0, le=1e6)]
POSTGRESQL = ("postgresql://", "postgres://", "postgresql+psycopg://")


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(env_prefix="WANGGE_", extra="ignore", frozen=True, use_attribute_docstrings=True)

    var: Path = Path("var")
    """Folder of everything that is not code: the private PostGIS, snapshots."""
    database_url: str | None = None
    """Another PostgreSQL instead of the private one."""
    host: str = "127.0.0.1"
    """Address that the service listens on."""
    port: int = Field(default=8000, ge=1, le=65_535)
    """Port that the service listens on."""
    workers: int = Field(default=2, ge=1, le=64)
    """Number of API processes."""
    tls_cert: Path | None = None
    """Certificate (PEM) of the service; phones need HTTPS."""
    tls_key: Path | None = None
    """Private key (PEM) of the certificate."""
    pool_size: int = Field(default=10, ge=1)
    """Database connections that one process keeps open."""
    origins: tuple[str, ...] = ()
    """Further origins whose pages may write with the session cookie."""
    gap_fallback_m: float = Field(default=50.0, ge=0.0)
    """How far the nearest grid of a point in a gap may be."""
    bounds_margin_deg: float = Field(default=0.5, ge=0.0)
    """How far outside the frames a position is believed."""
    stale_after_s: float = Field(default=3.0, gt=0.0)
    """Without contact for so long, answers are marked stale."""
    poll_s: float = Field(default=0.2, gt=0.0)
    """How often the version table is asked."""
    timeouts_every_s: float = Field(default=1.0, ge=0.0)
    """How often assignments that nobody has accepted in time are looked for and passed on; 0: not by this process."""
    track_days: int = Field(default=30, ge=0, le=366)
    """For how many days the tracks of workers are kept, which only they see; 0: none is kept."""
    body_bytes: int = Field(default=2 * MEGABYTE, gt=0)
    """Largest body of a request where nothing else is said."""
    locate_bytes: int = Field(default=8 * MEGABYTE, gt=0)
    """Largest body of POST /locate."""
    geometry_bytes: int = Field(default=64 * MEGABYTE, gt=0)
    """Largest body of requests that carry many shapes."""
    upload_bytes: int = Field(default=200 * MEGABYTE, gt=0)
    """Largest uploaded file."""
    photo_bytes: int = Field(default=16 * MEGABYTE, gt=0)
    """Largest photo of an incident, with the form around it."""
    sheet_bytes: int = Field(default=4 * MEGABYTE, gt=0)
    """Largest workbook of the standard sheet, with the form around it."""
    most_vertices: int = Field(default=2_000_000, gt=0)
    """Most vertices of one request."""
    sign_ins_per_minute: int = Field(default=10, gt=0)
    """Attempts to sign in with one name from one network before each further one has to wait longer."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Networks of proxies in front of the service; only theirs X-Forwarded-For and X-Forwarded-Proto are believed."""
    webhook_networks: tuple[IPvAnyNetwork, ...] = ()
    """Networks of your own to which webhooks may lead; without them only addresses of the internet over HTTPS."""
    base_map_url: str = ""
    """Address pattern of a tile server for the ground of the maps."""
    base_map_datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"] = "wgs84"
    """Its datum."""
    map_notice: str = ""
    """Text that stands on every map: approval number, attribution."""
    time_zone: str = "Asia/Shanghai"
    """Time zone of the city: its days, months, shifts and working hours are told by it."""
    evaluation_weights: dict[Rated, Weight] = {"on_time": 40.0, "fed_back": 30.0, "right_first": 15.0, "reworked": 15.0}
    """What each figure weighs in the score of the evaluation (`docs/evaluation.md`), as JSON."""
    language: Literal["", "zh-CN", "en"] = ""
    """Language of the command line; without it that of the terminal (LC_ALL, LC_MESSAGES, LANG), else English."""

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(POSTGRESQL):
            raise PydanticCustomError(
                "database_url", "no address of a PostgreSQL, such as postgresql://user@host/wangge"
            )
        return url

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise PydanticCustomError("time_zone", "no time zone such as Asia/Shanghai") from error
        return name

    @property
    def weights(self) -> Mapping[str, float]:
        """What each figure weighs in the score of the evaluation."""
        return {str(name): weight for name, weight in self.evaluation_weights.items()}

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the city."""
        return ZoneInfo(self.time_zone)

    @property
    def cluster(self) -> Cluster:
        """The private PostGIS of this instance; looking at it starts nothing."""
        return Cluster((self.var / "postgres").resolve())

    @property
    def snapshot_file(self) -> Path:
        """What a process serves from when it starts while PostgreSQL is away."""
        return self.var / "snapshot.wangge"

    @property
    def roster_file(self) -> Path:
        """Who may be sent, for a process that starts while PostgreSQL is away; beside the snapshot."""
        return self.var / "roster.wangge"

    @property
    def demo_passwords(self) -> Path:
        """Where the demo's passwords are kept for the operator, readable by nobody else; there where it is served."""
        return self.var / "demo-passwords.json"

    @property
    def upload_folder(self) -> Path:
        """Where uploaded files lie for a day, under random names."""
        return (self.var / "uploads").resolve()

    def service_url(self) -> str:
        """The address as which API and jobs sign in; with a configured one they change to their role afterwards."""
        return self.database_url or self.cluster.url(user=SERVICE)

    def url(self) -> str:
        """The address of the database: the configured one, else that of the private cluster."""
        return self.database_url or self.cluster.url()


def command_language() -> str:
    """The language of the command line: WANGGE_LANGUAGE, else Chinese in a Chinese terminal, else English.

    Asked apart from the other settings: also that one of them is wrong is told in it.
    """
    stated = os.environ.get("WANGGE_LANGUAGE")
    if stated in ("zh-CN", "en"):
        return stated
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh-CN" if next(filter(None, names), "").lower().startswith("zh") else "en"


def list_unknown_variables() -> list[str]:
    """The variables of the environment that begin as settings do and are none: most likely a slip of the pen."""
    known = {f"WANGGE_{name.upper()}" for name in Settings.model_fields} | set(READ_ELSEWHERE)
    return sorted(name for name in os.environ if name.startswith("WANGGE_") and name not in known)
