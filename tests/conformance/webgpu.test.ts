// The conformance suite on WebGPU, on a graphics card in software: one case in twelve, for time. All of it:
// npm run test:device -- onnx-webgpu --software
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { findWebgpu } from '../support/webgpu.ts'
import { lookAtPlacements } from './placements.ts'
import type { SuiteRow } from './suite.ts'

const script = fileURLToPath(new URL('../../scripts/test-device.ts', import.meta.url))
const environment = findWebgpu()

test.runIf(environment !== null)(
  'operators, models, a training curve, places of nodes and memory are within their bounds',
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
      new Set(['operators', 'models', 'curve', 'placement', 'memory']),
    )
    expect(rows.length).toBeGreaterThan(20)
    const named = (group: SuiteRow['group']) =>
      rows.filter((row) => row.group === group).map(({ name }) => name)
    expect(named('models')).toContain('llama: lora, weights in a file in nf4')
    const placed = named('placement').join('\n')
    for (const one of ['dora', 'gemma2', 't5', 'bert', 'nf4', 'int4', 'int8', 'bfloat16'])
      expect(placed).toMatch(new RegExp(`^.*\\b${one}\\b`, 'm'))
  },
)

test.runIf(environment !== null)(
  'a graph lowered for processors has nodes that a card leaves to them, and that is told',
  { timeout: 600_000 },
  async () => {
    for (const [name, value] of Object.entries(environment ?? {})) vi.stubEnv(name, value)
    const graphs = await lookAtPlacements({ device: 'onnx-webgpu', enginesFolder: '/nowhere' }, 'cpu')
    vi.unstubAllEnvs()
    expect(graphs).toHaveLength(10)
    for (const { name, strays } of graphs)
      expect(strays.join(), name).toMatch(/FusedMatMul \(.*MemcpyToHost \(/)
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
