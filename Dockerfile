# syntax=docker/dockerfile:1
#
# CPU by default. The torch wheels of PyPI bring about 3 GB of CUDA libraries; those of the CPU index do not, and
# the service computes on the CPU with OpenVINO anyway. For NVIDIA GPUs take torch from PyPI, CUDA included:
#   docker build --build-arg TORCH_INDEX=https://pypi.org/simple -t sonotype:gpu .
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/sonotype
ENV PATH=/opt/sonotype/bin:$PATH
# In a layer of its own: it is large and changes seldom.
RUN pip install --index-url "${TORCH_INDEX}" --extra-index-url https://pypi.org/simple \
    "torch==2.11.*" "torchaudio==2.11.*"
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY models models
COPY proto proto
ARG EXTRAS=""
# `milvus` for a catalogue in a Milvus, see docs/catalog-scale.md
# hadolint ignore=DL3013
RUN pip install ".${EXTRAS:+[${EXTRAS}]}"

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Sonotype" \
    org.opencontainers.image.description="Listens to music and answers with labels and embeddings." \
    org.opencontainers.image.licenses="Apache-2.0"
# A fixed number, so that volumes and `runAsUser` can name it. The two folders are all that is ever written, besides
# /tmp: the root file system may be read-only.
RUN groupadd --gid 10001 sonotype \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/sonotype --shell /usr/sbin/nologin sonotype \
    && install -d -o sonotype -g sonotype -m 0750 /var/lib/sonotype /var/cache/sonotype
COPY --from=build /opt/sonotype /opt/sonotype
ENV PATH=/opt/sonotype/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SONOTYPE_HOST=0.0.0.0 \
    SONOTYPE_DATA_DIR=/var/lib/sonotype \
    SONOTYPE_WEIGHTS_DIR=/var/cache/sonotype \
    SONOTYPE_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/sonotype
VOLUME ["/var/lib/sonotype", "/var/cache/sonotype"]
EXPOSE 8000 50051
STOPSIGNAL SIGTERM
# Alive, not ready: a gateway that waits for its workers must not be taken for dead.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:%s/livez' % os.environ.get('SONOTYPE_PORT', 8000), timeout=2)"]
ENTRYPOINT ["sonotype"]
CMD ["serve"]
