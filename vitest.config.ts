import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// Hundreds of processes are started from the sources, and reading these takes most of a short one's time: Node keeps what it
// made of them, with a checksum of each file, for all that follow.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/node-compile')

/** What takes long, so that no long file is at work alone at the end. */
const long =
  /tests\/(e2e|cli|faults|long|conformance\/(models|webgpu|resident|ops)|journal\/fault-sweep|core\/tuning\/study-|core\/archive|core\/devices\/measure|processes\/trainer)/

class LongOnesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return [
      ...sorted.filter(({ moduleId }) => long.test(moduleId)),
      ...sorted.filter(({ moduleId }) => !long.test(moduleId)),
    ]
  }
}

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: process.env.TUNEWRIGHT_LONG ? [] : ['tests/long/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongOnesFirst },
  },
})
