// doctor --device: the real command line, processes and runtimes.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import { openLibrary } from '#core/system/library.ts'
import { deviceIds } from '#shared/devices.ts'
import { unwrap } from '#shared/result.ts'
import { openApplication } from '../../src/cli/application.ts'
import { runDeviceDoctor } from '../../src/cli/commands/doctor-device.ts'
import { createOutput } from '../../src/cli/output.ts'
import { freshFolder } from '../core/models/places.ts'
import { writeTinyModel } from '../processes/tiny-model.ts'
import { hasTensorflow, linkTensorflow } from '../support/tensorflow-engine.ts'

vi.setConfig({ testTimeout: 300_000 })
vi.mock('#core/devices/measure-devices.ts', async (original) => {
  const { measuredShortly } = await import('../core/devices/measured-shortly.ts')
  return measuredShortly(await original(), 0)
})

const root = join(import.meta.dirname, '../..')
let home: string
beforeEach(() => {
  home = freshFolder()
})

interface Report {
  readonly isGood: boolean
  readonly graphics: { readonly cards: unknown[]; readonly sentences: string[] }
  readonly devices: {
    readonly device: string
    readonly problem: { readonly code: string; readonly remedy: string } | null
    readonly check: { readonly difference: number; readonly backend: string } | null
    readonly suiteExitCode: number | null
    readonly figure: { readonly stepMs: number; readonly difference: number } | null
  }[]
}

async function doctor(...parameters: string[]): Promise<{ code: number; out: string; error: string }> {
  const node = join(root, 'node_modules/.bin/node')
  const all = [
    '--disable-warning=ExperimentalWarning',
    join(root, 'src/cli/main.ts'),
    '--home',
    home,
    'doctor',
  ]
  return promisify(execFile)(node, [...all, ...parameters]).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, error: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, error: stderr }),
  )
}

const seen: string[] = []
const errors: string[] = []
const exitCode = process.exitCode
beforeEach(() => {
  seen.length = 0
  errors.length = 0
})
afterEach(() => {
  process.exitCode = exitCode
})
const streams = {
  out: { write: (text: string) => seen.push(text) },
  error: { write: (text: string) => errors.push(text) },
  monotonicMs: () => 0,
}

/** The command in this process; with `suite`, the exit code of the repository's suite, it is `--full`. */
async function examine(device: string, isJson: boolean, suite?: number | null): Promise<number> {
  const application = openApplication(home, createOutput(isJson, streams))
  try {
    const isFull = suite !== undefined
    await runDeviceDoctor(application, device, { isFull, runSuite: async () => suite ?? null })
    return Number(process.exitCode ?? 0)
  } finally {
    application.close()
  }
}
const reported = (): Report => JSON.parse(seen.join(''))

test('the processor is there and computes right, in words and as JSON', async () => {
  const words = await doctor('--device', 'cpu')
  expect(words.code).toBe(0)
  expect(words.out).toMatch(
    /^cpu: the processor; .*\n✓ It is here\.\n✓ It computes right: a tiny step differs by \d/,
  )
  expect(await examine('cpu', true)).toBe(0)
  const report = reported()
  expect(report.isGood).toBe(true)
  expect(report.devices).toMatchObject([
    {
      device: 'cpu',
      problem: null,
      check: { backend: expect.stringMatching(/^onnxruntime-node/) },
      figure: null,
    },
  ])
})

test('"cuda" means all devices of NVIDIA\'s cards; what is missing is said for each, and the exit code is 1', async () => {
  const { code, out } = await doctor('--device', 'cuda', '--json')
  const { isGood, devices, graphics }: Report = JSON.parse(out)
  expect(devices.map(({ device }) => device)).toEqual([
    'tensorflow-cuda',
    'tensorflow-cuda-bf16',
    'onnx-cuda',
  ])
  expect(code).toBe(isGood ? 0 : 1)
  // Where the engines are not here, they are what is missing, with or without a card.
  for (const { problem } of devices) expect(['device.missing', 'engine.missing']).toContain(problem?.code)
  expect(graphics.cards.length + graphics.sentences.length).toBeGreaterThan(0)
})

test.each(deviceIds.filter((id) => /directml|coreml/.test(id)))(
  '%s says on which systems it is offered, where it is not',
  async (device) => {
    if (process.platform !== 'linux') return
    expect(await examine(device, false)).toBe(1)
    expect(seen.join('')).toMatch(
      /✗ This device is not offered on linux .*\n {2}where: .*\n {2}what to do: It is offered on /,
    )
  },
)

test('a name that means nothing is answered with those that do', async () => {
  const { code, error } = await doctor('--device', 'nonsense')
  expect(code).not.toBe(0)
  expect(error).toMatch(/no device "nonsense"[\s\S]*tensorflow-cuda-bf16[\s\S]*"cuda" for all/)
})

describe('--full', () => {
  const addModel = async () => unwrap(await importModel(openLibrary(home), writeTinyModel(freshFolder())))

  test.skipIf(!hasTensorflow())('without the repository: a real step beside the processor', async () => {
    await addModel()
    await linkTensorflow(openLibrary(home).enginesFolder)
    expect(await examine('tensorflow-cpu', false, null)).toBe(0)
    expect(seen.join('')).toMatch(
      /✓ A real step of .*: \d+ ms, \d+\.\d times as fast as the processor \(\d+ ms\); .* of memory; differs by \d.* from the processor's\.\n$/,
    )
  })

  test('of the processor itself', async () => {
    await addModel()
    expect(await examine('cpu', true, null)).toBe(0)
    const { devices } = reported()
    expect(devices).toMatchObject([{ suiteExitCode: null, figure: { difference: 0 }, problem: null }])
  })

  test('without any model there is nothing to measure with, and that is said', async () => {
    expect(await examine('cpu', false, null)).toBe(1)
    expect(seen.join('')).toMatch(/✓ It computes right[\s\S]*✗ .*model/)
  })

  test('in the repository: what the suite found is the answer', async () => {
    expect(await examine('cpu', true, 1)).toBe(1)
    const report = reported()
    expect(report.isGood).toBe(false)
    expect(report.devices).toMatchObject([{ suiteExitCode: 1, figure: null, problem: null }])
  })
})
