"""All settings. What differs between machines comes from the environment; secrets have no default in production."""

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import navigation
from config.runtime import urls as embedded_urls

BASE_DIR = Path(__file__).resolve().parents[1]
env = environ.Env()

PRODUCTION = env("SUANYI_ENV", default="development") == "production"
DEBUG = env.bool("SUANYI_DEBUG", default=False)
if PRODUCTION:
    SECRET_KEY = env("SECRET_KEY")
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
else:
    SECRET_KEY = env("SECRET_KEY", default="development only: every copy of this source knows this key")
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

# Seal access details of buyers and second factors, the newest first: the older ones still open what they sealed.
ACCESS_KEYS = env.list("ACCESS_KEYS", default=[]) or [f"access/{SECRET_KEY}"]

# Applications, from the kernel up.
INSTALLED_APPS = [
    "core",
    "accounts",
    "ledger",
    "market",
    "vouchers",
    "billing",
    "portal",
    "config",
    "whitenoise.runserver_nostatic",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "config.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "drf_spectacular",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "core.afterwards.middleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Servers: the environment wins, else the embedded ones as they were last started.
if PRODUCTION and not (env("DATABASE_URL", default="") and env("REDIS_URL", default="")):
    raise ImproperlyConfigured("set DATABASE_URL and REDIS_URL: production does not run on embedded servers")
DATABASES = {"default": env.db_url("DATABASE_URL", default=embedded_urls.database())}
# Whose password web, worker and beat do not know: it owns the tables and migrates. See docs/adr/0016.
DATABASE_OWNER = env.db_url_config(
    env("DATABASE_OWNER_URL", default="") or env("DATABASE_URL", default="") or embedded_urls.owner()
)
DATABASE_ROLE = DATABASES["default"]["USER"]
DATABASES["default"]["ENGINE"] = "core.postgres"
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["CONN_MAX_AGE"] = env.int("SUANYI_CONN_MAX_AGE", default=60)
REDIS_URL = env("REDIS_URL", default=embedded_urls.broker())
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Celery: a message may be lost or come twice, the rows decide. What a dead worker held comes back after the visibility
# timeout plus one restore interval; with kombu's default throttle of 10 it would be ten intervals.
VISIBILITY_SECONDS = env.int("SUANYI_VISIBILITY_SECONDS", default=300)
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": VISIBILITY_SECONDS,
    "unacked_restore_interval": 15,
    "unacked_restore_throttle": 1,
    "socket_timeout": 30,
    "socket_connect_timeout": 10,
    "socket_keepalive": True,
    "health_check_interval": 25,
}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": VISIBILITY_SECONDS}
CELERY_VISIBILITY_TIMEOUT = VISIBILITY_SECONDS
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "suanyi"
CELERY_TASK_SOFT_TIME_LIMIT = VISIBILITY_SECONDS * 7 // 10
CELERY_TASK_TIME_LIMIT = VISIBILITY_SECONDS * 8 // 10  # before another worker is given the same message
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "config.beat:LeaderScheduler"
# How many times faster than in production the periodic jobs run, in rehearsals and tests.
BEAT_SPEED = env.float("SUANYI_BEAT_SPEED", default=1.0)
if BEAT_SPEED <= 0 or (PRODUCTION and BEAT_SPEED != 1.0):
    raise ImproperlyConfigured("unset SUANYI_BEAT_SPEED: it is for rehearsals, and above zero")

# People
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ["UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator"]
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 1  # hours
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "portal/locked_out.html"
OTP_TOTP_ISSUER = "算易 Suanyi"
UNFOLD = navigation.UNFOLD

# Language and time: stored in UTC, shown in Shanghai.
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# Static files
STATIC_URL = "/static/"
# Development serves them from where they are written.
STATIC_ROOT = BASE_DIR / "staticfiles" if PRODUCTION else None
WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# Evidence that people hand in: kept apart from what the web server serves, and only views read it.
MEDIA_ROOT = env("SUANYI_MEDIA_ROOT", default=str(BASE_DIR / "var" / "media"))

# Safety: nothing inline, nothing from elsewhere, nothing without TLS in production.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000  # bytes
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SESSION_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
BEHIND_PROXY = env.bool("SUANYI_BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.problems.handle",
    # Only what needs no key is throttled, by address and web process.
    "DEFAULT_THROTTLE_RATES": {
        "public": env("PUBLIC_API_RATE", default="600/min"),
        "tips": env("TIP_RATE", default="10/hour"),
        "objections": env("OBJECTION_RATE", default="10/hour"),
    },
    "NUM_PROXIES": 1 if BEHIND_PROXY else 0,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Suanyi 算易",
    "DESCRIPTION": "A marketplace for compute, with government compute vouchers.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",  # whose schemas are JSON Schema, as those of the usage events are
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "MeasureStatusEnum": "market.models.MeasureStatus",
        "FigureKindEnum": "market.models.FigureKind",
        "OrderKindEnum": "market.models.OrderKind",
        "ReservationStatusEnum": "market.models.ReservationStatus",
        "CertificateKindEnum": "market.models.CertificateKind",
        "LineKindEnum": "market.models.LineKind",
        "ClaimLineKindEnum": "vouchers.models.LineKind",
        "ClaimDocumentKindEnum": "vouchers.models.DocumentKind",
        "ClaimStatusEnum": "vouchers.models.ClaimStatus",
        "EvidenceEnum": "vouchers.models.Evidence",
        "ApplicationStatusEnum": "vouchers.models.ApplicationStatus",
        "RoundStatusEnum": "vouchers.models.RoundStatus",
        "RoundMethodEnum": "vouchers.models.application_round.METHODS",
        "MethodEnum": "billing.models.TopUpMethod",
    },
}

# Business
COMMISSION_BP = env.int("COMMISSION_BP", default=500)
COMMISSION_VAT_BP = env.int("COMMISSION_VAT_BP", default=600)  # 6 %: agency services 经纪代理
AUCTION_ITERATIONS = env.int("AUCTION_ITERATIONS", default=200)  # the engine's budget per auction, never a time
QUOTE_MINUTES = env.int("QUOTE_MINUTES", default=15)  # for which a quote holds its cards
QUOTES_AT_ONCE = env.int("QUOTES_AT_ONCE", default=3)  # open quotes of one buyer: each keeps cards from others
APPROVAL_HOURS = env.int("APPROVAL_HOURS", default=72)  # for which an order waits for its buyer's second person
PROVISIONING_MINUTES = env.int("PROVISIONING_MINUTES", default=30)  # after the start; later is the provider's default
NOT_USABLE_HOURS = env.int("NOT_USABLE_HOURS", default=24)  # in which a buyer may say that access does not work
DOWNTIME_ANSWER_HOURS = env.int("DOWNTIME_ANSWER_HOURS", default=72)  # a claim that is not answered is accepted
DOWNTIME_CLAIM_DAYS = env.int("DOWNTIME_CLAIM_DAYS", default=14)  # after the end of a reservation
# Seals bids until their time; whoever changes it cannot open the bids that are sealed. See docs/rfq.md.
BIDS_KEY = env("BIDS_KEY", default="") or SECRET_KEY
LATE_USAGE_DAYS = env.int("LATE_USAGE_DAYS", default=35)
BILLING_GRACE_HOURS = env.int("BILLING_GRACE_HOURS", default=72)  # usage later than this waits for the next invoice
# The transparency log (docs/transparency.md). Its key lives outside the database; development makes its own file.
TRANSPARENCY_ORIGIN = env("TRANSPARENCY_ORIGIN", default="suanyi.example/vouchers")
TRANSPARENCY_ALGORITHMS = env.list("TRANSPARENCY_ALGORITHMS", default=["sha256"])  # a log for each: sha256, sm3
TRANSPARENCY_KEY = env("TRANSPARENCY_KEY", default="")
TRANSPARENCY_KEY_FILE = env("TRANSPARENCY_KEY_FILE", default=str(BASE_DIR / "var" / "transparency.key"))
CHECKPOINT_MINUTES = env.int("CHECKPOINT_MINUTES", default=5)  # a checkpoint at least so often while entries come,
CHECKPOINT_ENTRIES = env.int("CHECKPOINT_ENTRIES", default=1_000)  # or after so many
STRIPE_API_BASE = env("STRIPE_API_BASE", default="https://api.stripe.com")
STRIPE_SECRET_KEY = env("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET = env("STRIPE_WEBHOOK_SECRET", default="")
STRIPE_RETURN_URL = env("STRIPE_RETURN_URL", default="https://suanyi.example/wallet/")  # where a payer comes back to
# A file with the instant at which a rehearsal plays; see core.clock.
REHEARSAL_CLOCK = env("SUANYI_REHEARSAL_CLOCK", default="")
if PRODUCTION and REHEARSAL_CLOCK:
    raise ImproperlyConfigured("unset SUANYI_REHEARSAL_CLOCK: production lives in the present")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}},
    # At INFO Celery writes three lines a sweep.
    "loggers": {"celery": {"level": env("CELERY_LOG_LEVEL", default="INFO")}},
    "root": {"handlers": ["stdout"], "level": env("LOG_LEVEL", default="INFO")},
}
