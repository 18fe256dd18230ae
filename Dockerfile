# Two stages: the first installs the run-time packages from the lockfile, the second holds what runs and nothing else, so there is no
# npm step, no compiler and no shell script in what is shipped. Nothing in it is built for one processor: amd64 and arm64 alike.
# Optional packages and those for development are left out: they bring a Node for machines without a current one, and this image is one.

FROM node:26.10.0-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY deploy/link-node.mjs deploy/
RUN npm ci --omit=dev --omit=optional --loglevel=error

FROM node:26.10.0-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json LICENSE ./
COPY src src
# An example to start from: mount your own over it.
COPY config/examples/minimal.yaml /etc/sluice/gateway.yaml
# User node, by number: orchestrators that demand a user without rights can tell. It writes nowhere, so the root may be read-only.
USER 1000:1000
# 8080 is the traffic's port. The admin port listens on the container's loopback unless the configuration says otherwise.
EXPOSE 8080
STOPSIGNAL SIGTERM
# Where `admin` of the configuration names another port, say so in SLUICE_ADMIN.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`${process.env.SLUICE_ADMIN ?? 'http://127.0.0.1:9900'}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts", "run", "--config", "/etc/sluice/gateway.yaml"]
