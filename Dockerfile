# The one image of Waybill: every agent and the tool; which of them it runs is its argument.
#   docker build -t waybill:0.3.0 .      docker run … waybill:0.3.0 mx      … waybill:0.3.0 domain ls
# It keeps the shape of the repository, because Node strips types from workspace packages only when
# they are not below node_modules. No compiler, no second Node, no Postgres, no lab, no tests.

FROM node:24-slim AS build
RUN --mount=type=cache,target=/root/.npm npm install --global --no-fund --no-audit pnpm@12.21.0
WORKDIR /waybill
# What the lockfile names, before any source: this layer stays while the lockfile does.
COPY pnpm-lock.yaml pnpm-workspace.yaml ./
RUN --mount=type=cache,id=waybill-pnpm,target=/pnpm/store \
    pnpm fetch --prod --config.optional=false --config.store-dir=/pnpm/store
COPY package.json ./
COPY packages packages
COPY services services
COPY deploy/entry.ts deploy/healthcheck.cjs deploy/
RUN --mount=type=cache,id=waybill-pnpm,target=/pnpm/store \
    pnpm install --offline --frozen-lockfile --prod --no-optional \
      --config.store-dir=/pnpm/store --config.package-import-method=copy \
      --filter '@waybill/cli...' --filter '@waybill/msa...' --filter '@waybill/mx...' --filter '@waybill/mta...' \
      --filter '@waybill/mda...' --filter '@waybill/mra...' --filter '@waybill/auth...' \
 && rm -rf packages/lab node_modules/.pnpm-workspace-state*.json node_modules/.modules.yaml \
 && find . \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -type f -delete

# Compiled code is kept in the image, so that a start compiles nothing: Node writes it for the user
# that will read it.
FROM build AS warm
USER 1000:1000
ENV NODE_COMPILE_CACHE=/tmp/compiled
COPY deploy/warm.ts deploy/
RUN node deploy/warm.ts 2>/dev/null && chmod -R a+rX /tmp/compiled

FROM node:24-slim
ARG WAYBILL_VERSION=0.3.0
ARG WAYBILL_REVISION=unknown
LABEL org.opencontainers.image.title="Waybill" \
      org.opencontainers.image.description="A mail server as the textbook draws it: msa, mx, mta, mda, mra and auth, each a service of its own" \
      org.opencontainers.image.version="${WAYBILL_VERSION}" \
      org.opencontainers.image.revision="${WAYBILL_REVISION}" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /waybill
COPY --link --from=build --chown=0:0 /waybill /waybill
COPY --link --from=warm --chown=0:0 /tmp/compiled /waybill/.compiled
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/waybill/.compiled
USER 1000:1000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=180s --start-interval=2s --retries=3 \
  CMD ["node", "/waybill/deploy/healthcheck.cjs"]
ENTRYPOINT ["node", "/waybill/deploy/entry.ts"]
CMD ["help"]
