"""Names of files in forms, as browsers and programs write them."""

from __future__ import annotations

import pytest
from python_multipart.multipart import parse_options_header

from gis_api.uploads import _file_name


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('form-data; name="file"; filename="grids.zip"', "grids.zip"),
        ('form-data; name="file"; filename="网格.zip"', "网格.zip"),
        ('form-data; name="file"; filename="_.zip"; filename*=UTF-8\'\'%E7%BD%91%E6%A0%BC.zip', "网格.zip"),
        ("form-data; name=\"file\"; filename*=GBK'zh'%CD%F8%B8%F1.zip", "网格.zip"),
        ("form-data; name=\"file\"; filename*=utf-8'en'a%20b.zip; x=y", "a b.zip"),
        ('form-data; name="field"', None),
    ],
)
def test_a_file_is_called_as_its_sender_calls_it(disposition: str, name: str | None) -> None:
    written = disposition.encode()
    _, options = parse_options_header(written)
    assert _file_name(options, written) == name
