// What decides which devices this computer has: its system, processor and graphics cards, and the engines in the library.
// Reads, never changes.
import type { GraphicsCard } from '#shared/contract/devices.ts'
import { type DeviceId, deviceFacts, type EngineId, engineIds } from '#shared/devices.ts'
import type { Problem } from '#shared/result.ts'
import { findEngine } from '../engines/engine-library.ts'
import { enginePack } from '../engines/engine-packs.ts'
import { appVersion } from '../system/app-version.ts'
import type { Library } from '../system/library.ts'
import { describeMachine, hasBfloat16Products } from '../system/machine.ts'
import { readGraphicsOfComputer } from './graphics-cards.ts'

export interface Surroundings {
  /** As `${process.platform} ${process.arch}`. */
  readonly system: string
  readonly processor: string
  readonly hasBfloat16Products: boolean
  readonly cards: readonly GraphicsCard[]
  /** About graphics as a whole: that there are none, or what is wrong with a driver. */
  readonly graphicsSentences: readonly string[]
  /** Of each engine that cannot be used: why. */
  readonly engineProblems: ReadonlyMap<EngineId, Problem>
}

export async function lookAround(library: Pick<Library, 'enginesFolder'>): Promise<Surroundings> {
  const { cards, sentences } = await readGraphicsOfComputer()
  const { processor, physicalCores } = describeMachine()
  return {
    system: `${process.platform} ${process.arch}`,
    processor: `${processor}, ${physicalCores} cores`,
    hasBfloat16Products: hasBfloat16Products(),
    cards,
    graphicsSentences: sentences,
    engineProblems: await problemsOf(library),
  }
}

async function problemsOf(library: Pick<Library, 'enginesFolder'>): Promise<Map<EngineId, Problem>> {
  const problems = new Map<EngineId, Problem>()
  for (const engine of engineIds) {
    const found = await findEngine(library, engine)
    if (!found.ok) problems.set(engine, found.problem)
  }
  return problems
}

/** Figures of one place count there only. */
export function placeOf(device: DeviceId, { processor, cards }: Surroundings): string {
  const { hardware, engine } = deviceFacts[device]
  const parts = [processor, `Tunewright ${appVersion}`]
  if (hardware === 'graphics') parts.push(...cards.map(({ name, driver }) => `${name} ${driver}`))
  if (engine !== null) parts.push(`${engine} ${enginePack(engine).version}`)
  return parts.join('; ')
}
