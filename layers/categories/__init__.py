"""Categories of incidents and hazards, with the unit in charge and a clock per step and level ([D5])."""

from layers.categories.defaults import ensure_defaults
from layers.categories.reads import (
    add_category,
    change_category,
    find_limit,
    get_category,
    get_open_category,
    list_categories,
    list_clocks,
    put_limit,
)
from layers.categories.table import Category, CategoryClock

__all__ = [
    "Category",
    "CategoryClock",
    "add_category",
    "change_category",
    "ensure_defaults",
    "find_limit",
    "get_category",
    "get_open_category",
    "list_categories",
    "list_clocks",
    "put_limit",
]
