// For test files that share a process: each gets the program's modules and the tests' own anew, with what they remember and
// the hooks that they set; only the process and the packages stay. Of these, native ones can change how it computes.
import { vi } from 'vitest'

vi.resetModules()

// A session of ONNX Runtime makes zeros of numbers that are too small for a normal float32, here too.
if (Float32Array.of(2 ** -140)[0] === 0)
  throw new Error(
    'A file before this one changed how its process computes: it must run alone (vitest.config.ts).',
  )
