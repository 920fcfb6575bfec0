"""All settings. Only this file reads the environment; a wrong value stops the start."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from triage_site import deployment, environment, logs
from triage_site.triage.decision import DEFAULT_COSTS

BASE_DIR = Path(__file__).resolve().parent.parent
environment.refuse_old_names()

# --- Installation ----------------------------------------------------------------------------

# Demo mode has demo accounts, demo tokens and a public key. It is off when SECRET_KEY is set,
# unless TRIAGE_DEMO turns it on.
TRIAGE_DEMO = environment.flag("TRIAGE_DEMO", default=not environment.text("SECRET_KEY"))
SECRET_KEY = environment.text(
    "SECRET_KEY", default="demonstration-only-everybody-knows-this-key" if TRIAGE_DEMO else None
)
# Keys of before: what they signed and encrypted is still read (OPERATIONS.md, A new SECRET_KEY).
SECRET_KEY_FALLBACKS = environment.words("SECRET_KEY_FALLBACKS", [])
DEBUG = environment.flag("DEBUG", default=False)
HOST = environment.text("HOST", "127.0.0.1")
PORT = environment.integer("PORT", 8000, at_least=1, at_most=65535)
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = environment.origins("CSRF_TRUSTED_ORIGINS")
# Whom to tell about a hole, in security.txt: mailto:... or https://...
SECURITY_CONTACT = environment.contact("SECURITY_CONTACT")
# Set this when a reverse proxy terminates TLS and sets X-Forwarded-Proto.
BEHIND_TLS_PROXY = environment.flag("BEHIND_TLS_PROXY", default=False)

DATA_DIR = Path(environment.text("DATA_DIR", str(BASE_DIR / ".data"))).expanduser().resolve()

# Signs of life of the processes of this host, for the supervisor.
BEATS_DIR = DATA_DIR / "beats"

# --- Stores ----------------------------------------------------------------------------------

# The embedded server has a new port and password at each start. Its URL is written to this
# file for commands in other terminals.
EMBEDDED_REDIS_URL_FILE = DATA_DIR / "redis" / "url"


def _default_redis_url() -> str:
    try:
        return EMBEDDED_REDIS_URL_FILE.read_text().strip()
    except OSError:
        return "redis://127.0.0.1:6379/0"


REDIS_URL_IS_GIVEN = bool(environment.text("REDIS_URL"))
REDIS_URL = environment.url("REDIS_URL", _default_redis_url(), ["redis", "rediss"])


# How long a statement waits for the database. `up` and the containers set a short time for the
# pages: they say what is down instead of waiting.
_WAIT = "TRIAGE_DATABASE_WAIT_SECONDS"
DATABASE_WAIT_SECONDS = environment.number("TRIAGE_DATABASE_WAIT_SECONDS", 20, at_least=0.1)
# Without the variable only locks and connections are: a migration may take longer.
STATEMENTS_ARE_BOUNDED = bool(environment.text(_WAIT))


def _database() -> dict[str, Any]:
    entry = environment.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'triage.sqlite3'}")
    if entry["ENGINE"] == "django.db.backends.sqlite3":
        variable = "DATABASE_URL" if environment.text("DATABASE_URL") else "DATA_DIR"
        environment.folder_for(variable, Path(entry["NAME"]).parent)
        entry["OPTIONS"] = {
            # WAL: readers never wait for a writer; a writer waits for another writer.
            # IMMEDIATE: a transaction that begins with a read could not wait before its write.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "timeout": DATABASE_WAIT_SECONDS,
            "transaction_mode": "IMMEDIATE",
        }
    else:
        entry["CONN_HEALTH_CHECKS"] = True
        milliseconds = int(1000 * DATABASE_WAIT_SECONDS)
        entry["OPTIONS"] = {
            **entry.get("OPTIONS", {}),
            # Words of patients are no part of a statement, so the server's log cannot quote them.
            "server_side_binding": True,
            "connect_timeout": 2,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": milliseconds,
            "options": f"-c lock_timeout={milliseconds} -c statement_timeout="
            f"{milliseconds if STATEMENTS_ARE_BOUNDED else 0}",
        }
    return entry


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Triage ----------------------------------------------------------------------------------

EMBEDDED_LLM = BASE_DIR / "llm_worker" / "models" / "embedded"
TRIAGE_LLM = environment.text("TRIAGE_LLM", str(EMBEDDED_LLM))
# For load tests without weights: random weights in the shape of TRIAGE_LLM's config.
TRIAGE_LLM_RANDOM = environment.flag("TRIAGE_LLM_RANDOM", default=False)
TRIAGE_DEVICE = environment.choice("TRIAGE_DEVICE", "auto", ["auto", "cpu", "cuda"])
# An answer is cut at this length. Prompt and answer together must fit into the KV cache.
TRIAGE_MAX_NEW_TOKENS = environment.integer("TRIAGE_MAX_NEW_TOKENS", 400, at_least=1)
TRIAGE_SLOTS = environment.integer("TRIAGE_SLOTS", 8, at_least=1, at_most=1024)
TRIAGE_KV_BLOCKS = environment.optional_integer("TRIAGE_KV_BLOCKS", at_least=1)
TRIAGE_TORCH_THREADS = environment.optional_integer("TRIAGE_TORCH_THREADS", at_least=1)
TRIAGE_PREEMPTION = environment.choice("TRIAGE_PREEMPTION", "level", ["level", "key", "never"])
TRIAGE_LEASE_SECONDS = environment.number("TRIAGE_LEASE_SECONDS", 15, at_least=1)
# Per priority 0 to 4: the deadline (guidance starts by) and the target (patient is seen by).
TRIAGE_DEADLINE_SECONDS = environment.numbers(
    "TRIAGE_DEADLINE_SECONDS", (2.0, 10.0, 30.0, 60.0, 120.0), at_least=0
)
TRIAGE_TARGET_MINUTES = environment.numbers(
    "TRIAGE_TARGET_MINUTES", (0.0, 10.0, 30.0, 60.0, 120.0), at_least=0
)
# Per priority: minutes until a waiting patient should be assessed again.
TRIAGE_REASSESS_MINUTES = environment.numbers(
    "TRIAGE_REASSESS_MINUTES", (5.0, 15.0, 30.0, 60.0, 120.0), at_least=1
)
# How long a case of another department stays open for who opened it with a reason.
TRIAGE_BREAK_GLASS_MINUTES = environment.integer(
    "TRIAGE_BREAK_GLASS_MINUTES", 60, at_least=1, at_most=24 * 60
)
# Cost of a wrong level, per level of distance: under-triage by true priority 0 to 3, and
# over-triage. A patient of priority 0 or 1 at priority 3 or 4 adds the missed emergency cost.
TRIAGE_UNDER_COSTS = environment.numbers(
    "TRIAGE_UNDER_COSTS", DEFAULT_COSTS.under, at_least=0, falling=True
)
TRIAGE_OVER_COST = environment.number("TRIAGE_OVER_COST", DEFAULT_COSTS.over, at_least=0.01)
TRIAGE_MISSED_EMERGENCY_COST = environment.number(
    "TRIAGE_MISSED_EMERGENCY_COST", DEFAULT_COSTS.missed_emergency, at_least=0
)
# Queue a case at the most urgent level of its level set instead of the decided level.
TRIAGE_QUEUE_BY_SET = environment.flag("TRIAGE_QUEUE_BY_SET", default=False)
# Limit of one classification, from its start; and of the wait for a free classify worker. Past
# either a case gets a provisional level, which the classifier's late answer replaces.
TRIAGE_CLASSIFY_TIMEOUT_SECONDS = environment.number(
    "TRIAGE_CLASSIFY_TIMEOUT_SECONDS", 2, at_least=0.05
)
TRIAGE_CLASSIFY_WAIT_SECONDS = environment.number("TRIAGE_CLASSIFY_WAIT_SECONDS", 5, at_least=0.05)
# Folder of a classifier to use instead of the shipped one: weights of this project, or a
# sequence classifier of transformers. The shipped one answers while that one is unavailable.
TRIAGE_CLASSIFIER = environment.text("TRIAGE_CLASSIFIER")
# After how many days `manage.py retention` anonymises a closed case, and removes a record of the
# audit. Without them all records stay.
TRIAGE_RETENTION_CASE_DAYS = environment.optional_integer("TRIAGE_RETENTION_CASE_DAYS", at_least=1)
TRIAGE_RETENTION_AUDIT_DAYS = environment.optional_integer(
    "TRIAGE_RETENTION_AUDIT_DAYS", at_least=TRIAGE_RETENTION_CASE_DAYS or 1
)
# Folder of the shadow classifier: its answers are only compared with the active classifier's.
TRIAGE_SHADOW_CLASSIFIER = environment.text("TRIAGE_SHADOW_CLASSIFIER")
# The weights of the length predictor that `refit_length` fits to this site's guidance.
LENGTH_WEIGHTS_FILE = DATA_DIR / "length_weights.json"
TRIAGE_ENGINE = environment.choice("TRIAGE_ENGINE", "local", ["local", "remote"])
TRIAGE_REMOTE_URL = (
    environment.url("TRIAGE_REMOTE_URL", "", ["http", "https"])
    if TRIAGE_ENGINE == "remote"
    else environment.text("TRIAGE_REMOTE_URL")
)
# Outside demo mode plain http may lead to another machine only where this says that nobody else
# reads the network between them.
TRIAGE_REMOTE_TRUSTED_NETWORK = environment.flag("TRIAGE_REMOTE_TRUSTED_NETWORK", default=False)
TRIAGE_REMOTE_MODEL = environment.text(
    "TRIAGE_REMOTE_MODEL", None if TRIAGE_ENGINE == "remote" else ""
)
TRIAGE_REMOTE_API_KEY = environment.text("TRIAGE_REMOTE_API_KEY")
# How to speak to the remote server. By default the GPU worker finds out.
TRIAGE_REMOTE_API = environment.choice("TRIAGE_REMOTE_API", "auto", ["auto", "chat", "completions"])
TRIAGE_REMOTE_PRIORITY = environment.optional_flag("TRIAGE_REMOTE_PRIORITY")
TRIAGE_REMOTE_TOKEN_IDS = environment.optional_flag("TRIAGE_REMOTE_TOKEN_IDS")
# How long the remote server may send nothing, before a first token and between two tokens.
TRIAGE_REMOTE_FIRST_TOKEN_SECONDS = environment.number(
    "TRIAGE_REMOTE_FIRST_TOKEN_SECONDS", 20, at_least=0.5
)
TRIAGE_REMOTE_TOKEN_SECONDS = environment.number("TRIAGE_REMOTE_TOKEN_SECONDS", 10, at_least=0.5)
# The model name that is stored with each guidance.
TRIAGE_LLM_NAME = (
    TRIAGE_REMOTE_MODEL
    if TRIAGE_ENGINE == "remote"
    else (Path(TRIAGE_LLM).name if Path(TRIAGE_LLM).is_dir() else TRIAGE_LLM)
    + (" (random weights)" if TRIAGE_LLM_RANDOM else "")
)

# --- Django ----------------------------------------------------------------------------------

INSTALLED_APPS = [
    "triage_site",
    "triage_site.audit",
    "triage_site.cases",
    "triage_site.classifiers",
    "triage_site.ops",
    "triage_site.retention",
    "scheduling",
    "llm_worker",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "django_otp",
    "django_htmx",
    "csp",
    "ninja",
]
# WhiteNoise streams files synchronously. Under ASGI, Django warns about every such file.
warnings.filterwarnings(
    "ignore", "StreamingHttpResponse must consume synchronous iterators", module="django.core"
)
MIDDLEWARE = [
    "triage_site.answer_headers.AnswerHeadersMiddleware",
    "triage_site.health.HealthMiddleware",
    "triage_site.cases.api_errors.ApiErrorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "triage_site.cases.inactivity.InactivityMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "triage_site.cases.sign_in_steps.SignInStepsMiddleware",
    "triage_site.cases.audit_middleware.AuditMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "triage_site.urls"
ASGI_APPLICATION = "triage_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = environment.time_zone("TIME_ZONE", "UTC")
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# With STATIC_MANIFEST, `collectstatic` fills STATIC_ROOT and file names contain hashes.
# Without it, files are served from their source folders.
STATIC_MANIFEST = environment.flag("STATIC_MANIFEST", default=False)
STATIC_ROOT = BASE_DIR / "staticfiles" if STATIC_MANIFEST else None
WHITENOISE_USE_FINDERS = not STATIC_MANIFEST
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_MANIFEST
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- Accounts and browser security -----------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "triage_site.cases.auth.AccountBackend",
]
# Five failures of one name from one address lock both out together for 15 minutes, and five from
# anywhere lock the name for all addresses where its person has not signed in before. A stranger
# with many addresses can so neither guess on nor lock out a department.
AXES_FAILURE_LIMIT = "triage_site.cases.lockout.failure_limit"
# So many different names that fail from one address within an hour are an attack (spraying.py).
TRIAGE_FAILED_NAMES = environment.integer("TRIAGE_FAILED_NAMES", 20, at_least=2)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = "triage_site.cases.lockout.parameters"
AXES_LOCKOUT_CALLABLE = "triage_site.cases.lockout.locked_out"
AXES_USERNAME_CALLABLE = "triage_site.cases.lockout.key_of"
AXES_CLIENT_IP_CALLABLE = "triage_site.audit.sign_ins.address_of"
AXES_DISABLE_ACCESS_LOG = True  # sign-ins are in the audit
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# Longest life of an API token in days, and that of a token of a charge nurse or an auditor.
API_TOKEN_DAYS = 365
API_TOKEN_DAYS_PRIVILEGED = 30
# Who must have a second factor: those whose role asks for it, or everybody.
TRIAGE_SECOND_FACTOR = environment.choice("TRIAGE_SECOND_FACTOR", "roles", ["roles", "all"])
# A password that an operator set must be used, and then changed, within these days.
FIRST_PASSWORD_DAYS = 7
# A server for mail is not needed: people are told on the pages as well.
_MAIL = environment.mail_server("EMAIL_URL")
EMAIL_HOST = _MAIL["EMAIL_HOST"]
EMAIL_PORT = _MAIL["EMAIL_PORT"]
EMAIL_HOST_USER = _MAIL["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _MAIL["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _MAIL["EMAIL_USE_TLS"]
EMAIL_USE_SSL = _MAIL["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = environment.mail_address("EMAIL_FROM", "semantic-triage@localhost")
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
    {"NAME": "triage_site.cases.passwords.GuessingValidator"},
    {"NAME": f"{_VALIDATORS}.NumericPasswordValidator"},
]
# The parameter n of scrypt: a hash takes 16 MB and about 50 ms. Stored hashes depend on it.
RECOVERY_CODE_COST = 2**14

# A session ends after 15 minutes without an act of the person (inactivity.py), because terminals
# in a department are shared, and 12 hours after the sign-in.
SESSION_COOKIE_AGE = 15 * 60
SESSION_HOURS = 12
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = BEHIND_TLS_PROXY
CSRF_COOKIE_SECURE = BEHIND_TLS_PROXY
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
# Whether browsers may preload the domain is decided by who owns the domain.
SILENCED_SYSTEM_CHECKS = ["security.W021"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    },
}

# --- Celery ----------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "classify"
# Dotted names, because this package must not import `llm_worker`.
TASK_PACKAGES = ["triage_site.cases", "llm_worker.worker"]
WORKER_STEPS = [
    "triage_site.ops.monitoring.shadow_step.ShadowStep",
    "llm_worker.worker.step.GuidanceStep",
]
CELERY_TASK_ROUTES = {"llm_worker.doorbell": {"queue": "gpu"}}
# Tasks are short and may run twice. No message stays unacknowledged during a generation.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": "triage:celery:",
    # Seconds until the message of a dead worker is delivered again. By default such messages
    # are looked for only about every 100 seconds.
    "visibility_timeout": 30,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # A page must not wait for an unreachable broker: one immediate retry only.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "socket_connect_timeout": 1,
    # Longer than a blocking read of the broker, which waits one second.
    "socket_timeout": 5,
    "socket_keepalive": True,
}

# --- Logs ------------------------------------------------------------------------------------

LOG_LEVEL = environment.choice("LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR"])
LOG_FORMAT = environment.choice("LOG_FORMAT", "console", ["console", "json"])
LOGGING = logs.django_logging(level=LOG_LEVEL, as_json=LOG_FORMAT == "json")
logs.configure_structlog()

# --- A real site -----------------------------------------------------------------------------

DEPLOYMENT = deployment.Deployment(
    secret_key=SECRET_KEY,
    old_keys=tuple(SECRET_KEY_FALLBACKS),
    debug=DEBUG,
    hosts=tuple(ALLOWED_HOSTS),
    is_behind_tls=BEHIND_TLS_PROXY,
    redis_url=REDIS_URL,
    database=DATABASES["default"],
    remote_url=TRIAGE_REMOTE_URL if TRIAGE_ENGINE == "remote" else "",
    is_remote_network_trusted=TRIAGE_REMOTE_TRUSTED_NETWORK,
)
if not TRIAGE_DEMO:
    deployment.refuse(DEPLOYMENT)
