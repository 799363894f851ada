"""A picture from outside as pixels only, for the child process of `layers.sandbox`.

    answer = sandbox.run("layers.pictures:develop", file, room=ROOM)
    picture = Developed.unpack(answer)

Whatever a file holds beside its pixels (scripts, archives, comments, the owner's name, where and when it was taken)
does not come along: the picture is decoded, turned upright, made smaller and encoded anew; place and time are told
beside it. A file that is two things at once, a picture and a page or an archive, is refused, though only its pixels
would be kept: nobody sends one by accident. A second picture or a film after the first, as phones append them, is no
reason.
"""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from layers.errors import Unacceptable

# What phones and browsers send; other decoders are not even tried.
FORMATS = ("JPEG", "PNG", "WEBP")
# A phone's largest usual picture has 50 million pixels; decoded that is 150 MB.
MOST_PIXELS = 60_000_000
SIDE_PIXELS, THUMBNAIL_PIXELS = 2_048, 320
QUALITY = 82
# What begins a page, a script or a document, in any case; none of it stands in a picture by chance.
FOREIGN = (b"<script", b"<?php", b"<html", b"<svg", b"<iframe", b"javascript:", b"%pdf-")
_EXIF, _GPS = 0x8769, 0x8825
_TAKEN, _OFFSET = 0x9003, 0x9011
_HEAD = struct.Struct(">III")


@dataclass(frozen=True)
class Developed:
    """The pixels as JPEG in two sizes; `taken_at` is the camera's wall clock (`offset` where it says one), the place
    in degrees WGS84, None where the file does not say."""

    width: int
    height: int
    taken_at: str | None
    offset: str | None
    lon: float | None
    lat: float | None
    image: bytes
    thumbnail: bytes

    def pack(self) -> bytes:
        """The picture as bytes, to go through a pipe."""
        told = {name: value for name, value in asdict(self).items() if name not in ("image", "thumbnail")}
        head = json.dumps(told).encode()
        return _HEAD.pack(len(head), len(self.image), len(self.thumbnail)) + head + self.image + self.thumbnail

    @staticmethod
    def unpack(packed: bytes) -> Developed:
        """The picture that was packed."""
        sizes = _HEAD.unpack_from(packed)
        parts, start = [], _HEAD.size
        for size in sizes:
            parts.append(packed[start : start + size])
            start += size
        return Developed(**json.loads(parts[0]), image=parts[1], thumbnail=parts[2])


def develop(file: bytes) -> bytes:
    """The packed picture of a file; raises Unacceptable where it is none, holds more, or has too many pixels."""
    _refuse_foreign(file)
    picture = _open_picture(file)
    taken_at, offset, lon, lat = _read_camera(picture)
    try:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, MemoryError) as error:
        raise Unacceptable("not_a_photo", errors=[(["file"], "not_a_photo")]) from error
    whole, small = _encode(upright, SIDE_PIXELS), _encode(upright, THUMBNAIL_PIXELS)
    with Image.open(io.BytesIO(whole)) as made:
        width, height = made.size
    return Developed(width, height, taken_at, offset, lon, lat, whole, small).pack()


def _refuse_foreign(file: bytes) -> None:
    lowered = file.lower()
    if any(word in lowered for word in FOREIGN) or zipfile.is_zipfile(io.BytesIO(file)):
        raise Unacceptable("photo_holds_more", errors=[(["file"], "photo_holds_more")])


def _open_picture(file: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            picture = Image.open(io.BytesIO(file), formats=FORMATS)
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
            raise Unacceptable("not_a_photo", errors=[(["file"], "not_a_photo")]) from error
        except Image.DecompressionBombError as error:
            raise _size_error() from error
    # The head alone was read so far: nothing is decoded that is too large.
    if picture.width * picture.height > MOST_PIXELS:
        raise _size_error()
    return picture


def _size_error() -> Unacceptable:
    errors = [(["file"], "photo_too_many_pixels")]
    return Unacceptable("photo_too_many_pixels", errors=errors, millions=MOST_PIXELS // 1_000_000)


def _encode(picture: Image.Image, side: int) -> bytes:
    made = picture.copy()
    made.thumbnail((side, side))
    # A picture of nothing but these pixels: what hangs on the old one (profiles, comments) stays behind.
    bare = Image.frombytes("RGB", made.size, made.tobytes())
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def _read_camera(picture: Image.Image) -> tuple[str | None, str | None, float | None, float | None]:
    """When and where the camera says it was; whatever cannot be read was not said."""
    try:
        exif = picture.getexif()
        shot, place = exif.get_ifd(_EXIF), exif.get_ifd(_GPS)
    except Exception:  # a broken note of the camera is no reason to refuse its picture
        return None, None, None, None
    return (_words(shot.get(_TAKEN)), _words(shot.get(_OFFSET)), *_place(place))


def _words(value: Any) -> str | None:
    return value.strip("\x00 ")[:40] or None if isinstance(value, str) else None


def _place(gps: Any) -> tuple[float | None, float | None]:
    lat, lon = _degrees(gps.get(2), gps.get(1), "S"), _degrees(gps.get(4), gps.get(3), "W")
    if lat is None or lon is None or (lat, lon) == (0.0, 0.0) or not (abs(lat) <= 90 and abs(lon) <= 180):
        return None, None
    return lon, lat


def _degrees(parts: Any, side: Any, negative: str) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    return round(-value if side == negative else value, 7)
