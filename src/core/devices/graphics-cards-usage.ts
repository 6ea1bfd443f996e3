// Memory and power of NVIDIA cards while something runs on them, for measurements; there is no such tool for others. Looks
// once a second, and only as long as it is asked to.
import { type Ask, askSystem } from './graphics-cards-asking.ts'
import { mebibytesOf } from './graphics-cards-nvidia.ts'

export interface GraphicsUsage {
  /** Most memory of a card above what was in use at the first look; null where it could not be read. */
  readonly peakBytes: number | null
  /** Mean power of all cards in watts; null where no card tells it. */
  readonly watts: number | null
}

export interface UsageSampler {
  /** Ends the looking. */
  stop(): Promise<GraphicsUsage>
}

const lookEveryMs = 1_000
const query = ['--query-gpu=memory.used,power.draw', '--format=csv,noheader'] as const

interface Look {
  /** Of each card in use. */
  readonly bytes: readonly number[]
  readonly watts: number | null
}

/** The first look is under way when this returns; wait for `isReady` before the work that is to be measured. */
export function sampleGraphics(
  ask: Ask = askSystem,
  everyMs = lookEveryMs,
): UsageSampler & { readonly isReady: Promise<void> } {
  const looks: Look[] = []
  const look = async (): Promise<void> => {
    const asked = await ask('nvidia-smi', query)
    const seen = asked.kind === 'said' && asked.code === 0 ? readUsage(asked.text) : null
    if (seen !== null) looks.push(seen)
  }
  let underWay: Promise<void> = look()
  const isReady = underWay
  let isLooking = false
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    underWay = look().finally(() => {
      isLooking = false
    })
  }, everyMs)
  return {
    isReady,
    async stop() {
      clearInterval(timer)
      await underWay
      return usageOf(looks)
    },
  }
}

/** Lines such as "1234 MiB, 87.31 W"; cards that tell no power say "[N/A]". */
export function readUsage(text: string): Look | null {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const bytes: number[] = []
  let watts: number | null = null
  for (const line of lines) {
    const [memory = '', power = ''] = line.split(',')
    const used = mebibytesOf(memory)
    if (used === null) return null
    bytes.push(used)
    const drawn = /^\s*(\d+(?:\.\d+)?)\s*W\s*$/.exec(power)
    if (drawn !== null) watts = (watts ?? 0) + Number(drawn[1])
  }
  return bytes.length === 0 ? null : { bytes, watts }
}

function usageOf(looks: readonly Look[]): GraphicsUsage {
  const [first] = looks
  const powers = looks.flatMap(({ watts }) => (watts === null ? [] : [watts]))
  return {
    peakBytes:
      first === undefined || looks.length < 2
        ? null
        : Math.max(
            0,
            ...looks.flatMap(({ bytes }) => bytes.map((used, card) => used - (first.bytes[card] ?? 0))),
          ),
    watts: powers.length === 0 ? null : powers.reduce((sum, power) => sum + power, 0) / powers.length,
  }
}
