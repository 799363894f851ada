"""What can be wrong with a tiling, and how it is found: the parts from which `coverage` and `nesting` are made."""

from tiling.defects.report import KINDS, CoverageReport, Defect

__all__ = ["KINDS", "CoverageReport", "Defect"]
