"""Working with fewer rights than the owner of the tables: the role of API and job processes ([A4]).

`migrations.service_role` makes the role and gives it its rights.
"""

from __future__ import annotations

from typing import Any

import psycopg

SERVICE = "wangge_service"
_LOWER = """
    SELECT set_config('role', rolname, false) FROM pg_roles
    WHERE rolname = %s AND rolname <> session_user AND pg_has_role(session_user, oid, 'MEMBER')
"""


def lower_rights(connection: psycopg.Connection[Any], _record: object = None) -> None:
    """Go on as the service's role on a new connection; as before where there is none, or where it is that already."""
    connection.execute(_LOWER, (SERVICE,))
    if not connection.autocommit:
        connection.commit()
