# The API and the job process. PostGIS is a container of its own (docker-compose.yml).
FROM node:20-bookworm-slim AS assets
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund

FROM python:3.11-slim-bookworm
# pango sets the text of PDFs, in a font that has the Chinese characters.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends \
      libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 wangge
WORKDIR /app
COPY requirements.txt ./
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY --from=assets /app/node_modules ./node_modules
COPY . .
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e . && mkdir var && chown wangge var
USER wangge
VOLUME /app/var
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=90s \
  CMD ["/app/.venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["/app/.venv/bin/wangge", "serve", "--host", "0.0.0.0"]
