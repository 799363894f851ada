"""How a database comes to be: its private server, its schema as Alembic revisions, a demo to fill it with.

`cluster` finds, makes and stops a PostgreSQL of our own where no address is configured; `run` brings a database to the
newest revision (`wangge migrate`); `demo` writes a made-up district into an empty one. The package stands between the
doors and the layers: it uses the layers' tables and verbs, and no layer knows it.
"""
