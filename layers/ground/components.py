"""Components (部件): what a city looks after piece by piece in its streets: manhole covers, lamps, hydrants, bins.

A component's code has 16 digits: 6 of the district, 2 of the main class, 3 of the sub-class, 5 running ones, as cities'
digital management has it; which classes there are is the city's own list, so none is wired in here. Public things: no
resident is near them in the data.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Computed, func
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import CODE, Base, code_column, geometry_column, id_column
from layers.specs import (
    ID,
    NAME,
    POINTS,
    Code,
    Drawn,
    Field,
    Imported,
    LayerSpec,
    Published,
    Searched,
    Text,
    Tile,
    Word,
)

CODE_FORM = "[0-9]{16}"
DISTRICT_DIGITS = 6
STATES = {
    "intact": "intact", "damaged": "damaged", "missing": "missing", "blocked": "blocked", "abandoned": "abandoned",
    "removed": "removed",
    "完好": "intact", "正常": "intact", "破损": "damaged", "损坏": "damaged", "丢失": "missing", "缺失": "missing",
    "占用": "blocked", "占压": "blocked", "废弃": "abandoned", "废除": "abandoned",
    "移除": "removed", "拆除": "removed",
}  # fmt: skip
ACCURACIES = {
    "a": "A", "b": "B", "c": "C", "a级": "A", "b级": "B", "c级": "C", "0.5": "A", "1": "B", "1.0": "B", "10": "C",
    "10.0": "C", "±0.5": "A", "±1": "B", "±1.0": "B", "±10": "C", "±10.0": "C",
}  # fmt: skip


class Component(Base):
    """One component at its place; `accuracy_m` is how far the place may be off in metres: A 0.5, B 1, C 10, null where
    nobody said."""

    __tablename__ = "components"
    __table_args__ = (
        CheckConstraint(f"code ~ '^{CODE_FORM}$'", name="code_has_16_digits"),
        CheckConstraint("starts_with(code, district)", name="district_is_of_the_code"),
        CheckConstraint("accuracy IN ('A','B','C')", name="accuracy"),
        CheckConstraint("state IN ('intact','damaged','missing','blocked','abandoned','removed')", name="state"),
    )

    id: Mapped[int] = id_column()
    code: Mapped[str] = code_column(unique=True)
    district: Mapped[str] = code_column(index=True)
    main_class: Mapped[str] = mapped_column(CODE, Computed("substr(code, 7, 2)", persisted=True))
    sub_class: Mapped[str] = mapped_column(CODE, Computed("substr(code, 9, 3)", persisted=True))
    name: Mapped[str] = mapped_column(server_default="")
    accuracy: Mapped[str | None]
    accuracy_m: Mapped[float | None] = mapped_column(
        Computed("CASE accuracy WHEN 'A' THEN 0.5 WHEN 'B' THEN 1.0 WHEN 'C' THEN 10.0 END", persisted=True)
    )
    state: Mapped[str] = mapped_column(server_default="intact")
    supervising_unit: Mapped[str] = mapped_column(server_default="")
    maintaining_unit: Mapped[str] = mapped_column(server_default="")
    geom: Mapped[Any] = geometry_column("POINT")


SPECS = (
    LayerSpec(
        "components",
        Component,
        imported=Imported(
            fields=(
                Field(
                    "code",
                    ("code", "component_code", "objcode", "部件编码", "部件代码", "部件标识码", "标识码", "编码", *ID),
                    Code(CODE_FORM, wrong="component_code_wrong"),
                    required=True,
                ),
                Field("name", (*NAME, "objname", "部件名称", "小类名称"), Text("")),
                Field("accuracy", ("accuracy", "定位精度", "精度", "数据精度"), Word(ACCURACIES)),
                Field("state", ("state", "objstate", "status", "状态", "部件状态"), Word(STATES, default="intact")),
                Field(
                    "supervising_unit",
                    ("supervising_unit", "deptname1", "主管部门", "主管部门名称", "主管单位"),
                    Text(""),
                ),
                Field(
                    "maintaining_unit",
                    ("maintaining_unit", "deptname3", "养护单位", "养护单位名称", "维护单位", "权属单位"),
                    Text(""),
                ),
            ),
            shapes=POINTS,
            key=("code",),
            district_digits=DISTRICT_DIGITS,
            of_planners=True,
            judged=True,
        ),
        published=Published(
            "Components (manhole covers, lamps, hydrants, bins) with their class, state, accuracy and units.",
            (
                "code", "name", "main_class", "sub_class", "accuracy", "accuracy_m", "state", "supervising_unit",
                "maintaining_unit",
            ),
            point="geom",
            key="code",
        ),
        tile=Tile(("code", "name", "main_class", "state"), 16),
        drawn=Drawn("dot", "component", order=50, from_zoom=17, edge="halo", choice="hidden"),
        searched=Searched(
            "component",
            Component,
            name=Component.name,
            words=func.lower(Component.name),
            starts=(func.lower(Component.name),),
            point=Component.geom,
            code=Component.code,
            detail=Component.supervising_unit,
        ),
    ),
)  # fmt: skip
