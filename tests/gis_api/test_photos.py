"""Photos of an incident: pixels only, bounded, seen by whoever sees the incident ([D9], [D10])."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from gis_api.settings import Settings
from layers.db import transaction
from layers.photos import MOST_PHOTOS, Photo
from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import report
from tests.small_city import SmallCity

_GPS, _EXIF = 0x8825, 0x8769


def picture(size: tuple[int, int] = (900, 600), kind: str = "JPEG", *, colour: str = "teal", **saved: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **saved)
    return out.getvalue()


def with_notes(*, turned: int = 1) -> bytes:
    """A photo whose camera says who, where and when, and how it was held."""
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = turned, "王小明"
    exif.get_ifd(_EXIF).update({0x9003: "2026:11:29 22:00:05"})
    exif.get_ifd(_GPS).update({1: "N", 2: (39.0, 39.0, 36.0), 3: "E", 4: (118.0, 10.0, 48.0)})
    return picture(exif=exif, comment=b"a comment")


@pytest.fixture
def case(desk: TestClient, small_city: SmallCity) -> str:
    return str(report(desk, small_city.inside(small_city.codes[0])).json()["id"])


def send(client: TestClient, case: str, file: bytes, **fields: str) -> Any:
    files = {"file": ("photo.jpg", file, "image/jpeg")}
    return client.post(f"/api/v1/incidents/{case}/photos", files=files, data=fields)


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rsplit(":", 1)[-1]


def test_a_photo_is_kept_as_pixels_with_place_and_time_beside_them(
    engine: Engine, desk: TestClient, case: str, settings: Settings
) -> None:
    answer = send(desk, case, with_notes(turned=6), kind="before")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["kind"], told["width"], told["height"]) == ("before", 600, 900)  # turned upright
    # A camera without an offset means the clock of the city.
    assert datetime.fromisoformat(told["taken_at"]) == datetime(2026, 11, 29, 14, 0, 5, tzinfo=UTC)
    assert (round(told["position"]["lon"], 4), round(told["position"]["lat"], 4)) == (118.18, 39.66)
    for address in (told["url"], told["thumbnail"]):
        shown = desk.get(address)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
        assert (shown.headers["x-content-type-options"], "private" in shown.headers["cache-control"]) == (
            "nosniff",
            True,
        )
        made = Image.open(io.BytesIO(shown.content))
        assert (made.getexif(), "comment" in made.info, "王小明".encode() in shown.content) == ({}, False, False)
    assert max(Image.open(io.BytesIO(desk.get(told["thumbnail"]).content)).size) == 320
    full = desk.get(f"/api/v1/incidents/{case}").json()
    assert [one["id"] for one in full["photos"]] == [told["id"]]
    assert (full["timeline"][-1]["step"], full["timeline"][-1]["to"]) == ("photo", told["id"])
    assert list(Path(settings.upload_folder).iterdir()) == []
    with transaction(engine) as session:
        assert session.scalars(select(Photo.taken_lon)).one() == pytest.approx(118.18)


def test_a_phone_that_made_a_picture_smaller_says_beside_it_where_and_when(desk: TestClient, case: str) -> None:
    beside = {"taken_at": "2026-11-29T08:00:00+08:00", "lon": "118.19", "lat": "39.65"}
    told = send(desk, case, picture(), **beside).json()
    assert datetime.fromisoformat(told["taken_at"]) == datetime(2026, 11, 29, 0, 0, tzinfo=UTC)
    assert told["position"] == {"lon": 118.19, "lat": 39.65, "datum": "wgs84"}
    # What the camera itself wrote counts before that.
    camera = send(desk, case, with_notes(), **beside).json()
    assert datetime.fromisoformat(camera["taken_at"]) == datetime(2026, 11, 29, 14, 0, 5, tzinfo=UTC)
    assert round(camera["position"]["lon"], 2) == 118.18
    wrong = [{"taken_at": "20261129"}, {"taken_at": "2099-01-01T00:00:00Z"}, {"taken_at": "2026-11-29T08:00:00"}]
    assert {refusal(send(desk, case, picture(colour="red"), **one)) for one in wrong} == {(422, "photo_taken_wrong")}
    places = [{"lon": "118"}, {"lon": "nan", "lat": "39"}, {"lon": "0", "lat": "0"}, {"lon": "181", "lat": "1"}]
    assert {refusal(send(desk, case, picture(colour="red"), **one)) for one in [*places, {"lon": "x", "lat": "1"}]} == {
        (422, "photo_place_wrong")
    }
    assert len(desk.get(f"/api/v1/incidents/{case}/photos").json()["photos"]) == 2


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_formats_of_phones_become_jpeg_and_large_ones_smaller(desk: TestClient, case: str, kind: str) -> None:
    told = send(desk, case, picture((4_000, 3_000), kind)).json()
    assert (told["width"], told["height"]) == (2_048, 1_536)
    assert Image.open(io.BytesIO(desk.get(told["url"]).content)).format == "JPEG"


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.js", "alert(1)")
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of 30,000 × 30,000 black pixels in some kilobytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (b"<script>alert(1)</script>", "photo_holds_more"),
        (b"#!/bin/sh\nrm -rf /\n", "not_a_photo"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "photo_holds_more"),
        (picture() + b"<SCRIPT src=//x></SCRIPT>", "photo_holds_more"),
        (picture(comment=b"<?php system($_GET[0]); ?>"), "photo_holds_more"),
        (picture() + zipped(), "photo_holds_more"),
        (b"GIF89a/*" + b"0" * 50 + b"*/=1;alert(1)", "not_a_photo"),
        (picture(kind="GIF"), "not_a_photo"),
        (picture(kind="BMP"), "not_a_photo"),
        (picture()[:400], "not_a_photo"),
        (b"", "not_a_photo"),
        (bomb(), "photo_too_many_pixels"),
    ],
    ids=["page", "shell", "svg", "tail", "comment", "zip", "gif_script", "gif", "bmp", "cut", "empty", "bomb"],
)
def test_what_is_no_photo_or_more_than_one_is_refused_and_nothing_is_kept(
    engine: Engine, desk: TestClient, case: str, settings: Settings, file: bytes, code: str
) -> None:
    assert refusal(send(desk, case, file)) == (422, code)
    with transaction(engine) as session:
        assert session.scalars(select(Photo.id)).all() == []
    assert list(Path(settings.upload_folder).iterdir()) == []


def test_a_second_picture_after_the_first_as_phones_append_it_is_no_reason(desk: TestClient, case: str) -> None:
    assert send(desk, case, picture() + picture(colour="red")).status_code == 201


def test_the_same_file_again_is_the_photo_that_is_there_and_there_is_a_limit(desk: TestClient, case: str) -> None:
    first = send(desk, case, picture((10, 10)))
    assert send(desk, case, picture((10, 10))).json()["id"] == first.json()["id"]
    for n in range(1, MOST_PHOTOS):
        assert send(desk, case, picture((10, 10 + n))).status_code == 201
    assert refusal(send(desk, case, picture((10, 90)))) == (409, "photos_enough")
    assert len(desk.get(f"/api/v1/incidents/{case}/photos").json()["photos"]) == MOST_PHOTOS


def test_a_body_over_the_limit_is_413_and_a_form_without_a_file_422(desk: TestClient, case: str) -> None:
    assert send(desk, case, bytes(17_000_000)).status_code == 413
    answer = desk.post(f"/api/v1/incidents/{case}/photos", files={"kind": (None, "near")})
    assert refusal(answer) == (422, "upload_missing")
    assert refusal(send(desk, case, picture(), kind="selfie")) == (422, "unknown_photo_kind")


def test_who_may_see_them_follows_the_incident_and_the_place_is_for_desks(
    desk: TestClient, client_as: ClientAs, case: str
) -> None:
    told = send(desk, case, with_notes()).json()
    auditor, stranger = client_as("auditor"), client_as("dispatcher", area="110101")
    assert auditor.get(told["url"]).status_code == 200
    (seen,) = auditor.get(f"/api/v1/incidents/{case}/photos").json()["photos"]
    assert (seen["position"], seen["taken_at"]) == (None, None)
    for address in (told["url"], told["thumbnail"], f"/api/v1/incidents/{case}/photos"):
        assert stranger.get(address).status_code == 404
    assert send(stranger, case, picture()).status_code == 404
    assert desk.get(f"/api/v1/incidents/{int(case) + 1}/photos/{told['id']}").status_code == 404


def test_a_worker_who_has_nothing_to_do_with_a_case_adds_nothing_to_it(
    desk: TestClient, client_as: ClientAs, case: str
) -> None:
    assert refusal(send(client_as("worker"), case, picture())) == (403, "photo_not_yours")
