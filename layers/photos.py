"""Photos of incidents ([D9], [D10]): pixels only, with place and time kept apart, seen by whoever sees the incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint, func, insert, select
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers import incidents, sandbox
from layers.access import Actor
from layers.db import Base, id_column
from layers.errors import Conflict, Forbidden, NotFound
from layers.incidents import Step
from layers.pictures import Developed
from layers.sandbox import Room, SandboxLimits

KINDS = ("near", "far", "before", "after", "other")
MOST_PHOTOS = 12
# A picture of 60 million pixels takes 180 MB, three times over; a child that needs more is broken.
_ROOM = Room(limits=SandboxLimits(memory_bytes=1_500 * 2**20, cpu_s=20, wall_s=40.0, answer_bytes=16 * 2**20))
_EXIF_MOMENT = "%Y:%m:%d %H:%M:%S"


class Photo(Base):
    """One photo; `image` and `thumbnail` are JPEG, `sha256` is that of the file as it was sent."""

    __tablename__ = "incident_photos"
    __table_args__ = (
        CheckConstraint(f"kind IN ({', '.join(repr(kind) for kind in KINDS)})", name="kind"),
        UniqueConstraint("incident_id", "sha256", name="uq_incident_photos_incident_id_sha256"),
    )

    id: Mapped[int] = id_column()
    incident_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("incidents.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(server_default="other")
    at: Mapped[datetime]
    by: Mapped[str]
    sha256: Mapped[Any] = mapped_column(BYTEA)
    width: Mapped[int]
    height: Mapped[int]
    taken_at: Mapped[datetime | None]
    taken_lon: Mapped[float | None]
    taken_lat: Mapped[float | None]
    image: Mapped[Any] = mapped_column(BYTEA)
    thumbnail: Mapped[Any] = mapped_column(BYTEA)


@dataclass(frozen=True, slots=True)
class PhotoCard:
    """What is told of a photo without its pixels."""

    id: int
    kind: str
    at: datetime
    by: str
    width: int
    height: int
    taken_at: datetime | None
    taken_lon: float | None
    taken_lat: float | None


@dataclass(frozen=True, slots=True)
class TakenWhere:
    """When and where whoever sends a photo says it was taken, degrees WGS84; None for what is not said."""

    at: datetime | None = None
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True, slots=True)
class SentPhoto:
    """A photo as it came: its pixels with what the file says, the digest of the file, and what is told beside it."""

    picture: Developed
    sha256: bytes
    kind: str
    told: TakenWhere = TakenWhere()


_CARD = tuple(getattr(Photo, name) for name in PhotoCard.__slots__)


def develop(file: bytes) -> Developed:
    """The pixels of a file and what it says of place and time, worked out in a child process; some 0.3 s."""
    return Developed.unpack(sandbox.run("layers.pictures:develop", file, room=_ROOM))


def require_may_add(session: Session, incident_id: int, *, by: Actor) -> None:
    """Raise NotFound for an incident that the caller may not see, Forbidden where it is none of theirs."""
    card = incidents.get_incident(session, incident_id, by=by)
    if not incidents.parts_in(card, by):
        raise Forbidden("photo_not_yours")


def add_photo(
    session: Session,
    incident_id: int,
    sent: SentPhoto,
    *,
    now: datetime,
    zone: ZoneInfo,
    by: Actor,
) -> PhotoCard:
    """The stored photo, and a line in the timeline; the same file again is the photo that is there already.

    What the camera wrote into the file goes before what is told beside it.
    Raises Conflict where the incident has as many as it may.
    """
    require_may_add(session, incident_id, by=by)
    incident = incidents.lock_incident(session, incident_id)
    same = select(*_CARD).where(Photo.incident_id == incident_id, Photo.sha256 == sent.sha256)
    if (known := session.execute(same).one_or_none()) is not None:
        return PhotoCard(*known)
    if (session.scalar(select(func.count()).where(Photo.incident_id == incident_id)) or 0) >= MOST_PHOTOS:
        raise Conflict("photos_enough", most=MOST_PHOTOS)
    picture, told = sent.picture, sent.told
    row = {"incident_id": incident_id, "kind": sent.kind, "at": now, "by": by.name, "sha256": sent.sha256}
    lon, lat = (told.lon, told.lat) if picture.lon is None else (picture.lon, picture.lat)
    row |= {"taken_at": _moment(picture, zone) or told.at, "taken_lon": lon, "taken_lat": lat}
    row |= {name: getattr(picture, name) for name in ("width", "height", "image", "thumbnail")}
    stored = session.execute(insert(Photo).values(**row).returning(*_CARD)).one()
    incidents.add_steps(session, incident_id, [Step("photo", incident.state, to=str(stored.id))], at=now, by=by)
    incidents.touch(incident)
    session.flush()
    return PhotoCard(*stored)


def _moment(picture: Developed, zone: ZoneInfo) -> datetime | None:
    """When it was taken, by the camera's own offset, else by the city's clock; None for what is no moment."""
    try:
        if picture.offset:
            return datetime.strptime(f"{picture.taken_at} {picture.offset}", f"{_EXIF_MOMENT} %z")
        return datetime.strptime(picture.taken_at or "", _EXIF_MOMENT).replace(tzinfo=zone)
    except ValueError:
        return None


def list_photos(session: Session, incident_id: int) -> Sequence[PhotoCard]:
    """The photos of an incident, oldest first, without their pixels."""
    found = select(*_CARD).where(Photo.incident_id == incident_id).order_by(Photo.id)
    return [PhotoCard(*row) for row in session.execute(found)]


def get_pixels(session: Session, incident_id: int, photo_id: int, *, small: bool, by: Actor) -> bytes:
    """The JPEG; raises NotFound for an incident that the caller may not see and for a photo that is not of it."""
    incidents.get_incident(session, incident_id, by=by)
    column = Photo.thumbnail if small else Photo.image
    found = session.scalar(select(column).where(Photo.id == photo_id, Photo.incident_id == incident_id))
    if found is None:
        raise NotFound("not_found")
    return bytes(found)
