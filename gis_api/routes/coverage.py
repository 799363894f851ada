"""POST /api/v1/coverage: is this set of polygons a tiling, and if not, what is wrong where ([S4], [S5])."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import numpy as np
import shapely
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from gis_api.answers import declare_answer
from gis_api.answers.plans import SetReport
from gis_api.dependencies import Planner, Read, Settings_
from gis_api.geojson import POLYGONS, SAME_AS_WGS84, convert_many_to_wgs84, datum_of, parse_geometry
from gis_api.large_bodies import PatientRoute
from layers.areas import find_crs_at
from layers.checking import CheckTask, NamedRow, check, choose_epsg, find_middle, judge_names
from layers.errors import Unacceptable
from tiling.tolerance import Tolerance

router = APIRouter(tags=["coverage"], route_class=PatientRoute)
LONGEST_CODE = 100


class ToleranceIn(BaseModel):
    """What still counts as the same; metres and a share."""

    model_config = ConfigDict(extra="forbid")

    snap_m: Annotated[float, Field(gt=0, le=10)] = Tolerance().snap_m
    sliver_m: Annotated[float, Field(gt=0, le=100)] = Tolerance().sliver_m
    contained_share: Annotated[float, Field(gt=0.5, le=1)] = Tolerance().contained_share


class CoverageIn(BaseModel):
    """Grids as a FeatureCollection whose features have a `code`, and the frame that they should fill."""

    model_config = ConfigDict(extra="forbid")

    grids: dict[str, Any]
    frame: dict[str, Any] | None = None
    tolerance: ToleranceIn = ToleranceIn()
    datum: str | None = None


class CoverageOut(BaseModel):
    """The report; places are WGS84.

    `repeated` holds the codes given to several features with the numbers of these (from 0), `lost` the sub-grids whose
    grid is not there with the code that they name. Either way the set is not `ok`.
    """

    ok: bool
    defects: list[dict[str, Any]]
    summary: dict[str, Any]
    repeated: dict[str, list[int]]
    lost: dict[str, str]
    took_ms: float


@router.post("/api/v1/coverage", responses=declare_answer(SetReport))
def check_coverage(sent: CoverageIn, by: Planner, session: Read, settings: Settings_) -> CoverageOut:
    """The defects of any set of polygons. A property `parts_allowed` of a feature says that several parts are meant,
    `parent_code` (or the 17 digits of a sub-grid) which grid of the set is above it: the lowest level is held against
    the frame, each upper outline against what lies below it.

    Invalid polygons are reported, not refused; what is no polygon at all is 422 with the place in the document.
    """
    began = time.perf_counter()
    datum = datum_of(by, sent.datum)
    reader = _SetReader(datum, settings.most_vertices)
    rows, polygons, parts_allowed = reader.grids(sent.grids)
    naming = judge_names(rows)
    frame = None if sent.frame is None else reader.shape(sent.frame, ["frame"])
    if sent.frame is not None and frame is None:
        raise Unacceptable("empty_geometry", errors=[(["frame"], "empty_geometry")])
    task = CheckTask(
        codes=[one.code for one in rows],
        polygons=polygons,
        frame=frame,
        tolerance=_tolerance(sent.tolerance),
        parts_allowed=parts_allowed,
        parents=naming.parents,
        epsg=_choose_epsg(session, polygons),
    )
    report = check(task)
    took_ms = round((time.perf_counter() - began) * 1000, 1)
    return CoverageOut(
        ok=report["ok"] and naming.is_sound,
        defects=report["defects"],
        summary=report["summary"],
        repeated=dict(naming.repeated),
        lost=dict(naming.lost),
        took_ms=took_ms,
    )


def _tolerance(sent: ToleranceIn) -> Tolerance:
    if sent.snap_m > sent.sliver_m:
        raise Unacceptable("wrong_tolerance", errors=[(["tolerance", "snap_m"], "wrong_tolerance")])
    return Tolerance(snap_m=sent.snap_m, sliver_m=sent.sliver_m, contained_share=sent.contained_share)


def _choose_epsg(session: Session, polygons: list[BaseGeometry | None]) -> int:
    """That of the stored district under the middle of the shapes, else the zone of the place."""
    middle = find_middle(polygons)
    known = None if middle is None else find_crs_at(session, lon=middle[0], lat=middle[1])
    return known if known is not None else choose_epsg(polygons)


class _SetReader:
    """Shapes out of a request, within one limit on vertices for all of them together."""

    def __init__(self, datum: str, most_vertices: int) -> None:
        self._datum = datum
        self._left = most_vertices
        self._most = most_vertices

    def grids(self, sent: dict[str, Any]) -> tuple[list[NamedRow], list[BaseGeometry | None], list[str]]:
        """Codes with what stands above them, shapes and the codes that may have several parts."""
        features = sent.get("features")
        if sent.get("type") != "FeatureCollection" or not isinstance(features, list):
            raise Unacceptable("no_feature_collection", errors=[(["grids", "type"], "no_feature_collection")])
        rows, shapes, parts_allowed = [], [], []
        for number, feature in enumerate(features):
            at: list[str | int] = ["grids", "features", number]
            properties = _properties(feature, at)
            rows.append(_name_row(number, feature, properties, at))
            shapes.append(self.shape(feature.get("geometry"), [*at, "geometry"]))
            if properties.get("parts_allowed") is True:
                parts_allowed.append(rows[-1].code)
        return rows, shapes, parts_allowed

    def shape(self, sent: Any, at: list[str | int]) -> BaseGeometry | None:
        """The shape in WGS84, None for none or an empty one; an invalid one as it is."""
        if sent is None:
            return None
        try:
            shape = parse_geometry(sent, datum=self._datum, kinds=POLYGONS, most_vertices=self._left)
        except Unacceptable as refused:
            if refused.code == "empty_geometry":
                return None
            if refused.code != "invalid_geometry":
                raise _relocate(refused, at, self._most) from refused
            shape = self._read_invalid(sent)
        self._left -= int(shapely.get_num_coordinates(shape))
        return shape

    def _read_invalid(self, sent: Any) -> BaseGeometry:
        # The parser has been through depth, size and numbers before it called the shape invalid: it is safe to build.
        shape: BaseGeometry = shapely.force_2d(shapely.from_geojson(json.dumps(sent)))
        if self._datum in SAME_AS_WGS84:
            return shape
        return shapely.transform(
            shape, lambda xy: np.column_stack(convert_many_to_wgs84(xy[:, 0], xy[:, 1], self._datum))
        )


def _properties(feature: Any, at: list[str | int]) -> dict[str, Any]:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise Unacceptable("no_feature", errors=[(at, "no_feature")])
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise Unacceptable("no_feature", errors=[([*at, "properties"], "no_feature")])
    return properties


def _name_row(number: int, feature: dict[str, Any], properties: dict[str, Any], at: list[str | int]) -> NamedRow:
    parent, level = properties.get("parent_code"), properties.get("level")
    if isinstance(parent, int) and not isinstance(parent, bool):
        parent = str(parent)
    if parent is not None and (not isinstance(parent, str) or len(parent) > LONGEST_CODE):
        raise Unacceptable("code_missing", errors=[([*at, "properties", "parent_code"], "code_missing")])
    told = level if isinstance(level, str) else None
    return NamedRow(number, _code(feature, properties, at), parent or None, told)


def _code(feature: dict[str, Any], properties: dict[str, Any], at: list[str | int]) -> str:
    code = properties.get("code", feature.get("id"))
    if isinstance(code, int) and not isinstance(code, bool):
        code = str(code)
    if not isinstance(code, str) or not code.strip() or len(code) > LONGEST_CODE:
        raise Unacceptable("code_missing", errors=[([*at, "properties", "code"], "code_missing")])
    return code


def _relocate(refused: Unacceptable, at: list[str | int], most: int) -> Unacceptable:
    """The same refusal, its places counted from the top of the document."""
    errors = [([*at, *place], message) for place, message in refused.errors]
    details = {**refused.details, "most": most} if "most" in refused.details else refused.details
    return Unacceptable(refused.code, where=refused.where, errors=errors, **details)
