# Orchestrator, gateway, sandbox host, and the environments that need neither torch nor a browser.
ARG PYTHON=python:3.11-slim

FROM ${PYTHON} AS libraries
WORKDIR /build
COPY requirements.lock deploy/docker/control.txt ./
RUN python -m venv /opt/podium \
    && /opt/podium/bin/pip install --no-cache-dir --disable-pip-version-check \
        --constraint requirements.lock --requirement control.txt \
    && rm -r /opt/podium/lib/python3.11/site-packages/pip* /opt/podium/lib/python3.11/site-packages/setuptools*

FROM ${PYTHON}
# Git for the boxes of software engineering; a pin would be a version with known holes.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /run/podium
RUN groupadd --gid 10001 podium \
    && useradd --uid 10001 --gid podium --no-create-home --home-dir /tmp podium \
    && mkdir -p /var/lib/podium/environment secrets keys/all keys/orchestrator keys/gateway keys/engine keys/learner \
        keys/environment keys/sandbox keys/redis keys/postgres keys/prometheus keys/grafana \
    && chown -R podium:podium /var/lib/podium /run/podium
COPY --from=libraries /opt/podium /opt/podium
ENV PATH=/opt/podium/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 HOME=/tmp
COPY deploy/docker/healthy.sh /usr/local/bin/healthy
WORKDIR /app
COPY . .
RUN python -m compileall -q .
USER 10001:10001
