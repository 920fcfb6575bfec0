"""All that a Redis server holds, as text in which a word can be looked for."""

from __future__ import annotations

import base64
import json
from typing import Any

import redis


def contents(client: redis.Redis) -> str:
    """Keys and values as the server would save them, and the messages of Celery as they are read.

    The server would compress values, and Celery encodes messages: no word could be found.
    """
    raw: Any = redis.Redis(connection_pool=client.connection_pool)
    client.config_set("rdbcompression", "no")
    saved = [f"{key!r} {raw.dump(key)!r}" for key in raw.scan_iter()]
    return " ".join([*saved, *messages(client)])


def messages(client: redis.Redis) -> list[str]:
    """The messages that wait for a worker of Celery."""
    keys = [key for key in client.scan_iter() if client.type(key) == "list"]
    found: list[str] = []
    for key in keys:
        items: Any = client.lrange(key, 0, -1)
        for item in items:
            body = json.loads(item)["body"]
            found += [item, base64.b64decode(body).decode()]
    return found
