# syntax=docker/dockerfile:1
#
#   docker build --target webhook -t REGISTRY/tagpin:VERSION .
#   docker build --target sweeper -t REGISTRY/tagpin-sweeper:VERSION .
#
# The bases are arguments, so that a release can name them by digest: `tagpin resolve` prints it.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-trixie-slim
ARG WEBHOOK_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot

# What is built is the same for every machine, so the builder's own is the fastest to build on.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No package may run a script: esbuild's program comes as a package of its own.
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY .ci/build.ts .ci/launch.ts ./.ci/
COPY src ./src
RUN npm run build

# The controller calls git, which signs with ssh-keygen or gpg.
FROM ${NODE_IMAGE} AS sweeper
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git gnupg openssh-client \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /usr/local/lib/node_modules /opt/yarn-* \
 # ssh refuses to run for a user that has no name.
 && useradd --uid 65532 --user-group --create-home --home-dir /home/tagpin --shell /usr/sbin/nologin tagpin
COPY --from=build /build/dist /app
USER 65532:65532
ENV NODE_ENV=production
EXPOSE 8080 8081
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=8", "/app/main.js"]
CMD ["sweep"]

# No shell, no package manager, nothing but Node and the bundle.
FROM ${WEBHOOK_IMAGE} AS webhook
COPY --from=build /build/dist /app
USER 65532:65532
ENV NODE_ENV=production
EXPOSE 8443 8080
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=8", "/app/main.js"]
CMD ["webhook"]
