// What this computer is, as far as runs and reports need it. Reads, never changes.
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'
import { hasFastBfloat16, hasKernelsFor } from '#shared/processor-flags.ts'
import { appVersion } from './app-version.ts'
import { codeFingerprint } from './code-fingerprint.ts'

export interface Machine {
  readonly platform: string
  readonly processor: string
  /** Cores with arithmetic units of their own: hyper-threads do not help matrix products. */
  readonly physicalCores: number
  readonly memoryBytes: number
}

export function describeMachine(): Machine {
  return {
    platform: `${platform()} ${release()} ${arch()}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    physicalCores: countPhysicalCores(),
    memoryBytes: totalmem(),
  }
}

/** Distinct (package, core) pairs that this process may use on Linux; elsewhere what the system says is available. */
function countPhysicalCores(): number {
  const available = availableParallelism()
  if (platform() !== 'linux') return available
  const cores = new Set<string>()
  let socket = '0'
  try {
    for (const line of readFileSync('/proc/cpuinfo', 'utf8').split('\n')) {
      const [key, value] = line.split(':').map((part) => part.trim())
      if (key === 'physical id') socket = value
      if (key === 'core id') cores.add(`${socket}/${value}`)
    }
  } catch {
    return available
  }
  return cores.size === 0 ? available : Math.min(available, cores.size)
}

/** Whether this processor multiplies bfloat16 faster than float32; false where the system does not say. */
export const hasBfloat16Products = (): boolean => hasFastBfloat16(processorFlags())

/** Whether our own operators for TensorFlow can compute on it; false where the system does not say. */
export const hasKernelInstructions = (): boolean => hasKernelsFor(processorFlags())

function processorFlags(): string {
  try {
    return platform() === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : ''
  } catch {
    return ''
  }
}

/** What decides what a run computes, for the journal; `code` is the SHA-256 of the program's own sources. */
export function describeVersions(): Record<string, string> {
  const { node, v8 } = process.versions
  return { tunewright: appVersion, code: codeFingerprint(), node, v8 }
}
