"""Words of foreign data and what they are called here: so that nobody wonders where a category came from."""

from __future__ import annotations

import re
from collections.abc import Mapping

from layers.categories import Category

# NYC 311 complaint types, by a word in them (first match wins), and the category that handles such a thing here.
CATEGORY_WORDS: tuple[tuple[str, str], ...] = (
    (r"water leak|water system", "water_leak"),
    (r"elevator|heat/hot water|plumbing|door/window|electric|appliance|construction|general", "facility"),
    (r"traffic signal|street condition|sidewalk condition|street light|street sign|highway|maintenance", "facility"),
    (r"parking meter", "facility"),
    (r"parking|driveway|traffic|vehicle complaint|taxi", "parking"),
    (r"noise|encampment|panhandling|drug|non-emergency police|animal-abuse|animal in a park|smoking", "public_order"),
    (r"animal|rodent|dirty|sanitation|unsanitary|graffiti|collection|snow|pet shop", "sanitation"),
    (r"lead|air quality|obstruction|food|asbestos", "safety_hazard"),
    (r"lost property|consumer|day care", "resident_service"),
)
OTHER = "other"

CHANNELS: Mapping[str, str] = {
    "hotline": "hotline", "phone": "hotline", "unknown": "hotline", "other": "hotline", "热线": "hotline",
    "wechat": "wechat", "微信": "wechat",
    "app": "app", "mobile": "app", "online": "app",
    "patrol": "patrol", "巡查": "patrol", "sensor": "sensor", "department": "department", "checkpoint": "checkpoint",
}  # fmt: skip
URGENCIES: Mapping[str, str] = {
    "low": "low", "normal": "normal", "high": "high", "critical": "critical",
    "低": "low", "一般": "normal", "高": "high", "紧急": "critical",
}  # fmt: skip
# An open case of another system is only known to be open; it starts from the beginning here.
INCIDENT_STATES: Mapping[str, str] = {
    "closed": "closed", "办结": "closed", "已办结": "closed", "结案": "closed",
    "open": "reported", "assigned": "reported", "in progress": "reported", "pending": "reported", "started": "reported",
    "reported": "reported", "cancelled": "cancelled", "duplicate": "duplicate",
}  # fmt: skip
AREA_LEVELS: Mapping[str, str] = {
    "district": "district", "county": "district", "区县": "district",
    "subdistrict": "subdistrict", "township": "subdistrict", "street": "subdistrict", "街道": "subdistrict",
    "community": "community", "village": "community", "社区": "community",
}  # fmt: skip
# The digits of statistical codes by level ([S8]).
LEVEL_BY_DIGITS: Mapping[int, str] = {6: "district", 9: "subdistrict", 12: "community"}
COMMUNITY_KINDS: Mapping[str, str] = {
    "town": "town", "village": "village", "mixed": "mixed", "社区": "town", "村": "village", "混合": "mixed",
}  # fmt: skip
GRID_KINDS: Mapping[str, str] = {"base": "base", "dedicated": "dedicated", "基础网格": "base", "专属网格": "dedicated"}
YES_NO: Mapping[str, str] = {
    "true": "yes", "yes": "yes", "1": "yes", "是": "yes", "false": "", "no": "", "0": "", "否": "",
}  # fmt: skip
WORKER_ROLES: Mapping[str, str] = {
    "grid_worker": "grid_worker", "grid_leader": "grid_leader", "building_leader": "building_leader",
    "patrol_team": "patrol_team", "service_team": "service_team",
    "网格员": "grid_worker", "网格长": "grid_leader", "楼栋长": "building_leader",
    "巡查队": "patrol_team", "服务队": "service_team",
}  # fmt: skip
HOUSEHOLD_CLASSES: Mapping[str, str] = {
    "lone_elder": "lone_elder", "living_alone": "living_alone", "special_needs": "special_needs",
    "party_member": "party_member", "tenant": "tenant", "resident": "resident", "organisation": "organisation",
    "独居老人": "lone_elder", "独居": "living_alone", "党员": "party_member", "租户": "tenant", "常住": "resident",
    "单位": "organisation",
}  # fmt: skip


class Categories:
    """The categories of this service, found by code, by name in either language, or by the table of foreign words."""

    def __init__(self, categories: list[Category], *, kind: str) -> None:
        usable = [category for category in categories if category.kind in (kind, "both")]
        self.urgency = {category.code: category.urgency for category in usable}
        self._known = {word.lower(): c.code for c in usable for word in (c.code, c.name, c.name_en) if word}

    def code_of(self, word: str | None) -> str:
        """The code of the category that a word means; `other` where nothing fits."""
        text = (word or "").strip().lower()
        if text in self._known:
            return self._known[text]
        fitting = (code for pattern, code in CATEGORY_WORDS if code in self.urgency and re.search(pattern, text))
        return next(fitting, OTHER) if text else OTHER

    def knows(self, word: str | None) -> bool:
        """Whether the word is a category of this service itself."""
        return (word or "").strip().lower() in self._known
