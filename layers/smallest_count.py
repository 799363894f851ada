"""The smallest count that is told of what derives from residents ([A3])."""

from __future__ import annotations

# No count under this is shown, and no hidden one may be narrowed to an interval shorter than it.
SMALLEST = 11
