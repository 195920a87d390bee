# Engine and learner, on processors: torch without the libraries of a GPU.
ARG PYTHON=python:3.11-slim

FROM ${PYTHON} AS libraries
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /build
COPY requirements.lock deploy/docker/torch.txt ./
RUN python -m venv /opt/podium \
    && /opt/podium/bin/pip install --no-cache-dir --disable-pip-version-check --retries 1 --no-deps \
        --extra-index-url "${TORCH_INDEX}" --constraint requirements.lock torch \
    && /opt/podium/bin/pip install --no-cache-dir --disable-pip-version-check \
        --constraint requirements.lock --requirement torch.txt \
    && rm -r /opt/podium/lib/python3.11/site-packages/pip* /opt/podium/lib/python3.11/site-packages/torch/include

FROM ${PYTHON}
RUN groupadd --gid 10001 podium \
    && useradd --uid 10001 --gid podium --no-create-home --home-dir /tmp podium \
    && mkdir -p /var/lib/podium/weights /var/lib/podium/checkpoints /run/podium/secrets \
    && chown -R podium:podium /var/lib/podium /run/podium
COPY --from=libraries /opt/podium /opt/podium
ENV PATH=/opt/podium/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 HOME=/tmp OMP_NUM_THREADS=1
COPY deploy/docker/healthy.sh /usr/local/bin/healthy
WORKDIR /app
COPY . .
RUN python -m compileall -q .
USER 10001:10001
