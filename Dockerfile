# The environment of a run in a Docker work pool (docs/teams.md).
#
#   docker build --tag ganflow .
#
# It holds no data and no checkout: those are a volume on /srv, where the pull step of
# deployments/docker.yaml keeps a clone with its whole history,
# DVC's cache and the checkpoints. What is installed here is what requirements.lock says, by hash;
# the code that runs is the clone's.
ARG PYTHON=3.11.13

FROM python:${PYTHON}-slim-bookworm AS environment
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /build
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
COPY requirements.lock ./
# The locked pip first: older ones do not take a pin with extras for the package itself.
RUN awk '/^pip==/ {on = 1} on {print} on && !/\\$/ {exit}' requirements.lock > pip.lock \
    && pip install --require-hashes -r pip.lock \
    && pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
# What `ganflow init` copies is in the wheel too.
COPY .gitattributes .gitignore dvc.yaml params.yaml prefect.toml prefect.yaml ./
COPY .github .github
COPY flows flows
RUN pip install --no-deps --no-build-isolation .

FROM python:${PYTHON}-slim-bookworm
# The versions of Debian 12, without the parts that its security updates change.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates=2023* gh=2.23.* git=1:2.39.* openssh-client=1:9.2* tini=0.19.* \
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
