// Where TensorFlow's libraries and their binding lie, for the script that brings them and for tests and benchmarks.
import { homedir } from 'node:os'
import { join } from 'node:path'
import { tensorflowVersion } from '../src/core/engines/engine-packs.ts'

export const tensorflowFolder =
  process.env.TUNEWRIGHT_TENSORFLOW ??
  join(homedir(), '.cache', 'tunewright-tensorflow', `${tensorflowVersion}-cpu`)
