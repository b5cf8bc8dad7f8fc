"""Settings. Everything that differs between installations comes from the environment (docs/operations.md)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from previews.engine.masking import kept_key

BASE_DIR = Path(__file__).resolve().parent.parent


def _text(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def _flag(name: str, default: bool = False) -> bool:
    return os.environ.get(name, str(default)).lower() in ("1", "true", "yes", "on")


def _words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def _number(name: str, default: int) -> int:
    return int(os.environ.get(name, default))


def _database(address: str) -> dict[str, Any]:
    """Django's settings for `sqlite:///path` (`sqlite:////path` when absolute) or `postgres://user:password@host/name`."""
    parts = urlsplit(address)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": parts.path[1:],
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
            },
        }
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError(f"DATABASE_URL: {parts.scheme!r} is not known; use sqlite:///… or postgres://…")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        # `?host=` names the folder of a Unix socket, as in PostgreSQL's own addresses.
        "HOST": parts.hostname or parse_qs(parts.query).get("host", [""])[0],
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


DATA = Path(_text("ASTROLABE_DATA", str(BASE_DIR / "data"))).resolve()
DEBUG = _flag("DEBUG")
SECRET_KEY = _text("SECRET_KEY") or kept_key(DATA / "secret.key").decode()
ALLOWED_HOSTS = _words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = ["django.contrib.staticfiles", "django_htmx", "django_rq", "previews"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "previews.middleware.ContentSecurityPolicy",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "astrolabe_web.urls"
WSGI_APPLICATION = "astrolabe_web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

DATABASES = {"default": _database(_text("DATABASE_URL", f"sqlite:///{DATA / 'astrolabe.sqlite3'}"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

JOB_SECONDS = _number("ASTROLABE_JOB_SECONDS", 900)
# In the order in which a worker serves them.
RQ_QUEUES = {
    name: {
        "URL": _text("REDIS_URL", "redis://127.0.0.1:6379/0"),
        "DEFAULT_TIMEOUT": JOB_SECONDS,
        # Jobs carry ids only; a pickle from a shared Redis would be code.
        "SERIALIZER": "rq.serializers.JSONSerializer",
    }
    for name in ("default", "renewals")
}

STATIC_URL = "static/"
STATIC_ROOT = DATA / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# The largest that anybody may send is a webhook's delivery (views/hooks.py).
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SECURE = _flag("HTTPS")
if _flag("HTTPS"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": _text("LOG_LEVEL", "WARNING")},
}

# Rendering
ASTROLABE_MASK_KEY = _text("ASTROLABE_MASK_KEY").encode() or kept_key(DATA / "mask.key")
ASTROLABE_CHART_STORE = _text("ASTROLABE_CHART_STORE")
ASTROLABE_CHART_HOSTS = _words("ASTROLABE_CHART_HOSTS")
ASTROLABE_GIT_HOSTS = _words("ASTROLABE_GIT_HOSTS")
ASTROLABE_REMOTES = _text("ASTROLABE_REMOTES")
ASTROLABE_HELM_BINARY = _text("ASTROLABE_HELM_BINARY")
ASTROLABE_HELM_BINARIES = _text("ASTROLABE_HELM_BINARIES")
ASTROLABE_KUSTOMIZE_BINARY = _text("ASTROLABE_KUSTOMIZE_BINARY")
ASTROLABE_PLUGINS = _text("ASTROLABE_PLUGINS")
ASTROLABE_SANDBOX = _text("ASTROLABE_SANDBOX", "strict")
ASTROLABE_RENDER_SECONDS = _number("ASTROLABE_RENDER_SECONDS", 30)
#: Other open change requests that each one is previewed together with when nothing else is to do.
ASTROLABE_PAIRS = _number("ASTROLABE_PAIRS", 5)
ASTROLABE_URL = _text("ASTROLABE_URL").rstrip("/")
ASTROLABE_ALLOW_LOCAL_REPOSITORIES = _flag("ASTROLABE_ALLOW_LOCAL_REPOSITORIES")
