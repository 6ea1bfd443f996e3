import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// Hundreds of processes are started from the sources, and reading these takes most of a short one's time: Node keeps what it
// made of them, with a checksum of each file, for all that follow.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/node-compile')

/**
 * Files that change nothing of their process but what they put back (no folder, no environment, no mocked module) and do
 * not ask about it: one process runs many of them, each with modules of its own. Starting one for each and loading the same
 * packages again took more than most of these tests. Native code that computes changes its process: ONNX Runtime makes
 * zeros of tiny numbers (tests/support/fresh-modules.ts).
 */
const sharing = [
  'tests/{engine,renderer}/**/*.test.ts',
  'tests/formats/!(table-hostile|*llama-cpp).test.ts',
  'tests/core/{advice,chat,data,experiments,projects,scenarios,training}/**/*.test.ts',
  'tests/core/proof/!(class-answers).test.ts',
]
const ofLongRun = process.env.TUNEWRIGHT_LONG ? [] : ['tests/long/**']

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
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongOnesFirst },
    projects: [
      {
        extends: true,
        test: { name: 'alone', include: ['tests/**/*.test.ts'], exclude: [...sharing, ...ofLongRun] },
      },
      {
        extends: true,
        test: {
          name: 'together',
          include: sharing,
          isolate: false,
          setupFiles: 'tests/support/fresh-modules.ts',
        },
      },
    ],
  },
})
