# Chatelaine as an image: Debian with Python, one user without rights, nothing to write but /data.
# Pin BASE by digest where you build for production: docker build --build-arg BASE=python:3.13-slim-bookworm@sha256:...
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /app
COPY chatelaine requirements.txt ./
# With an empty program the command makes the environment, checks every hash, and has nothing else to do.
RUN touch cli.py && ./chatelaine
COPY . .
# The image is read-only where it runs, so Python's compiled files are made here.
RUN .venv/bin/python -m compileall -q -x '[.]venv' .

FROM ${BASE}
LABEL org.opencontainers.image.title="Chatelaine" \
      org.opencontainers.image.description="The credential room of a small team"
# For backups of PostgreSQL: --build-arg PACKAGES=postgresql-client
ARG PACKAGES=""
RUN [ -z "$PACKAGES" ] || { apt-get update && apt-get install -y --no-install-recommends $PACKAGES && \
    rm -rf /var/lib/apt/lists/*; }
RUN useradd --create-home --uid 1000 --user-group chatelaine && install -d -o 1000 -g 1000 -m 700 /data
WORKDIR /app
COPY --from=build /app /app
ENV CHATELAINE_CONTAINER=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 1000:1000
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/app/.venv/bin/python", "/app/deploy/healthcheck.py"]
ENTRYPOINT ["/app/chatelaine"]
CMD ["serve"]
