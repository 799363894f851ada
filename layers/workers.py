"""Workers: the people in charge of grids and sub-grids. Phones are masked unless the role needs them ([A2])."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from geoalchemy2.functions import ST_X, ST_Y
from sqlalchemy import CheckConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor, require_area, require_visible
from layers.db import WGS84, Base, code_column, geometry_column, id_column, now_column
from layers.errors import Conflict, NotFound, Unacceptable
from layers.freshness import ROSTERS
from layers.history import note
from layers.specs import Code, Field, Imported, LayerSpec


class WorkerRole(enum.StrEnum):
    """网格员 · 网格长 · 楼栋长 · 巡查队 · 服务队."""

    grid_worker = "grid_worker"
    grid_leader = "grid_leader"
    building_leader = "building_leader"
    patrol_team = "patrol_team"
    service_team = "service_team"


class Worker(Base):
    """One worker; `number` is the staff number people use, `area` scopes who may see the row."""

    __tablename__ = "workers"
    __table_args__ = (
        CheckConstraint(
            "role IN ('grid_worker','grid_leader','building_leader','patrol_team','service_team')", name="role"
        ),
    )

    id: Mapped[int] = id_column()
    number: Mapped[str] = code_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    area: Mapped[str] = code_column(index=True)
    phone: Mapped[str | None]
    unit_code: Mapped[str | None] = code_column(nullable=True)
    home: Mapped[Any | None] = geometry_column("POINT", nullable=True, spatial_index=False)
    active: Mapped[bool] = mapped_column(server_default="true")
    # Since when a worker who is not active has left; their duty before is still told.
    left_at: Mapped[datetime | None]
    last_assigned_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = now_column()


SPEC = LayerSpec(
    "workers",
    Worker,
    imported=Imported(
        fields=(
            Field("number", ("number", "staff_number", "worker", "工号"), Code()),
            Field("name", ("name", "姓名")),
            Field("role", ("role", "岗位")),
            Field("area", ("area", "area_code", "区域代码"), Code()),
            Field("phone", ("phone", "手机", "电话"), Code()),
            Field("unit_code", ("unit_code", "unit", "部门"), Code()),
            Field("grid", ("grid", "grid_code", "网格编码"), Code()),
        ),
    ),
)


def announce(session: Session) -> None:
    """Tell every process at the commit that staff, duty or positions have changed."""
    session.execute(select(func.pg_notify(ROSTERS, "")))


def mask_phone(phone: str | None) -> str | None:
    """A phone of which only the first three and the last two digits are left."""
    if phone is None or len(phone) < 6:
        return None
    return phone[:3] + "*" * (len(phone) - 5) + phone[-2:]


@dataclass(frozen=True, slots=True)
class WorkerCard:
    """What is told of a worker; `home` is lon, lat in degrees, for those only who may send somebody there."""

    id: int
    number: str
    name: str
    role: str
    area: str
    phone: str | None
    unit_code: str | None
    home: tuple[float, float] | None
    active: bool
    last_assigned_at: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """Which workers are asked for; `after` is the staff number that the page before ended with."""

    area: str = ""
    role: str | None = None
    after: str = ""
    limit: int = 100


def add_worker(session: Session, number: str, *, name: str, role: str, area: str, by: Actor, **more: Any) -> WorkerCard:
    """The new worker; `more` may hold phone, unit_code and home (lon, lat).

    Raises Conflict when the number is taken, Forbidden outside the caller's area.
    """
    require_area(by, area)
    if session.scalar(select(Worker.id).where(Worker.number == number)) is not None:
        raise Conflict("number_taken", number=number)
    worker = Worker(number=number, name=name, role=_require_role(role), area=area, **_columns(more))
    session.add(worker)
    session.flush()
    announce(session)
    note(session, "worker.added", subject=number, area=area, by=by, role=role)
    return get_worker(session, number, by=by)


def change_worker(session: Session, number: str, changes: Mapping[str, Any], *, by: Actor) -> WorkerCard:
    """The worker with these columns changed; who changes the area needs a right to both areas."""
    worker = session.scalar(select(Worker).where(Worker.number == number).with_for_update())
    if worker is None:
        raise NotFound("not_found")
    require_visible(by, worker.area)
    if "area" in changes:
        require_area(by, changes["area"])
    if "role" in changes:
        _require_role(changes["role"])
    for column, value in _columns(changes).items():
        setattr(worker, column, value)
    session.flush()
    announce(session)
    note(session, "worker.changed", subject=number, area=worker.area, by=by, changed=sorted(changes))
    return get_worker(session, number, by=by)


def get_worker(session: Session, number: str, *, by: Actor) -> WorkerCard:
    """The worker with this staff number; raises NotFound for an unknown one and for one of another area."""
    row = session.execute(_cards().where(Worker.number == number)).one_or_none()
    require_visible(by, row.area if row is not None else None)
    if row is None:
        raise NotFound("not_found")
    return _card(row)


def list_workers(session: Session, found: Found, *, by: Actor) -> list[WorkerCard]:
    """Active and former workers of the caller's area, by staff number."""
    statement = _cards().where(
        Worker.area.startswith(by.area, autoescape=True),
        Worker.area.startswith(found.area, autoescape=True),
        Worker.number > found.after,
    )
    if found.role is not None:
        statement = statement.where(Worker.role == found.role)
    return [_card(row) for row in session.execute(statement.order_by(Worker.number).limit(found.limit))]


def ids_of(session: Session, numbers: Collection[str], *, by: Actor) -> dict[str, int]:
    """The ids of active workers by staff number.

    Raises Unacceptable naming the first unknown number, and Forbidden for a worker of another area.
    """
    rows = session.execute(
        select(Worker.number, Worker.id, Worker.area).where(Worker.number.in_(list(numbers)), Worker.active)
    )
    known = {row.number: row for row in rows}
    for number in numbers:
        if number not in known:
            raise Unacceptable("unknown_worker", errors=[(["worker"], "unknown_worker")], worker=number[:60])
        require_area(by, known[number].area)
    return {number: row.id for number, row in known.items()}


def numbers_of(session: Session, ids: Collection[int]) -> dict[int, Any]:
    """Number, name and phone of these workers by id."""
    columns = (Worker.id, Worker.number, Worker.name, Worker.phone)
    return {row.id: row for row in session.execute(select(*columns).where(Worker.id.in_(list(ids))))}


def _require_role(role: str) -> str:
    if role not in set(WorkerRole):
        raise Unacceptable("unknown_worker_role", errors=[(["role"], "unknown_worker_role")], role=role[:60])
    return role


def _columns(given: Mapping[str, Any]) -> dict[str, Any]:
    columns = dict(given)
    if "home" in columns:
        home: Sequence[float] | None = columns["home"]
        columns["home"] = None if home is None else func.ST_SetSRID(func.ST_MakePoint(*home), WGS84)
    return columns


def _cards() -> Any:
    return select(
        *(Worker.id, Worker.number, Worker.name, Worker.role, Worker.area, Worker.phone, Worker.unit_code),
        *(Worker.active, Worker.last_assigned_at, ST_X(Worker.home).label("lon"), ST_Y(Worker.home).label("lat")),
    )


def _card(row: Any) -> WorkerCard:
    home = None if row.lon is None else (row.lon, row.lat)
    known = {name: getattr(row, name) for name in WorkerCard.__slots__ if name != "home"}
    return WorkerCard(home=home, **known)
