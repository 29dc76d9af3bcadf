# The environment of a run in a Docker work pool (docs/teams.md).
#
#   docker build --tag ganflow .
#
# It holds no data and no checkout: those are a volume on /srv, where the pull step of
# deployments/docker.yaml keeps a clone with its whole history,
# DVC's cache and the checkpoints. What is installed here is what requirements.lock says, by hash;
# the code that runs is the clone's.
# BASE is any Debian with Python 3.11 to 3.13 and its venv module; `make test-image` builds on
# Debian 13 alone.
ARG BASE=python:3.11.13-slim-bookworm

FROM ${BASE} AS environment
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /build
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
COPY requirements.lock requirements-cpu.lock ./
# The locked pip first: older ones do not take a pin with extras for the package itself.
RUN awk '/^pip==/ {on = 1} on {print} on && !/\\$/ {exit}' requirements.lock > pip.lock \
    && pip install --require-hashes -r pip.lock
# On x86-64 TensorFlow comes without CUDA's parts: a third smaller, and it trains the same bytes.
# What remains of `tensorflow` in the lock is for other processors. Headers and libclang are for
# who builds extensions.
RUN awk '/^[a-zA-Z]/ {skip = /^tensorflow==/} !skip' requirements.lock > others.lock \
    && if [ "$(uname -m)" = x86_64 ]; then \
           pip install --no-deps --require-hashes -r others.lock -r requirements-cpu.lock; \
       else \
           pip install --no-deps --require-hashes -r requirements.lock; \
       fi \
    && rm -rf /opt/venv/lib/python3.*/site-packages/tensorflow/include \
        /opt/venv/lib/python3.*/site-packages/clang
COPY pyproject.toml README.md LICENSE ./
COPY src src
# What `ganflow init` copies is in the wheel too.
COPY .gitattributes .gitignore dvc.yaml params.yaml prefect.toml prefect.yaml ./
COPY .github .github
COPY flows flows
RUN pip install --no-deps --no-build-isolation .

FROM ${BASE}
# Debian's stable release fixes the versions.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates gh git openssh-client tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home --shell /usr/sbin/nologin ganflow \
    && install --directory --owner ganflow --group ganflow /srv/ganflow
COPY --from=environment /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/srv/ganflow/clone:/srv/ganflow/clone/src \
    GANFLOW_CLONE=/srv/ganflow/clone \
    DVC_SITE_CACHE_DIR=/srv/ganflow/site \
    DVC_NO_ANALYTICS=1 \
    DO_NOT_TRACK=1 \
    PREFECT_HOME=/tmp/prefect
USER 1000:1000
VOLUME /srv/ganflow
WORKDIR /srv/ganflow
# As process 1 a program gets no signal that it does not ask for, and nobody collects orphans.
ENTRYPOINT ["tini", "--"]
CMD ["prefect", "flow-run", "execute"]
