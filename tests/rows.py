"""All rows of the database as one digest for each table, to compare two databases."""

from __future__ import annotations

import hashlib

from django.apps import apps

WITHOUT = {"django_content_type", "auth_permission", "django_session"}  # made by `migrate`


def digests() -> dict[str, str]:
    """`count digest` by name of the table."""
    found = {}
    for model in apps.get_models():
        table = model._meta.db_table
        if table in WITHOUT or model._meta.proxy:
            continue
        rows = list(model._base_manager.order_by("pk").values_list())
        found[table] = f"{len(rows)} {hashlib.sha256(repr(rows).encode()).hexdigest()}"
    return found


def tables_as_text() -> str:
    """Every value of every row, to look for what must not be there."""
    return "\n".join(
        repr(row)
        for model in apps.get_models()
        if not model._meta.proxy
        for row in model._base_manager.values_list()
    )
