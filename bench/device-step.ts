// npm run bench:device: LoRA on weights in bfloat16 and in 4 bits, on devices of this computer, beside Hugging Face PEFT on the
// same hardware, for models of random numbers in the shapes of SmolLM2-135M, Llama 3.2 1B and Llama 3.1 8B. Prints ratios
// and asserts nothing. Ours is measured as "Measure this computer" does it: the real process, engine and loop.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { askSpeedometer } from '#core/devices/ask-speedometer.ts'
import { readGraphicsOfComputer } from '#core/devices/graphics-cards.ts'
import { sampleGraphics } from '#core/devices/graphics-cards-usage.ts'
import { missingOf } from '#core/devices/missing-devices.ts'
import { lookAround } from '#core/devices/surroundings.ts'
import { sha256File } from '#core/system/durable-files.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { defaultHome, openLibrary } from '#core/system/library.ts'
import { describeMachine } from '#core/system/machine.ts'
import { type DeviceId, deviceFacts, deviceId } from '#shared/devices.ts'
import { type Recipe, recipe } from '#shared/recipe.ts'
import { describeProblem } from '#shared/result.ts'
import type { SpeedEvent } from '#shared/speed-protocol.ts'
import { askPeer, findPeer, type Peer } from './peer/peer.ts'
import { type ModelShape, modelShapes, placeRandomModel } from './random-model.ts'

/** Rows and tokens of a step, and whether blocks are computed twice. */
const steps: Readonly<Record<ModelShape, { rows: number; positions: number; checkpointing: boolean }>> = {
  '135m': { rows: 4, positions: 256, checkpointing: false },
  '1b': { rows: 1, positions: 512, checkpointing: true },
  '8b': { rows: 1, positions: 512, checkpointing: true },
}
const bases = { lora: 'float', qlora: 'nf4' } as const
type Method = keyof typeof bases

interface Case {
  readonly model: ModelShape
  readonly method: Method
  readonly folder: string
  readonly weightsSha256: string
  readonly seconds: number
}

interface Figures {
  readonly stepMs: number
  /** Of the process, in MiB. */
  readonly peakMib: number
  /** Of the card, in MiB, above what others had there before. */
  readonly cardMib: number | null
}

const threads = describeMachine().physicalCores
const library = openLibrary(process.env.TUNEWRIGHT_HOME || defaultHome())

const recipeOf = ({ model, method, weightsSha256 }: Case): Recipe =>
  recipe.parse({
    version: 1,
    model: { id: 'bench', weightsSha256 },
    data: { fingerprint: 'measurement' },
    scenario: 'question-answering',
    instruction: '',
    threads,
    method: { base: bases[method] },
    // As PEFT has them: rows of one length beside each other.
    batch: { microRows: steps[model].rows, packing: false },
    duration: { epochs: 1000 },
    evaluation: { patience: null },
    checkpoints: { everySeconds: null },
    gradientCheckpointing: steps[model].checkpointing,
  })

const mib = (bytes: number | null): number | null => (bytes === null ? null : bytes / 2 ** 20)

/** A sentence where it fails. */
async function measureOurs(one: Case, device: DeviceId): Promise<Figures | string> {
  const { positions } = steps[one.model]
  const watch = sampleGraphics()
  await watch.isReady
  let stepped: Extract<SpeedEvent, { kind: 'stepped' }> | null = null
  const asked = await askSpeedometer(
    { library, launcher: createNodeLauncher() },
    {
      device,
      task: {
        ...{ kind: 'step', modelFolder: one.folder, recipe: recipeOf(one), tokensPerRow: positions },
        ...{ seconds: one.seconds, leastSteps: 3 },
      },
      remedy: 'Take a smaller model.',
      silenceMs: 3_600_000,
      onEvent: (event) => {
        if (event.kind === 'stepped') stepped = event
      },
    },
  )
  const { peakBytes } = await watch.stop()
  if (!asked.ok) return describeProblem(asked.problem)
  const { stepMs, peakBytes: ofProcess } = stepped!
  return { stepMs, peakMib: ofProcess / 2 ** 20, cardMib: mib(peakBytes) }
}

async function measurePeer(peer: Peer, one: Case, device: 'cpu' | 'cuda'): Promise<Figures | string> {
  const { folder, seconds, model, method } = one
  const watch = sampleGraphics()
  await watch.isReady
  try {
    const asked = { folder, seconds, threads, device, base: bases[method], ...steps[model] }
    const figures = await askPeer<Figures>(peer, 'device', asked)
    const { peakBytes } = await watch.stop()
    return { ...figures, cardMib: mib(peakBytes) ?? figures.cardMib }
  } catch (error) {
    await watch.stop()
    return String(error).trim().split('\n').at(-1)!
  }
}

const whole = (value: number | null): string => (value === null ? '-' : value.toFixed(0))

function row(name: string, figures: Figures, peer: Figures | null): string {
  const cells = [whole(figures.stepMs), whole(figures.peakMib), whole(figures.cardMib)]
  const ratios = peer
    ? [
        (peer.stepMs / figures.stepMs).toFixed(2),
        (figures.peakMib / peer.peakMib).toFixed(2),
        figures.cardMib === null || peer.cardMib === null ? '-' : (figures.cardMib / peer.cardMib).toFixed(2),
      ]
    : ['', '', '']
  return `${name.padEnd(38)}${[...cells, ...ratios].map((cell) => cell.padStart(13)).join('')}`
}

async function measureCase(one: Case, devices: readonly DeviceId[], peer: Peer | null): Promise<void> {
  const { rows, positions, checkpointing } = steps[one.model]
  const shape = `${one.model} ${one.method} ${rows}x${positions}${checkpointing ? '+ckpt' : ''}`
  const peers = new Map<'cpu' | 'cuda', Figures | null>()
  for (const device of devices) {
    const hardware = deviceFacts[device].hardware === 'graphics' ? 'cuda' : 'cpu'
    if (peer !== null && !peers.has(hardware)) {
      const theirs = await measurePeer(peer, one, hardware)
      peers.set(hardware, typeof theirs === 'string' ? null : theirs)
      console.log(
        typeof theirs === 'string'
          ? `${shape} PEFT: ${theirs}`
          : row(`${shape} PEFT ${hardware}`, theirs, null),
      )
    }
    const ours = await measureOurs(one, device)
    console.log(
      typeof ours === 'string'
        ? `${shape} ${device}: ${ours}`
        : row(`${shape} ${device}`, ours, peers.get(hardware) ?? null),
    )
  }
}

const { values } = parseArgs({
  options: {
    /** Left out, all that this computer has. */
    device: { type: 'string' },
    model: { type: 'string', default: '135m,1b,8b' },
    method: { type: 'string', default: 'lora,qlora' },
    seconds: { type: 'string', default: '10' },
  },
})

/** Those that can be used; of the others it says why not. */
async function devicesHere(): Promise<readonly DeviceId[]> {
  const around = await lookAround(library)
  const wanted = values.device?.split(',').map((name) => deviceId.parse(name))
  const here = (wanted ?? deviceId.options).filter((device) => {
    const missing = missingOf(device, around)
    if (missing !== null && wanted !== undefined)
      console.log(`${device} is left out. ${describeProblem(missing)}`)
    return missing === null
  })
  const { cards, sentences } = await readGraphicsOfComputer()
  if (!here.some((device) => deviceFacts[device].hardware === 'graphics'))
    console.log(`Nothing of this run is computed on a graphics card. ${sentences.join(' ')}`)
  for (const { name, driver } of cards) console.log(`${name}, driver ${driver ?? 'none'}`)
  return here
}

const known = <T extends string>(text: string, all: readonly T[]): readonly T[] =>
  text.split(',').map((name) => {
    const found = all.find((one) => one === name)
    if (found === undefined) throw new Error(`"${name}" is none of ${all.join(', ')}`)
    return found
  })

const devices = await devicesHere()
const peer = devices.length === 0 ? null : await findPeer()
console.log(`${describeMachine().processor}, ${threads} threads${peer ? `; beside ${peer.versions}` : ''}`)
const titles = ['ms', 'MiB', 'card MiB', 'x faster', 'of its MiB', 'of its card']
console.log(`${''.padEnd(38)}${titles.map((title) => title.padStart(13)).join('')}`)
if (devices.length > 0)
  for (const model of known(values.model, Object.keys(modelShapes) as ModelShape[])) {
    const folder = await placeRandomModel(model)
    const weightsSha256 = await sha256File(join(folder, 'model.safetensors'))
    for (const method of known(values.method, Object.keys(bases) as Method[]))
      await measureCase(
        { model, method, folder, weightsSha256, seconds: Number(values.seconds) },
        devices,
        peer,
      )
  }
