// Where the nodes of training steps are computed on a graphics card of ONNX Runtime's: makes sessions in a process of its own
// and reads the runtime's log.
import { spawn } from 'node:child_process'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Dialect } from '#backends/onnx/node-writer.ts'
import type { Provider } from '#backends/onnx/providers.ts'
import type { DeviceId } from '#shared/devices.ts'
import { straysOf } from './node-placement.ts'

/** The cards of ONNX Runtime, and what it calls what computes on them. */
export const providers = {
  'onnx-cuda': 'cuda',
  'onnx-directml': 'directml',
  'onnx-coreml': 'coreml',
  'onnx-webgpu': 'webgpu',
} as const satisfies Partial<Record<DeviceId, Provider>>

export interface PlacingDevice {
  readonly device: keyof typeof providers
  /** Where fetched runtimes lie. */
  readonly enginesFolder: string
}

/** What the process says of a graph that it compiled. */
export interface PlacedGraph {
  readonly name: string
  /** Nodes that read whole numbers only. */
  readonly whole: readonly string[]
}

export interface Placement {
  readonly name: string
  /** What is not where it should be, in words. */
  readonly strays: readonly string[]
}

const child = fileURLToPath(new URL('./placements-child.ts', import.meta.url))

/**
 * One for each graph. Throws with the end of the log where the process does not get to its end. `dialect` is the one that
 * graphics cards are given; another is for the test that strays are seen.
 */
export async function lookAtPlacements(
  { device, enginesFolder }: PlacingDevice,
  dialect: Dialect = 'portable',
): Promise<readonly Placement[]> {
  const { said, log } = await run([device, enginesFolder, dialect])
  const graphs: readonly PlacedGraph[] = JSON.parse(said)
  const parts = log.split(/\ngraph /).slice(1)
  return graphs.map(({ name, whole }) => {
    const part = parts.find((each) => each.startsWith(`${name}\n`)) ?? ''
    return { name, strays: straysOf(part, whole) }
  })
}

/** Its log goes to a file: a pipe that Node has opened loses lines of the runtime's when it is full. */
async function run(parameters: readonly string[]): Promise<{ readonly said: string; readonly log: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'tunewright-placements-'))
  try {
    const file = await open(join(folder, 'log'), 'w')
    const started = spawn(process.execPath, [child, ...parameters], { stdio: ['ignore', 'pipe', file.fd] })
    const said: Buffer[] = []
    started.stdout!.on('data', (piece: Buffer) => said.push(piece))
    const ending = await new Promise<string>((resolve, reject) => {
      started.once('error', reject)
      started.once('close', (code, signal) => resolve(String(code ?? signal)))
    })
    await file.close()
    const log = await readFile(join(folder, 'log'), 'utf8')
    if (ending !== '0') throw new Error(`The process ended with ${ending}: ${log.slice(-2000)}`)
    return { said: Buffer.concat(said).toString(), log }
  } finally {
    await rm(folder, { recursive: true })
  }
}
