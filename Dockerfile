# SPDX-License-Identifier: Apache-2.0
# Kerbside for people without Kolla: one image, all programs, `kerbside` (everything in one) by default.
#   docker build -t kerbside .
#   docker run -d --name kerbside --stop-timeout 60 -p 5900:5900 -p 5901:5901 -p 13002:13002 -p 6082:6082 \
#     -v kerbside-state:/var/lib/kerbside -v /etc/kerbside:/etc/kerbside:ro kerbside
# See doc/source/install/docker.rst. Builds with Docker, Podman and Buildah.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS builder
ARG NPM_REGISTRY=
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates curl g++ make python3
WORKDIR /build/source
COPY image image
RUN NPM_REGISTRY="$NPM_REGISTRY" image/build node /build/node
ENV PATH=/build/node/bin:$PATH
# The modules apart from the program: a changed source file does not compile SQLite again.
COPY package.json package-lock.json .npmrc ./
RUN NPM_REGISTRY="$NPM_REGISTRY" image/build modules
COPY . .
RUN NPM_REGISTRY="$NPM_REGISTRY" image/build tree /build/tree

FROM ${BASE}
LABEL org.opencontainers.image.title="kerbside" \
      org.opencontainers.image.description="SPICE console broker and proxy" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates libstdc++6 openssl spice-html5 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/dpkg.log /var/log/apt \
    && groupadd --gid 42495 kerbside \
    && useradd --no-log-init --no-create-home --uid 42495 --gid kerbside \
         --home-dir /var/lib/kerbside --shell /usr/sbin/nologin kerbside \
    && install -d -o kerbside -g kerbside -m 0700 /var/lib/kerbside \
    && install -d -o root -g kerbside -m 0750 /etc/kerbside
COPY --from=builder /build/tree/ /
# Authorities that the operator adds to the system's are trusted by Kerbside too.
ENV NODE_ENV=production NODE_USE_SYSTEM_CA=1
# ./sources.yaml, the default of [sources] path, starts here.
WORKDIR /etc/kerbside
USER 42495:42495
VOLUME /var/lib/kerbside
# SPICE with TLS, SPICE plain, consoles in browsers, REST, metrics.
EXPOSE 5900 5901 6082 13002 13003
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["kerbside-status", "health"]
CMD ["kerbside"]
