// `npm run test:device -- <device>`: the conformance suite on a device of this computer, as a table. Compares with the
// reference interpreter, which needs no package and no device. Ends with 1 where a case is too far off, or the device is
// not there.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { findKernels } from '../src/core/engines/tensorflow-kernels.ts'
import { defaultHome } from '../src/core/system/library.ts'
import type { Backend } from '../src/engine/backend-port.ts'
import { createReferenceBackend } from '../src/engine/reference/reference-backend.ts'
import { openBackend } from '../src/processes/open-backend.ts'
import { type DeviceId, deviceFacts, deviceId, deviceIds } from '../src/shared/devices.ts'
import { type Problem, ProblemError } from '../src/shared/result.ts'
import { type PlacingDevice, providers } from '../tests/conformance/placements.ts'
import type { StoredKind } from '../tests/conformance/stored-steps.ts'
import { bounds, isWithin, type Precision, runSuite, type SuiteRow } from '../tests/conformance/suite.ts'
import { leftOut as leftOutOfTfjs } from '../tests/conformance/tfjs-cpu/left-out.ts'
import { softwareAdapter } from '../tests/support/webgpu.ts'
import { tensorflowFolder } from './tensorflow-folder.ts'

const usage = `usage: npm run test:device -- <device> [--quick] [--software] [--json]
  <device>    ${deviceIds.join(', ')}
              reference: the interpreter itself, in float32
              tfjs-cpu: the kernels of TensorFlow.js in JavaScript, which nobody trains with
  --quick     one case in twelve
  --software  WebGPU on SwiftShader, a graphics card in software that comes with Chromium
  --json      rows as JSON, one a line
`

function complain(message: string, remedy: string): never {
  process.stderr.write(`${message}\n  what to do: ${remedy}\n`)
  process.exit(1)
}

/** Where it computes on a graphics card in software, the environment must stand before the process starts. */
function startAgainOnSoftware(): never {
  const environment = softwareAdapter()
  if (environment === null)
    complain(
      'No SwiftShader is on this computer.',
      'install Chromium (Debian: apt-get install chromium), or name the folder that holds libvulkan.so.1 and vk_swiftshader_icd.json in TUNEWRIGHT_SWIFTSHADER.',
    )
  const rest = process.argv.slice(2).filter((argument) => argument !== '--software')
  const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...rest], {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  })
  process.exit(status ?? 1)
}

const enginesFolder = join(process.env.TUNEWRIGHT_HOME || defaultHome(), 'engines')

/** The engine of the library; TensorFlow for the processor also where the tests have it from. Throws ProblemError. */
async function openDevice(device: DeviceId): Promise<Backend> {
  const { engine, products } = deviceFacts[device]
  const isFetched = engine === 'tensorflow' && existsSync(tensorflowFolder)
  if (!isFetched || existsSync(join(enginesFolder, engine))) return openBackend(device, { enginesFolder })
  const { createTensorflowBackend } = await import('../src/backends/tensorflow/index.ts')
  return createTensorflowBackend({
    folder: tensorflowFolder,
    products: products === 'bfloat16' ? 'bfloat16' : 'float32',
    kernels: findKernels(),
  })
}

interface Opened {
  readonly backend: Backend
  readonly precision: Precision
  /** What it cannot be asked for, and why. */
  readonly leftOut: ReadonlyMap<StoredKind, string>
  readonly placedBy: PlacingDevice | null
}

/** Both read weights from memory only. */
async function openWithoutDevice(name: 'reference' | 'tfjs-cpu'): Promise<Opened> {
  const { tfjsCpu } = await import('../tests/conformance/tfjs-cpu/backend.ts')
  const kinds: readonly StoredKind[] = ['weights in files', 'weights in 4 and 8 bits']
  const isReference = name === 'reference'
  return {
    backend: isReference ? createReferenceBackend({ precision: 'float32' }) : tfjsCpu,
    precision: 'float32',
    leftOut: new Map(
      kinds.map((kind) => [kind, isReference ? 'it reads memory only' : leftOutOfTfjs[kind].reason]),
    ),
    placedBy: null,
  }
}

async function open(name: string): Promise<Opened> {
  if (name === 'reference' || name === 'tfjs-cpu') return openWithoutDevice(name)
  const parsed = deviceId.safeParse(name)
  if (!parsed.success) complain(`"${name}" is no device.`, usage)
  const device = parsed.data
  try {
    const placedBy = device in providers ? { device: device as PlacingDevice['device'], enginesFolder } : null
    const precision = deviceFacts[device].products
    return { backend: await openDevice(device), precision, leftOut: new Map(), placedBy }
  } catch (error) {
    if (error instanceof ProblemError) refuse(error.problem)
    throw error
  }
}

const refuse = ({ message, remedy }: Problem): never => complain(message, remedy)

const short = (number: number): string => (Number.isFinite(number) ? number.toExponential(1) : 'failed')

function print(row: SuiteRow, asJson: boolean): void {
  if (asJson) {
    process.stdout.write(`${JSON.stringify({ ...row, isWithin: isWithin(row) })}\n`)
    return
  }
  const numbers = `${short(row.error).padStart(9)} ${short(row.bound).padStart(9)}`
  const verdict = isWithin(row) ? 'ok' : 'TOO FAR'
  process.stdout.write(`${row.group.padEnd(10)} ${row.name.padEnd(76)} ${numbers}  ${verdict}\n`)
  if (row.failure !== null) process.stdout.write(`           ${row.failure}\n`)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, software: { type: 'boolean' }, json: { type: 'boolean' } },
})
const [name] = positionals
if (name === undefined) {
  process.stderr.write(usage)
  process.exit(2)
}
if (values.software) startAgainOnSoftware()
const { backend, precision, leftOut, placedBy } = await open(name)
const asJson = values.json ?? false
const limits = bounds[precision]
if (!asJson)
  process.stdout.write(
    `${backend.name}, against the reference in float64. Allowed (${precision}): operators ${short(limits.operators)}, models ${short(limits.models)}, curve ${short(limits.curve)}.\n`,
  )
if (!asJson) for (const [what, why] of leftOut) process.stdout.write(`Left out: ${what}: ${why}.\n`)
const tally = { within: 0, beyond: 0 }
const oneIn = values.quick ? 12 : 1
for await (const row of runSuite(backend, { precision, oneIn, leftOut: [...leftOut.keys()], placedBy })) {
  if (row.missing !== null) refuse(row.missing)
  print(row, asJson)
  tally[isWithin(row) ? 'within' : 'beyond'] += 1
}
if (!asJson) process.stdout.write(`${tally.within} within their bounds, ${tally.beyond} beyond.\n`)
process.exit(tally.beyond === 0 ? 0 : 1)
