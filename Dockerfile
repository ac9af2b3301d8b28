# `triage serve` in a container; docker-compose.yml runs several of them with PostgreSQL behind and TLS in front.
# The conversation in a terminal, alone and on SQLite: docker run --rm -it --no-healthcheck --volume data:/data IMAGE chat
#
# The same sources and base give the same files: locked and hashed requirements, bytecode without time stamps, nothing
# that depends on the order of a set. SOURCE_DATE_EPOCH dates what carries a date; for the same bytes of every layer the
# builder has to date the layers by it too (buildah build --timestamp, docker buildx --output ...,rewrite-timestamp=true).
ARG BASE=python:3.11-slim-bookworm
ARG SOURCE_DATE_EPOCH=1767225600

# Everything is made here; what runs is copied from it. The tools stay behind: pip is not in what runs either.
FROM ${BASE} AS build
ARG SOURCE_DATE_EPOCH
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_COMPILE=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONHASHSEED=0
WORKDIR /build
RUN useradd --uid 10001 --user-group --no-log-init --no-create-home --home-dir /data --shell /usr/sbin/nologin triage \
 && install --directory --owner=10001 --group=10001 /data \
 && python3 -m venv /opt/build \
 && python3 -m venv --without-pip /opt/triage

# The locked requirements, in a layer of their own: they change less often than the program. Of the development
# requirements only what builds the wheel is taken; pip refuses if it needs more than is named here.
COPY requirements requirements
RUN awk '/^[a-z]/ { wanted = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } wanted' \
    requirements/dev.txt > requirements/build.txt \
 && /opt/build/bin/python3 -m pip install --require-hashes -r requirements/build.txt \
 && /opt/build/bin/python3 -m pip --python /opt/triage/bin/python3 install --require-hashes -r requirements/runtime.txt

# The project as a wheel, beside its requirements in an environment of its own. Its bytecode is never checked against a
# time stamp: copying may date the sources anew, and nobody can write them. The build fails where the knowledge does not
# hold. What was read is kept beside the bytecode, so that the container starts as fast with a read-only root.
COPY pyproject.toml README.md LICENSE LICENSE-knowledge ./
COPY bot bot
COPY flows flows
COPY messages messages
RUN /opt/build/bin/python3 -m pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
 && /opt/build/bin/python3 -m pip --python /opt/triage/bin/python3 install --no-deps --no-index --find-links /wheels her2-triage \
 && /opt/triage/bin/python3 -m compileall -q --invalidation-mode unchecked-hash /opt/triage/lib \
 && /opt/triage/bin/triage knowledge check \
 && /opt/triage/bin/python3 -P -c "from flows.knowledge import shipped; from messages.words import english; english(shipped())"

# What runs. Nothing is executed in this stage, so nothing but these files can get into it.
FROM ${BASE}
COPY --from=build /etc/passwd /etc/group /etc/
COPY --from=build --chown=10001:10001 /data /data
COPY --from=build /opt/triage /opt/triage
ENV PATH=/opt/triage/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TRIAGE_DATA_DIR=/data
WORKDIR /data
# The SQLite log of turns. With PostgreSQL nothing is kept here.
VOLUME ["/data"]
USER 10001:10001
# Only says which port: the server listens on loopback until TRIAGE_WEB_HOST and TRIAGE_WEB_ACCESS_TOKEN are set.
EXPOSE 8000
STOPSIGNAL SIGTERM
# Alive, not ready: an orchestrator that restarts what is unhealthy must not do so because the database is away.
# The interpreter itself asks, without the proxy that urllib would take from the environment.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/opt/triage/bin/python3", "-I", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('TRIAGE_WEB_PORT') or 8000), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["triage"]
CMD ["serve"]
