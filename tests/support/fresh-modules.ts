// For test files that share a process: each gets the program's modules and the tests' own anew, with what they remember and
// the hooks that they set; what was put in place of globals, variables and the clock goes. Only the process and the packages
// stay, and native ones can change how it computes.
import { vi } from 'vitest'

vi.resetModules()
vi.unstubAllGlobals()
vi.unstubAllEnvs()
vi.useRealTimers()
if ('window' in globalThis) throw new Error('A file before this one left its page behind: it must run alone.')

// A session of ONNX Runtime makes zeros of numbers that are too small for a normal float32, here too.
if (Float32Array.of(2 ** -140)[0] === 0)
  throw new Error(
    'A file before this one changed how its process computes: it must run alone (vitest.config.ts).',
  )
