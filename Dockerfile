# The conversation in a container: docker compose run --rm chat
ARG BASE=python:3.11-slim-bookworm

# The project as a wheel. Its build tool is one of the locked development requirements.
FROM ${BASE} AS wheel
WORKDIR /build
COPY requirements/dev.txt requirements/dev.txt
RUN ["python", "-m", "pip", "install", "--no-cache-dir", "--require-hashes", "-r", "requirements/dev.txt"]
COPY pyproject.toml README.md LICENSE LICENSE-knowledge ./
COPY bot bot
COPY flows flows
COPY messages messages
RUN ["python", "-m", "pip", "wheel", "--no-cache-dir", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "/wheels", "."]

# What runs: the locked runtime requirements, then the wheel, in an environment of their own.
FROM ${BASE} AS runtime
RUN ["python", "-m", "venv", "/opt/triage"]
COPY requirements/runtime.txt /tmp/runtime.txt
RUN ["/opt/triage/bin/python", "-m", "pip", "install", "--no-cache-dir", "--require-hashes", "-r", "/tmp/runtime.txt"]
COPY --from=wheel /wheels /tmp/wheels
RUN ["/opt/triage/bin/python", "-m", "pip", "install", "--no-cache-dir", "--no-deps", "--no-index", "--find-links", "/tmp/wheels", "her2-triage"]

FROM ${BASE}
RUN ["useradd", "--uid", "10001", "--user-group", "--home-dir", "/data", "--create-home", "--shell", "/usr/sbin/nologin", "triage"]
COPY --from=runtime /opt/triage /opt/triage
# Fails the build where the knowledge does not hold. What was checked is kept beside the bytecode, so that the
# container starts as fast with a read-only root.
RUN ["/opt/triage/bin/triage", "knowledge", "check"]
ENV PATH=/opt/triage/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TRIAGE_DATA_DIR=/data
WORKDIR /data
VOLUME ["/data"]
USER 10001:10001
# A conversation in a terminal listens on no port: there is nothing to ask whether it is healthy.
HEALTHCHECK NONE
ENTRYPOINT ["triage"]
CMD ["chat"]
