"""Settings of the tests: the site's settings with separate stores for each test process."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_folder = tempfile.mkdtemp(prefix="triage-test-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["DATA_DIR"] = _folder
os.environ["TRIAGE_DEMO"] = "1"
for name in ("REDIS_URL", "SECRET_KEY", "PORT", "HOST", "DEBUG"):
    os.environ.pop(name, None)
# DATABASE_URL is kept: `make test` runs the tests a second time on PostgreSQL.

from triage_site.embedded_redis import free_port, url  # noqa: E402
from triage_site.settings import *  # noqa: E402, F403
from triage_site.settings import DATABASES  # noqa: E402

# The fixture `redis_server` starts a server on this port. Without it Redis is unreachable.
REDIS_URL = url(free_port())
CELERY_BROKER_URL = REDIS_URL

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: the threads of the live server have their own connections.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(_folder) / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    )

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
RECOVERY_CODE_COST = 2
