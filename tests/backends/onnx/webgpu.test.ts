// ONNX graphs on WebGPU, checked on a graphics card in software (SwiftShader): what is kept in which form.
// Every operator and model, and what runs where: tests/conformance/webgpu.test.ts.
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { quietRuntime } from '#shared/quiet-runtime.ts'
import { findWebgpu } from '../../support/webgpu.ts'

const child = fileURLToPath(new URL('./webgpu-child.ts', import.meta.url))

/** Its log goes to a file: a pipe that Node has opened loses lines of the runtime's when it is full. */
function run(task: string, environment: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'tunewright-webgpu-log-'))
  const file = openSync(join(folder, 'log'), 'w')
  const { status, stdout } = spawnSync(process.execPath, [child, task], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', file],
    env: { ...process.env, [quietRuntime.name]: quietRuntime.value, ...environment },
  })
  closeSync(file)
  const log = readFileSync(join(folder, 'log'), 'utf8')
  rmSync(folder, { recursive: true })
  if (status !== 0) throw new Error(log.slice(-2000))
  return JSON.parse(stdout)
}

const environment = findWebgpu()

describe.runIf(environment !== null)('WebGPU', { timeout: 600_000 }, () => {
  const on = environment ?? {}

  /**
   * Bug of ONNX Runtime 1.30: on WebGPU the second result of SimplifiedLayerNormalization is not written. Where the first
   * expectation fails it is mended, and the portable rule of rmsNorm can be the processor's.
   */
  test('the inverse deviation that the fused norm returns is garbage, ours is right', () => {
    const { fused, own } = run('normOnCard', on)
    expect(fused[1]).toBeGreaterThan(0.1)
    expect(Math.max(fused[0], ...own)).toBeLessThan(1e-5)
  })

  test('weights of few bits are the quantiser s numbers, bit by bit; those of half precision stay on the card', () => {
    const { float16, bfloat16, ...few } = run('weightsOnCard', on)
    expect(Object.values(few)).toEqual(Object.values(few).map(() => 0))
    expect(Object.keys(few)).toHaveLength(6)
    expect(float16).toBeLessThan(1e-5)
    expect(bfloat16).toBeLessThan(1e-5)
  })
})

test('a computer without a card is told so, and what to install', () => {
  const nothing = { VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' }
  const seen = run('problem', nothing)
  expect(seen).toMatchObject({ code: 'device.missing', remedy: expect.stringMatching(/driver/) })
})
