// What NVIDIA's own tool and driver say of their cards, parsed. Pure.
import type { Asked } from './graphics-cards-asking.ts'

export interface NvidiaCard {
  readonly name: string
  readonly memoryBytes: number | null
  readonly driver: string
  readonly computeCapability: string | null
}

/** `state` says in which way there is nothing to read. */
export type NvidiaAnswer =
  | { readonly state: 'cards'; readonly cards: readonly NvidiaCard[] }
  | { readonly state: 'no-tool' | 'silent' | 'no-devices' | 'no-driver' | 'mismatch' | 'strange' }

const fields = ['name', 'memory.total', 'driver_version', 'compute_cap'] as const
export const nvidiaQuery = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader'] as const
/** Drivers up to 470 do not know the last field. */
export const olderNvidiaQuery = [
  `--query-gpu=${fields.slice(0, 3).join(',')}`,
  '--format=csv,noheader',
] as const

export const isOlderTool = (asked: Asked): boolean =>
  asked.kind === 'said' && /not a valid field to query/i.test(asked.text)

/** The tool's own words, in the forms of drivers 340 to 590. */
const troubles: readonly (readonly [RegExp, NvidiaAnswer['state'] & string])[] = [
  [/no devices were found/i, 'no-devices'],
  [/version mismatch/i, 'mismatch'],
  [/couldn't communicate with the nvidia driver|driver is not loaded|driver not loaded/i, 'no-driver'],
]

export function readNvidiaSmi(asked: Asked): NvidiaAnswer {
  if (asked.kind === 'absent') return { state: 'no-tool' }
  if (asked.kind === 'silent') return { state: 'silent' }
  const trouble = troubles.find(([words]) => words.test(asked.text))?.[1]
  if (trouble !== undefined && trouble !== 'cards') return { state: trouble }
  const lines = asked.text.split('\n').filter((line) => line.trim() !== '')
  const cards = lines.map(cardOf)
  if (asked.code !== 0 || cards.length === 0) return { state: 'strange' }
  const known = cards.filter((card) => card !== null)
  return known.length === cards.length ? { state: 'cards', cards: known } : { state: 'strange' }
}

/** "NVIDIA H200, 143771 MiB, 570.86.15, 9.0"; what is not known stands in brackets, "[N/A]". */
function cardOf(line: string): NvidiaCard | null {
  const [name = '', memory = '', driver = '', capability = ''] = line.split(',').map((part) => part.trim())
  if (name === '' || !/^\d+(\.\d+)+$/.test(driver)) return null
  return {
    name,
    memoryBytes: mebibytesOf(memory),
    driver,
    computeCapability: /^\d+\.\d+$/.test(capability) ? capability : null,
  }
}

/** Bytes of "143771 MiB"; null of "[N/A]", as cards say that share the computer's memory. */
export function mebibytesOf(text: string): number | null {
  const found = /^(\d+)\s*MiB$/.exec(text.trim())
  return found === null ? null : Number(found[1]) * 2 ** 20
}

/** Version in /proc/driver/nvidia/version: "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 …". */
export const driverInKernel = (text: string): string | null =>
  /^NVRM version:.*?\s(\d{3,}\.\d+(?:\.\d+)?)\s/m.exec(text)?.[1] ?? null

/** Compares "525.60.13" with "470.223" part by part. */
export function isOlder(version: string, than: string): boolean {
  const [parts, others] = [version, than].map((text) => text.split('.').map(Number)) as [number[], number[]]
  for (let i = 0; i < Math.max(parts.length, others.length); i += 1) {
    const difference = (parts[i] ?? 0) - (others[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}
