// Devices through the contract: what plans and runs take, by figures that are fed; a real run on TensorFlow that a person
// only had to measure for.
import { expect, test, vi } from 'vitest'
import type { PlanOption } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { hasTensorflow, linkTensorflow } from '../../support/tensorflow-engine.ts'
import { figureOf, keepFigure } from '../devices/device-figures.ts'
import { newProject } from './new-project.ts'
import { type OpenWorkstation, openWorkstation } from './open-workstation.ts'

vi.setConfig({ testTimeout: 300_000 })
vi.mock('#core/devices/measure-devices.ts', async (original) => {
  const { measuredShortly } = await import('../devices/measured-shortly.ts')
  return measuredShortly(await original(), 1)
})

const planOf = async (
  { api }: OpenWorkstation,
  projectId: string,
  changes: Record<string, string> = {},
): Promise<PlanOption> => unwrap(await api.call('plan.estimate', { projectId, preset: 'balanced', changes }))

test('a plan goes by the figures of the device that it takes: time, memory, energy, and why', async () => {
  const station = await openWorkstation()
  const { library } = station.workstation
  const { projectId, modelId } = await newProject(station)
  const guessed = await planOf(station, projectId)
  expect(guessed.estimate).toMatchObject({ basis: 'guess', energyWh: null })
  expect(guessed.sentences.join(' ')).not.toContain('measured here')

  await keepFigure(library, 'cpu', figureOf(modelId, { gflops: 10, stepWattHours: 0.01 }))
  const slow = await planOf(station, projectId)
  expect(slow.estimate.basis).toBe('measured-speed')
  // 0.01 Wh in a step of 1 s: 36 W.
  const seconds = (slow.estimate.lowSeconds + slow.estimate.highSeconds) / 2
  expect(slow.estimate.energyWh).toBeCloseTo((36 * seconds) / 3600, 9)
  await keepFigure(library, 'cpu', figureOf(modelId, { gflops: 40 }))
  const fast = await planOf(station, projectId)
  expect(slow.estimate.lowSeconds / fast.estimate.lowSeconds).toBeCloseTo(4, 6)
  expect(fast.estimate.energyWh).toBeNull()
  expect(fast.estimate.memoryBytes).toBe(guessed.estimate.memoryBytes)

  // The device's runtime takes more than is planned.
  await keepFigure(library, 'cpu', figureOf(modelId, { gflops: 40, peakBytes: 2e9 }))
  const larger = await planOf(station, projectId)
  expect(larger.estimate.memoryBytes / guessed.estimate.memoryBytes).toBeCloseTo(2, 3)
  expect(larger.sentences.join(' ')).toContain('2.0 times the memory')
  // The cards of the goals say how long their sample takes, once something was measured.
  const { scenarios } = unwrap(await station.api.call('scenarios.list', {}))
  expect(scenarios[0]!.sample.time?.lowSeconds).toBeGreaterThan(0)
})

test('a plan for a device that is not here says how to get it, and begins nothing', async () => {
  const station = await openWorkstation()
  const { projectId } = await newProject(station)
  const plan = await planOf(station, projectId, { device: 'tensorflow-cuda' })
  expect(plan.values.device).toBe('tensorflow-cuda')
  expect(plan.blocking).toMatchObject({ where: 'the step "Plan"', remedy: expect.stringMatching(/./) })
  const asked = { projectId, preset: 'balanced', changes: { device: 'tensorflow-cuda' } } as const
  expect(await station.api.call('training.start', asked)).toMatchObject({
    ok: false,
    problem: { code: 'device.missing' },
  })
  expect(unwrap(await station.api.call('projects.get', { projectId })).runs).toEqual([])
})

test('the measurement is a job, once at a time; what it found is in the view', async () => {
  const station = await openWorkstation()
  const { modelId } = await newProject(station)
  const first = unwrap(await station.api.call('devices.measure', { modelId }))
  expect(unwrap(await station.api.call('devices.measure', { modelId })).jobId).toBe(first.jobId)
  expect(await station.ended(first.jobId)).toMatchObject({ kind: 'speed', status: 'done', modelId })
  const view = unwrap(await station.api.call('devices.view', { modelId }))
  expect(view.devices[0]).toMatchObject({ id: 'cpu', isAvailable: true, figure: { modelId }, failure: null })
  expect(view).toMatchObject({ chosen: 'cpu', pinned: null })
  unwrap(await station.api.call('settings.set', { device: 'cpu' }))
  expect(unwrap(await station.api.call('devices.view', { modelId }))).toMatchObject({
    pinned: 'cpu',
    reason: 'On the processor: chosen by hand in the settings.',
  })
  const stopped = unwrap(await station.api.call('devices.measure', { modelId }))
  unwrap(await station.api.call('jobs.cancel', { jobId: stopped.jobId }))
  expect(await station.ended(stopped.jobId)).toMatchObject({ status: 'cancelled' })
})

test('while a run trains nothing is measured, and what to do is said', async () => {
  const station = await openWorkstation()
  const { api } = station
  const { projectId, modelId } = await newProject(station)
  const changes = { 'duration.epochs': 1000, 'evaluation.patience': null }
  const { runId } = unwrap(await api.call('training.start', { projectId, preset: 'quick', changes }))
  expect(await api.call('devices.measure', { modelId })).toMatchObject({
    ok: false,
    problem: {
      code: 'run.active',
      message: expect.stringContaining('is under way'),
      remedy: expect.stringContaining('then measure'),
    },
  })
  expect(unwrap(await api.call('system.activity', {})).jobs).toEqual([])
  unwrap(await api.call('training.stop', { runId }))
  const status = async () => unwrap(await api.call('training.get', { runId })).run.status
  await expect.poll(status, { timeout: 60_000 }).toMatch(/cancelled|finished/)
  const { jobId } = unwrap(await api.call('devices.measure', { modelId }))
  unwrap(await api.call('jobs.cancel', { jobId }))
  await station.ended(jobId)
})

test.skipIf(!hasTensorflow())(
  'a run takes the device that was faster here, says so, and is counted for the next plan there only',
  async () => {
    const station = await openWorkstation()
    const { api, workstation } = station
    const { library, onEvent } = { library: workstation.library, onEvent: workstation.onEvent }
    await linkTensorflow(library.enginesFolder)
    const { projectId, modelId } = await newProject(station)
    await keepFigure(library, 'cpu', figureOf(modelId, { gflops: 10 }))
    await keepFigure(library, 'tensorflow-cpu', figureOf(modelId, { gflops: 15 }))
    const plan = await planOf(station, projectId)
    expect(plan.sentences).toContain(
      `On the processor with TensorFlow: 1.5 times as fast as the processor alone (ONNX Runtime), measured here with Model ${modelId}.`,
    )
    expect(plan.values.device).toBeNull()
    const asked = { projectId, preset: 'quick', changes: { 'duration.maxSteps': 6 } } as const
    const over = new Promise<void>((resolve) =>
      onEvent((event, payload) => {
        if (event === 'activity.changed' && (payload as { runs: unknown[] }).runs.length === 0) resolve()
      }),
    )
    const { runId } = unwrap(await api.call('training.start', asked))
    await over
    const { run, notices } = unwrap(await api.call('training.get', { runId }))
    expect(run).toMatchObject({ status: 'finished', recipe: { device: 'tensorflow-cpu' } })
    expect(run.backend).toContain('tensorflow')
    expect(notices.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('1.5 times as fast as the processor alone'),
    )
    // Its steps are known now, on this device; on the other one they are reckoned still.
    const same = { 'duration.maxSteps': 6 }
    const next = unwrap(await api.call('plan.estimate', { projectId, preset: 'quick', changes: same }))
    const onOther = { ...same, device: 'cpu' }
    const other = unwrap(await api.call('plan.estimate', { projectId, preset: 'quick', changes: onOther }))
    expect([next.estimate.basis, other.estimate.basis]).toEqual(['runs-here', 'measured-speed'])
  },
)
