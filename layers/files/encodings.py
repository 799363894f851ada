"""In which encoding the texts of a file are: decided from its bytes, the code page it states, and what a person says.

UTF-8 proves itself: text in another encoding is almost never valid UTF-8, so valid UTF-8 is UTF-8 whatever is stated.
After that a statement counts (a side file before a header), and a statement that the bytes contradict is refused.
Without any, Chinese offices mean GB18030, which holds GBK and GB2312, and the texts must look like it: nearly any bytes
can be read as GB18030, those of Big5, Shift JIS and KOI8 too, only that rare signs come out.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from layers.errors import Unacceptable

CHINESE = "gb18030"
KOREAN = "cp949"
# Supersets for what offices write under the name of the set.
_WIDER = {
    **dict.fromkeys(("gbk", "gb2312", "cp936", "hz", "gb18030", "euc_cn"), CHINESE),
    **dict.fromkeys(("euc_kr", "johab", "cp949"), "cp949"),
    **dict.fromkeys(("big5", "cp950", "big5hkscs"), "big5hkscs"),
    **dict.fromkeys(("shift_jis", "cp932"), "cp932"),
    "ascii": "utf-8",
    "utf-8-sig": "utf-8",
}
_ALIASES = {
    "65001": "utf-8", "936": CHINESE, "54936": CHINESE, "51936": CHINESE, "20936": CHINESE, "949": "cp949",
    "51949": "cp949", "950": "big5hkscs", "932": "cp932", "51932": "euc_jp", "20866": "koi8_r", "21866": "koi8_u",
    "ksc5601": "cp949", "ksc56011987": "cp949", "xgbk": CHINESE, "mskanji": "cp932", "macroman": "mac_roman",
}  # fmt: skip
# Byte 29 of a .dbf: the language driver, as dBase and ESRI number them.
_DRIVERS = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x04: "mac_roman", 0x08: "cp865", 0x09: "cp437", 0x0A: "cp850",
    0x0B: "cp437", 0x0D: "cp437", 0x0E: "cp850", 0x0F: "cp437", 0x10: "cp850", 0x11: "cp437", 0x12: "cp850",
    0x13: "cp932", 0x14: "cp850", 0x15: "cp437", 0x16: "cp850", 0x17: "cp865", 0x18: "cp437", 0x19: "cp437",
    0x1A: "cp850", 0x1B: "cp437", 0x1C: "cp863", 0x1D: "cp850", 0x1F: "cp852", 0x22: "cp852", 0x23: "cp852",
    0x24: "cp860", 0x25: "cp850", 0x26: "cp866", 0x37: "cp850", 0x40: "cp852", 0x4D: CHINESE, 0x4E: "cp949",
    0x4F: "big5hkscs", 0x50: "cp874", 0x57: "cp1252", 0x58: "cp1252", 0x59: "cp1252", 0x64: "cp852", 0x65: "cp866",
    0x66: "cp865", 0x67: "cp861", 0x6A: "cp737", 0x6B: "cp857", 0x6C: "cp863", 0x78: "big5hkscs", 0x79: "cp949",
    0x7A: CHINESE, 0x7B: "cp932", 0x7C: "cp874", 0x7D: "cp1255", 0x7E: "cp1256", 0x86: "cp737", 0x87: "cp852",
    0x88: "cp857", 0xC8: "cp1250", 0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253", 0xCC: "cp1257",
}  # fmt: skip
# What programs write into a header without asking anybody; it is believed only where the bytes look European.
_UNMEANT = ("cp1252", "cp437", "cp850", "iso8859-1", "latin-1")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Of Chinese words, nearly all signs are among the 6,763 of GB2312; of other text read as Chinese, hardly a third.
_LEAST_COMMON = 0.75
# From so many different signs on, a text whose signs all lie in one corner of the table is no accident.
_ENOUGH = 8
_SIGNS = re.compile(r"[^\x00-\x7f]")
_OF_THREE_BYTES = re.compile("[\u0800-\U0010ffff]")
# What a text in UTF-8 without three-byte signs is written in: one script each, with the marks that all use.
_SCRIPTS = tuple(
    re.compile(f"[\u00a0-\u00bf\u00d7\u00f7{letters}]*")
    for letters in (
        "\u00c0-\u024f", "\u0370-\u03ff", "\u0401-\u040c\u040e-\u044f\u0451-\u045f\u0490\u0491", "\u05b0-\u05f4",
        "\u060c-\u06ff",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """The encoding to read with, and the statement that was put aside for it, if any."""

    codec: str
    overruled: str | None = None

    @property
    def notes(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """The remark on a statement that was put aside."""
        if self.overruled is None:
            return ()
        return (("encoding_overruled", {"declared": self.overruled, "used": self.codec}),)


def find_codec(name: str) -> str | None:
    """Python's name for an encoding as people and programs write it (`ANSI 936`, `LDID/77`, `cp-950`); None if unknown.

    The widest set of a family stands for all of it.
    """
    told = name.strip().strip("\ufeff\x00").strip().strip("\"'").lower()
    plain = re.sub(r"[^a-z0-9]", "", told)
    driver = re.fullmatch(r"ldid(\d+)", plain)
    if driver:
        return _DRIVERS.get(int(driver[1]))
    number = re.fullmatch(r"(?:ansi|cp|ms|windows|oem|dos|ibm|xcp|codepage)?(\d{3,5})", plain)
    iso = re.fullmatch(r"(?:iso)?8859(\d{1,2})", plain)
    tried = [_ALIASES.get(plain), f"iso8859-{iso[1]}" if iso else None]
    tried += [_ALIASES.get(number[1]), f"cp{number[1]}"] if number else []
    for one in (*tried, told, plain):
        if one is None:
            continue
        try:
            found = codecs.lookup(one)
        except (LookupError, ValueError):
            continue
        if found._is_text_encoding:
            return _WIDER.get(found.name.replace("-", "_"), _WIDER.get(found.name, found.name))
    return None


def find_driver_codec(number: int) -> str | None:
    """The encoding that byte 29 of a .dbf states; None for 0 and unknown numbers."""
    return _DRIVERS.get(number)


def find_asked_codec(name: str | None) -> str | None:
    """The encoding that a person named; raises Unacceptable `encoding_not_known` for an unknown name."""
    if name is None:
        return None
    codec = find_codec(name)
    if codec is None:
        raise Unacceptable("encoding_not_known", encoding=name)
    return codec


def find_marked_codec(head: bytes) -> str | None:
    """The encoding that the first bytes say: a byte order mark, or the zeros of UTF-16 without one; None for none."""
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    if len(head) < 4 or b"\x00" not in head:
        return None
    even, odd = head[0::2].count(0) / (len(head) / 2), head[1::2].count(0) / (len(head) / 2)
    if odd > 0.2 and even < 0.02:
        return "utf-16-le"
    return "utf-16-be" if even > 0.2 and odd < 0.02 else None


def choose(
    pieces: Sequence[bytes], *, file: str, asked: str | None = None, stated: Iterable[str | None] = ()
) -> Choice:
    """The encoding of these texts (a whole content, or names and cells one by one, which may be cut within a sign).

    `asked` is what a person said, `stated` what the file says, the most telling first. Raises Unacceptable
    `encoding_unknown` where the bytes contradict what was said, or where nothing was said and they look like nothing.
    """
    codec = find_asked_codec(asked)
    if codec is not None:
        return _keep_codec(pieces, codec, file=file)
    told = [one for one in stated if one]
    telling = [piece for piece in pieces if not piece.isascii()]
    if not telling:
        return Choice("utf-8")
    if can_read(telling, "utf-8") and not _is_utf8_by_accident(telling):
        return Choice("utf-8", next((one for one in told if find_codec(one) != "utf-8"), None))
    for one in told:
        choice = _judge_statement(telling, one, file=file)
        if choice is not None:
            return choice
    if can_read(telling, CHINESE) and looks_chinese(telling):
        return Choice(CHINESE, told[0] if told else None)
    if can_read(telling, KOREAN) and _looks_korean(telling):
        return Choice(KOREAN, told[0] if told else None)
    raise Unacceptable("encoding_unknown", file=file, tried=", ".join(dict.fromkeys(("utf-8", *told, CHINESE))))


def _keep_codec(pieces: Sequence[bytes], codec: str, *, file: str) -> Choice:
    if not can_read(pieces, codec):
        raise Unacceptable("encoding_unknown", file=file, tried=codec)
    return Choice(codec)


def _judge_statement(pieces: Sequence[bytes], told: str, *, file: str) -> Choice | None:
    """What a statement makes of the bytes; None for one that says nothing against them (UTF-8, or a default)."""
    codec = find_codec(told)
    if codec is None:
        raise Unacceptable("encoding_unknown", file=file, tried=told)
    if codec == "utf-8":
        return None
    if codec in _UNMEANT and not _looks_european(pieces, codec):
        return None
    return _keep_codec(pieces, codec, file=file)


def can_read(pieces: Iterable[bytes], codec: str) -> bool:
    """Whether all of these are in the encoding; the last sign of each may be cut off."""
    try:
        for piece in pieces:
            decode(piece, codec)
    except UnicodeDecodeError:
        return False
    return True


def decode(piece: bytes, codec: str) -> str:
    """The text of these bytes without a sign that is cut at the end; raises UnicodeDecodeError."""
    if piece.isascii() and not codec.startswith("utf-16") and not codec.startswith("utf-32"):
        return piece.decode("ascii")
    return codecs.getincrementaldecoder(codec)().decode(piece)


def _is_utf8_by_accident(pieces: Sequence[bytes]) -> bool:
    """Whether Chinese words in GBK happen to be valid UTF-8: 学院路 is, as ѧԺ·, signs of three scripts in one word."""
    texts = [decode(piece, "utf-8") for piece in pieces]
    if any(_OF_THREE_BYTES.search(text) for text in texts):
        return False
    signs = "".join(_SIGNS.findall("".join(texts)))
    if any(_fits_all(script, signs) for script in _SCRIPTS):
        return False
    return can_read(pieces, CHINESE) and looks_chinese(pieces)


def _fits_all(script: re.Pattern[str], signs: str) -> bool:
    return script.fullmatch(signs) is not None


def looks_chinese(pieces: Sequence[bytes]) -> bool:
    """Whether these bytes, read as GB18030, are the signs that Chinese words are made of."""
    signs = "".join(_SIGNS.findall("".join(decode(piece, CHINESE) for piece in pieces)))
    if not signs:
        return False
    words = [sign for sign in signs if "\u4e00" <= sign <= "\u9fff"]
    other = [sign for sign in signs if not "\u4e00" <= sign <= "\u9fff" and not _is_mark(sign)]
    codes = [code for word in words if (code := _encode_gb2312(word)) is not None]
    if len(codes) + (len(signs) - len(words) - len(other)) < _LEAST_COMMON * len(signs):
        return False
    if len(set(codes)) < _ENOUGH:
        return True
    # Hangul fills rows B0 to C8, and Cyrillic letters are all above C0: Chinese words are all over the table.
    hangul = all(0xB0 <= code[0] <= 0xC8 for code in codes)
    cyrillic = all(min(code) >= 0xC0 for code in codes)
    return not hangul and not cyrillic


def _is_mark(sign: str) -> bool:
    """Punctuation and full-width forms, which stand in Chinese texts beside the words."""
    return "\u3000" <= sign <= "\u303f" or "\uff00" <= sign <= "\uffef" or sign in "·—…“”‘’×°㎡№"


def _encode_gb2312(sign: str) -> bytes | None:
    try:
        return sign.encode("gb2312")
    except UnicodeEncodeError:
        return None


def _looks_korean(pieces: Sequence[bytes]) -> bool:
    """Whether these bytes, read as Korean, are Hangul and hardly anything else, and enough of it to be no accident."""
    signs = _SIGNS.findall("".join(decode(piece, KOREAN) for piece in pieces))
    hangul = [sign for sign in signs if "\uac00" <= sign <= "\ud7a3"]
    return len(set(hangul)) >= _ENOUGH and len(hangul) > 0.9 * len(signs)


def _looks_european(pieces: Sequence[bytes], codec: str) -> bool:
    """Whether high bytes are letters that stand alone or in twos, as accents do, and not whole words."""
    runs = [run for piece in pieces for run in re.findall(rb"[\x80-\xff]+", piece)]
    if not runs or not can_read(pieces, codec):
        return False
    letters = "".join(decode(run, codec) for run in runs)
    few = sum(len(run) <= 2 for run in runs)
    return bool(few >= 0.8 * len(runs) and sum(map(str.isalpha, letters)) >= 0.8 * len(letters))
