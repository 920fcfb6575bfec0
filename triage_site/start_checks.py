"""What is checked before `manage.py up` starts anything."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import redis


class CannotStart(RuntimeError):
    """The system cannot start. The message gives the reason and the remedy."""


def check_port(host: str, port: int) -> None:
    """Raises CannotStart when another process uses the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror as error:
            raise CannotStart(
                f"HOST: {host!r} is no address of this machine ({error.strerror}); "
                "set HOST=127.0.0.1, or 0.0.0.0 for all addresses"
            ) from error
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise CannotStart(
                    f"HOST: {host!r} is no address of this machine; "
                    "set HOST=127.0.0.1, or 0.0.0.0 for all addresses"
                ) from error
            raise CannotStart(
                f"PORT: {port} on {host} cannot be used ({error.strerror}). "
                f"Stop the process that uses it or choose another port, e.g. PORT={port + 1}"
            ) from error


def check_folders(folders: Mapping[str, str]) -> None:
    """Raises CannotStart when the folder of a classifier does not exist. By variable."""
    for name, path in folders.items():
        if path and not Path(path).is_dir():
            raise CannotStart(
                f"{name}: there is no folder {path}; correct the path, or remove the variable "
                "to use the shipped classifier"
            )


def lock(folder: Path) -> IO[str]:
    """Locks the data folder until the file is closed. Raises CannotStart when it is locked."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (folder / "up.lock").open("a+")
    except OSError as error:
        raise CannotStart(
            f"DATA_DIR: {folder} cannot be written ({error.strerror}); choose another folder"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        raise CannotStart(
            f"DATA_DIR: {folder} is in use by process {file.read().strip() or '?'}; "
            "stop that process or choose another folder"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def redis_answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
