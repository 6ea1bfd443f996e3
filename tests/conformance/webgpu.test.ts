// The conformance suite on WebGPU, on a graphics card in software: one case in twelve, for time. All of it:
// npm run test:device -- onnx-webgpu --software
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { findWebgpu } from '../support/webgpu.ts'
import type { SuiteRow } from './suite.ts'

const script = fileURLToPath(new URL('../../scripts/test-device.ts', import.meta.url))
const environment = findWebgpu()

test.runIf(environment !== null)(
  'operators, models, a training curve and memory are within their bounds',
  { timeout: 600_000 },
  () => {
    const { stdout, stderr } = spawnSync(process.execPath, [script, 'onnx-webgpu', '--quick', '--json'], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    })
    const lines = stdout.split('\n').filter((line) => line !== '')
    const rows = lines.map((line): SuiteRow & { isWithin: boolean } => JSON.parse(line))
    expect(
      rows.filter(({ isWithin }) => !isWithin),
      stderr,
    ).toEqual([])
    expect(new Set(rows.map(({ group }) => group))).toEqual(
      new Set(['operators', 'models', 'curve', 'memory']),
    )
    expect(rows.length).toBeGreaterThan(20)
  },
)

test('a device that is not here is a sentence and a remedy', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, 'onnx-webgpu'], {
    encoding: 'utf8',
    env: { ...process.env, VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' },
  })
  expect(status).toBe(1)
  expect(stderr).toMatch(/no graphics card that can be used[\s\S]*what to do: /)
  expect(stdout).not.toMatch(/within their bounds/)
})
