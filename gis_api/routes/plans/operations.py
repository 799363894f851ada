"""The planner's operations as they are sent: one model for each, made from the fields of the operation itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from fastapi import Body
from pydantic import BaseModel, ConfigDict, create_model
from pydantic import Field as Member
from shapely.geometry.base import BaseGeometry

from gis_api.geojson import convert_to_wgs84, parse_geometry, parse_patches
from layers.planning.edits.operations import OPERATIONS, Operation
from layers.planning.edits.operations.operation import SentAs, SentColumns, SentKind

# A carve comes from a drawing or from somebody's layer; more than this is no grid.
MOST_VERTICES = 100_000

Code = Annotated[str, Member(min_length=1, max_length=60)]
_Lon = Annotated[float, Member(ge=-180, le=180, allow_inf_nan=False)]
_Lat = Annotated[float, Member(ge=-90, le=90, allow_inf_nan=False)]
_Shape = dict[str, Any]


def _read_position(sent: Any, datum: str) -> tuple[float, float]:
    lon, lat = sent
    return convert_to_wgs84(lon, lat, datum)


def _read_point(sent: Any, datum: str) -> tuple[float, float]:
    (lon, lat), *_ = parse_geometry(sent, datum=datum, kinds=("Point",)).coords
    return lon, lat


def _read_line(sent: Any, datum: str) -> BaseGeometry:
    return parse_geometry(sent, datum=datum, kinds=("LineString",), most_vertices=MOST_VERTICES)


def _read_ground(sent: Any, datum: str) -> BaseGeometry:
    return parse_geometry(sent, datum=datum, most_vertices=MOST_VERTICES)


def _read_patches(sent: Any, datum: str) -> BaseGeometry:
    return parse_patches(sent, datum=datum, most_vertices=MOST_VERTICES)


class MemberForm(NamedTuple):
    """What is taken for a member, how it becomes the operation's value, and whether it holds coordinates."""

    type: Any
    read: Callable[[Any, str], Any] = lambda sent, _: sent
    placed: bool = False


FORMS: Mapping[SentKind, MemberForm] = {
    SentKind.position: MemberForm(tuple[_Lon, _Lat], _read_position, placed=True),
    SentKind.point: MemberForm(_Shape, _read_point, placed=True),
    SentKind.line: MemberForm(_Shape, _read_line, placed=True),
    SentKind.ground: MemberForm(_Shape, _read_ground, placed=True),
    SentKind.patches: MemberForm(_Shape, _read_patches, placed=True),
    SentKind.code: MemberForm(Code),
    SentKind.codes: MemberForm(
        Annotated[list[Code], Member(min_length=2, max_length=200)], lambda sent, _: tuple(sent)
    ),
    SentKind.name: MemberForm(Annotated[str, Member(max_length=200)]),
    SentKind.given_name: MemberForm(Annotated[str, Member(min_length=1, max_length=200)]),
}


class AskedOperation(BaseModel):
    """What every operation may state."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    kind_of: ClassVar[type[Operation]]
    datum: str | None = Member(None, max_length=20)

    @classmethod
    def is_placed(cls) -> bool:
        """Whether the operation holds coordinates, so that their datum must be known."""
        return any(form.placed for _, form in _members(cls.kind_of))

    def operation(self, datum: str) -> Operation:
        """The operation that was asked for, in WGS84; raises Unacceptable for shapes that are none."""
        values: dict[str, Any] = {}
        for one, form in _members(self.kind_of):
            sent = getattr(self, one.name)
            values[one.name] = None if sent is None else form.read(sent, datum)
        for name, columns in _columns(self.kind_of).items():
            values[name] = self._set_columns(columns)
        return self.kind_of(**values)

    def _set_columns(self, columns: SentColumns) -> dict[str, Any]:
        sent = [one for one in columns.columns if one.sent in self.model_fields_set]
        values = {one: getattr(self, one.sent) for one in sent}
        return {one.column: value for one, value in values.items() if value is not None or one.removable}


@cache
def _members(kind: type[Operation]) -> tuple[tuple[Field[Any], MemberForm], ...]:
    """The members of an operation that are sent as themselves."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple((one, _form_of(hints[one.name])) for one in fields(kind) if _columns_in(hints[one.name]) is None)


@cache
def _columns(kind: type[Operation]) -> Mapping[str, SentColumns]:
    hints = get_type_hints(kind, include_extras=True)
    found = {one.name: _columns_in(hints[one.name]) for one in fields(kind)}
    return {name: columns for name, columns in found.items() if columns is not None}


def _columns_in(hint: Any) -> SentColumns | None:
    return next((mark for mark in get_args(hint) if isinstance(mark, SentColumns)), None)


def _form_of(hint: Any) -> MemberForm:
    """The form of a member by its type: as its mark says, as it is where it has none, or null where that is allowed."""
    if get_origin(hint) is Annotated:
        marks = [mark for mark in get_args(hint) if isinstance(mark, SentKind)]
        return FORMS[marks[0]] if marks else MemberForm(hint)
    if get_origin(hint) in (Union, UnionType):
        form = _form_of(next(part for part in get_args(hint) if part is not type(None)))
        return form._replace(type=form.type | None)
    return MemberForm(hint)


def model_of(kind: type[Operation]) -> type[AskedOperation]:
    """The model with which an operation is sent."""
    hints = get_type_hints(kind, include_extras=True)
    members: dict[str, Any] = {"op": (Literal[kind.op], ...)}
    for one, form in _members(kind):
        sent_as = next((mark.name for mark in get_args(hints[one.name]) if isinstance(mark, SentAs)), None)
        default = ... if one.default is MISSING else one.default
        members[one.name] = (form.type, Member(default, alias=sent_as))
    for columns in _columns(kind).values():
        members |= {one.sent: (_form_of(one.type).type | None, None) for one in columns.columns}
    model = create_model(kind.__name__, __base__=AskedOperation, __doc__=kind.__doc__, __module__=__name__, **members)
    model.kind_of = kind
    return model


MODELS = tuple(model_of(kind) for kind in OPERATIONS)
if TYPE_CHECKING:
    Edit = AskedOperation
else:
    Edit = Annotated[Union[MODELS], Body(discriminator="op")]  # noqa: UP007 - of models that are made above
