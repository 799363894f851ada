"""Settings under which Django runs mySociety's MapIt, in the bench's own venv; the database is libpq's (PGHOST …)."""

import os
from pathlib import Path

BASE_DIR = str(Path(__file__).parent)
SECRET_KEY = "not secret: a bench on a throw-away database"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.gis", "django.contrib.staticfiles", "mapit"]
# As MapIt's own project has it, without what serves people only (sessions, sign-in, languages).
MIDDLEWARE = ["mapit.middleware.JSONPMiddleware", "mapit.middleware.ViewExceptionMiddleware"]
ROOT_URLCONF = "mapit.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {
    "default": {
        "ENGINE": "django.contrib.gis.db.backends.postgis",
        "NAME": os.environ["PGDATABASE"],
        "CONN_MAX_AGE": None,
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
STATIC_URL = "/static/"
USE_TZ = True
GDAL_LIBRARY_PATH = os.environ["BENCH_GDAL"]
GEOS_LIBRARY_PATH = os.environ["BENCH_GEOS"]
MAPIT_AREA_SRID = 4326
MAPIT_COUNTRY = ""
MAPIT_RATE_LIMIT = {}
GOOGLE_ANALYTICS = ""
POSTCODES_AVAILABLE = PARTIAL_POSTCODES_AVAILABLE = False
