# The Evertick server. Settings come from the environment (docs/cluster.md); nothing secret is in the image.
FROM node:22-slim AS build
WORKDIR /evertick
COPY package.json package-lock.json tsconfig.base.json ./
COPY packages/core/package.json packages/core/
COPY packages/server/package.json packages/server/
COPY packages/dashboard/package.json packages/dashboard/
RUN npm ci --no-audit --no-fund
COPY scripts/copy-lua.mjs scripts/
COPY packages packages
RUN npx tsc -b packages/core/tsconfig.build.json packages/server/tsconfig.build.json && node scripts/copy-lua.mjs
RUN npm prune --omit=dev --no-audit --no-fund

FROM node:22-slim
ENV NODE_ENV=production EVERTICK_HOST=0.0.0.0 EVERTICK_PORT=4747
WORKDIR /evertick
COPY package.json ./
COPY --from=build /evertick/node_modules node_modules
COPY --from=build /evertick/packages/core/package.json packages/core/
COPY --from=build /evertick/packages/core/dist packages/core/dist
COPY --from=build /evertick/packages/server/package.json packages/server/
COPY --from=build /evertick/packages/server/bin packages/server/bin
COPY --from=build /evertick/packages/server/static packages/server/static
COPY --from=build /evertick/packages/server/dist packages/server/dist
USER node
EXPOSE 4747
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4747/healthz').then(({ ok }) => process.exit(Number(!ok)))"]
ENTRYPOINT ["node", "packages/server/bin/evertick.js"]
CMD ["serve"]
