"""A tiling is a partition of ground into grids (the mathematical word); web map tiles live in `layers/tiles.py`.

A valid tiling of a frame covers it completely, without overlap, and neighbours share their border vertex for vertex:

    frame                 A, B, C share the node *          not valid: B lacks the node at x,
    +-------------+       +------+------+                   +------+------+
    |             |       |  A   |  B   |                   |  A   |      |
    |             |  =    |      *------+                   |      x  B   |
    |             |       |      |  C   |                   +------+------+
    +-------------+       +------+------+                   |  C          |
                                                            +-------------+

Exactly: every edge of every polygon is met by the same edge of one neighbour in the other direction, or by the same
edge of the frame. Then the number of polygons over any point is 1 inside the frame and 0 outside, because the
oriented borders of the polygons add up to the oriented border of the frame.

Not an error: a grid with a hole that another grid fills; a grid that touches another in one point; a node in the
middle of a straight border, as long as all who share the border have it; a very thin but exactly matched grid.

Coordinates are metres on a 1 mm lattice (`plane.to_lattice`) in one CRS per city. The package knows numpy and
shapely only: no files, database, web or processes.
"""
