"""What is wrong with a page as it is drawn: texts that are cut or leave the screen, words of the other language.

page.evaluate(FAULTS, asked("en"))      a sentence for each fault (tests/js/faults.js), none where all is well
"""

from __future__ import annotations

import re
from pathlib import Path

from gis_api import texts

HAN = re.compile(r"[\u4e00-\u9fff]")
# Words in Latin letters that a Chinese page says: formats, datums, keys, and names without a Chinese form.
LATIN = (
    *("WGS", "CGCS", "CRS", "EPSG", "CSV", "PDF", "GeoJSON", "GeoPackage", "GeoParquet", "Shapefile", "KML", "DXF"),
    *("FlatGeobuf", "Excel", "xlsx", "Esc", "Alt", "Ctrl", "Enter", "Shift", "Delete", "MultiPolygon", "api", "plans"),
    *("get", "grids", "geojson", "certificate", "json", "check", "wangge", "import", "docs"),
)

_SCRIPT = (Path(__file__).parents[1] / "js" / "faults.js").read_text()
FAULTS = f"(asked) => {{ {_SCRIPT.replace('export function', 'function')} return faultsOf(asked); }}"


def asked(lang: str, *names: str) -> dict[str, object]:
    """What FAULTS is to know: the language, and pieces of sentences in Chinese. `names` are data in any language."""
    pieces = {
        piece.strip()
        for key, sentence in texts.catalogue("zh-CN").items()
        if key != "frame.other_language"
        for piece in re.split(r"\{\w+\}", sentence)
        if len(HAN.findall(piece)) >= 4 and not any(piece.strip() in name for name in names)
    }
    return {"lang": lang, "latin": [*LATIN, *names], "foreign": sorted(pieces)}
