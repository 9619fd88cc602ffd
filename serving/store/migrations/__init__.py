"""The schema of the history store, revision by revision (Alembic).

`upgrade` is what the store calls; `versions/` one module per revision, newest last. A revision is frozen: it names
its tables and columns itself, because `serving.store.tables` describes the present schema only.
"""
