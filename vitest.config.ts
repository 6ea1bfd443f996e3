import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// Hundreds of processes are started from the sources, and reading these takes most of a short one's time: Node keeps what it
// made of them, with a checksum of each file, for all that follow.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/node-compile')

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: process.env.TUNEWRIGHT_LONG ? [] : ['tests/long/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
