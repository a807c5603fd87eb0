import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

// Tests read the sources; only e2e runs what was built.
const alias = [
  { find: /^@evertick\/core$/, replacement: source('packages/core/src/index.ts') },
  { find: /^@evertick\/core\/testing$/, replacement: source('packages/core/src/testing/index.ts') },
  { find: /^@evertick\/core\/redis$/, replacement: source('packages/core/src/stores/redis/index.ts') },
  { find: /^@evertick\/core\/postgres$/, replacement: source('packages/core/src/stores/postgres/index.ts') },
  { find: /^@evertick\/core\/sqlite$/, replacement: source('packages/core/src/stores/sqlite/index.ts') },
]

export default defineConfig({
  resolve: { alias },
  test: {
    projects: [
      {
        extends: true,
        // Limits for a machine that is busy with other work; what takes long by itself says so.
        test: {
          name: 'unit',
          // Half of the time of many is spent in waiting for a server's clock.
          maxWorkers: Math.max(2, availableParallelism()),
          include: ['packages/*/src/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          // After the others, alone with the machine.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
