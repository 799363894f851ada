"""How Alembic reaches the database: the engine is handed over by `migrations.upgrade`, never read from a file."""

from alembic import context
from geoalchemy2 import alembic_helpers

from layers.tables import metadata

OWN_SCHEMAS = {None, "public", "personal"}


def include_object(thing, name, kind, reflected, compare_to):  # type: ignore[no-untyped-def]
    """Leave PostGIS's own tables out of comparisons, and everything in schemas that are not ours."""
    if kind == "table" and reflected and compare_to is None and name in {"spatial_ref_sys", "alembic_version"}:
        return False
    return alembic_helpers.include_object(thing, name, kind, reflected, compare_to)


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    include_object=include_object,
    include_name=lambda name, kind, parents: kind != "schema" or name in OWN_SCHEMAS,
    include_schemas=True,
    process_revision_directives=alembic_helpers.writer,
    render_item=alembic_helpers.render_item,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
