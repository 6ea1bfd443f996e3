// What training can use, as the screens tell of it: what can be chosen, what is missing, what was measured, and the engines
// that come and go.
import { beforeEach, describe, expect, it } from 'vitest'
import { effectScope, nextTick } from 'vue'
import type {
  DeviceFigure,
  DeviceState,
  DevicesView,
  EngineState,
  GraphicsCard,
} from '#shared/contract/devices.ts'
import { type Job, settings as settingsSchema } from '#shared/contract/system.ts'
import { type DeviceId, deviceIds, engineIds } from '#shared/devices.ts'
import { type Problem, ProblemError } from '#shared/result.ts'
import { openTestPage } from './support/page.ts'

const problem = (code: Problem['code'], remedy = 'r'): Problem => ({ code, message: 'm', where: 'w', remedy })
const figure = (part: Partial<DeviceFigure> = {}): DeviceFigure => ({
  modelId: 'm',
  modelName: 'Small',
  backend: 'engine 1',
  rows: 4,
  tokensPerRow: 256,
  stepMs: 4400,
  gflops: 131.4,
  peakBytes: 1.9e9,
  plannedBytes: 2e9,
  devicePeakBytes: null,
  stepWattHours: null,
  difference: 0,
  measuredAtMs: 0,
  ...part,
})
const device = (id: DeviceId, part: Partial<DeviceState> = {}): DeviceState => ({
  id,
  isAvailable: true,
  missing: null,
  figure: null,
  failure: null,
  ...part,
})
const card: GraphicsCard = {
  name: 'Example 7',
  vendor: 'nvidia',
  memoryBytes: null,
  driver: null,
  computeCapability: null,
  sentences: [],
}
const without = (id: DeviceId, missing: Problem): DeviceState => device(id, { isAvailable: false, missing })

let view: DevicesView = { devices: [], graphicsCards: [], chosen: 'cpu', reason: '', pinned: null }
let engines: readonly EngineState[] = []
let refuses: Problem | null = null
const answer = <T>(value: T): T => {
  if (refuses !== null) throw new ProblemError(refuses)
  return value
}
const page = openTestPage({
  'devices.view': () => answer(view),
  'devices.measure': () => answer({ jobId: 'j' }),
  'engines.list': () => ({ engines }),
  'engines.add': () => answer({ jobId: 'e' }),
  'engines.remove': () => answer({ freedBytes: 853e6 }),
})
const { awayDevice, listDevices, isChoice, isForCards } = await import(
  '#renderer/features/devices/device-list.ts'
)
const { figureNote, figureSentence, formatStep, listed, standingOf } = await import(
  '#renderer/features/devices/device-words.ts'
)
const { useDevices } = await import('#renderer/features/devices/devices-here.ts')
const { useEngines } = await import('#renderer/features/devices/engines-here.ts')
const { devices: words } = await import('#renderer/words/en/devices.ts')

beforeEach(() => {
  page.calls.length = 0
  refuses = null
  view = { devices: [device('cpu')], graphicsCards: [], chosen: 'cpu', reason: '', pinned: null }
})

describe('devices in groups', () => {
  it('are those to choose from, those with one thing missing, and those of other systems', () => {
    const devices = [
      device('cpu'),
      without('tensorflow-cpu', problem('engine.missing')),
      without('tensorflow-cpu-bf16', problem('engine.missing', 'the same engine in other words')),
      without('tensorflow-cuda', problem('device.missing', 'Install a driver.')),
      without('onnx-cuda', problem('device.missing', 'Install a driver.')),
      without('onnx-webgpu', problem('device.missing', 'Another remedy.')),
    ]
    const list = listDevices({ devices, graphicsCards: [card], chosen: 'cpu', pinned: null })
    expect(list.usable.map(({ id }) => id)).toEqual(['cpu'])
    expect(list.cardless).toBeNull()
    expect(list.missing.map(({ engine, devices: ids }) => [engine, ...ids])).toEqual([
      ['tensorflow', 'tensorflow-cpu', 'tensorflow-cpu-bf16'],
      // What a fetched engine would not mend offers none.
      [null, 'tensorflow-cuda', 'onnx-cuda'],
      [null, 'onnx-webgpu'],
    ])
    expect(list.elsewhere).toEqual(['tensorflow-cuda-bf16', 'onnx-directml', 'onnx-coreml'])
    // Without a card all of graphics is one line.
    const plain = listDevices({ devices, graphicsCards: [], chosen: 'cpu', pinned: null })
    expect(plain.missing.map(({ engine }) => engine)).toEqual(['tensorflow'])
    expect(plain.cardless?.problem.remedy).toBe('Install a driver.')
  })

  it('know which engines are for cards alone', () => {
    expect(engineIds.map((id) => [id, isForCards(id)])).toEqual([
      ['tensorflow', false],
      ['tensorflow-cuda', true],
      ['onnx-cuda', true],
    ])
  })

  it('keep the pinned one in view, whatever is missing for it', () => {
    const devices = [device('cpu'), without('tensorflow-cpu', problem('engine.missing'))]
    const list = listDevices({ devices, graphicsCards: [], chosen: 'cpu', pinned: 'tensorflow-cpu' })
    expect(list.usable.map(({ id }) => id)).toEqual(['cpu', 'tensorflow-cpu'])
    expect(list.missing).toEqual([])
    expect(devices.map(isChoice)).toEqual([true, false])
    // Also one of another kind of system, from which the library came.
    const elsewhere = listDevices({ devices, graphicsCards: [], chosen: 'cpu', pinned: 'onnx-coreml' })
    expect(elsewhere.usable.map(({ id }) => id)).toEqual(['cpu', 'onnx-coreml'])
  })

  it('tell of one that is asked for and not here, with the engine that would bring it', () => {
    const devices = [
      device('cpu'),
      without('tensorflow-cpu', problem('engine.missing')),
      without('onnx-webgpu', problem('device.missing')),
    ]
    const asked = ['cpu', null, undefined, 'tensorflow-cpu', 'onnx-webgpu', 'onnx-coreml']
    expect(asked.map((id) => awayDevice(devices, id))).toEqual([
      ...[null, null, null, { id: 'tensorflow-cpu', engine: 'tensorflow' }],
      ...['onnx-webgpu', 'onnx-coreml'].map((id) => ({ id, engine: null })),
    ])
  })

  it('offer no device that gave wrong numbers, and one that was only slow or crashed', () => {
    const wrong = device('onnx-webgpu', { failure: problem('device.wrong') })
    const crashed = device('onnx-webgpu', { failure: problem('backend.failed') })
    expect([isChoice(wrong), isChoice(crashed)]).toEqual([false, true])
    const cpu = { chosen: 'cpu', pinned: null } as const
    expect([standingOf(wrong, cpu), standingOf(crashed, cpu)]).toEqual(['wrong', 'ready'])
    expect(standingOf(device('cpu'), cpu)).toBe('used')
    const away = without('tensorflow-cpu', problem('engine.missing'))
    expect(standingOf(away, cpu)).toBe('unready')
    // Chosen by hand it stays chosen, and says that it is not here.
    expect(standingOf(away, { chosen: 'cpu', pinned: 'tensorflow-cpu' })).toBe('away')
  })

  it('have a name and a term each', () => {
    expect(Object.keys(words.names)).toEqual([...deviceIds])
    expect(Object.keys(words.terms)).toEqual([...deviceIds])
    expect(new Set(deviceIds.map((id) => `${words.names[id]} ${words.terms[id]}`)).size).toBe(
      deviceIds.length,
    )
  })
})

describe('what was measured, in words', () => {
  it('is the step, what it is beside the processor, memory, and energy where known', () => {
    const processor = figure()
    expect(figureSentence(processor, processor)).toBe(
      'A step of 1,024 tokens with Small in 4.4 s, 1.9 GB of memory.',
    )
    const fast = figure({ stepMs: 2900, peakBytes: 2.1e9, stepWattHours: 0.0234, devicePeakBytes: 3e9 })
    expect(figureSentence(fast, processor)).toBe(
      'A step of 1,024 tokens with Small in 2.9 s, 1.5 times as fast as the processor alone, 2.1 GB of memory, 3.0 GB of the card’s memory, 0.023 Wh of electricity.',
    )
    expect(figureSentence(figure({ stepMs: 5800 }), processor)).toContain(
      '1.3 times as long as the processor alone takes',
    )
    expect(figureSentence(figure({ stepMs: 4300 }), processor)).toContain('as fast as the processor alone')
  })

  it('is not compared with a step of another model or size', () => {
    const other = figure({ modelId: 'other', stepMs: 1000 })
    const longer = figure({ tokensPerRow: 128, stepMs: 1000 })
    for (const one of [other, longer])
      expect(figureSentence(one, figure())).toMatch(
        /^A step of (1,024|512) tokens with Small in 1 s, 1\.9 GB of memory\.$/,
      )
  })

  it('says how exactly, for whoever wants to know', () => {
    const note = figureNote(figure({ difference: 0.0123, measuredAtMs: Date.UTC(2020, 1, 2) }))
    expect(note).toBe(
      'measured Feb 2, 2020 · LoRA, 4 × 256 tokens · 130 GFLOP/s · numbers off by 1 % · engine 1',
    )
    expect(figureNote(figure())).not.toContain('off by')
  })

  it('has times of every length', () => {
    expect([3.21, 99, 640, 12_345, 400_000].map(formatStep)).toEqual([
      '3.2 ms',
      '99 ms',
      '0.64 s',
      '12 s',
      '6.7 min',
    ])
    expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(listed)).toEqual(['', 'a', 'a and b', 'a, b and c'])
  })
})

const job = (part: Partial<Job>): Job => ({
  id: 'j',
  kind: 'speed',
  title: '',
  projectId: null,
  runId: null,
  modelId: null,
  status: 'running',
  phase: '',
  done: 0,
  total: 0,
  startedAtMs: 0,
  leftMs: null,
  problem: null,
  ...part,
})
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  await nextTick()
}
const asked = (name: string) => page.calls.filter((call) => call.name === name).map(({ input }) => input)

describe('the devices of a screen', () => {
  it('are read again when the pinned one changes, a measurement ends, or an engine came', async () => {
    const scope = effectScope()
    const here = scope.run(() => useDevices(() => 'm'))!
    await settled()
    expect(asked('devices.view')).toEqual([{ modelId: 'm' }])
    page.tell('settings.changed', { ...settingsSchema.parse({}), device: 'cpu' })
    await settled()
    page.tell('job.changed', job({ id: 'a', phase: 'one' }))
    await settled()
    expect({ running: here.job.value?.id, busy: here.isBusy.value }).toEqual({ running: 'a', busy: true })
    view = { ...view, reason: 'one of two' }
    page.tell('job.changed', job({ id: 'a', phase: 'two' }))
    await settled()
    expect(here.view.value?.reason).toBe('one of two')
    view = { ...view, reason: 'measured' }
    page.tell('job.changed', job({ id: 'a', phase: 'two', status: 'done' }))
    await settled()
    expect(here.view.value?.reason).toBe('measured')
    const before = asked('devices.view').length
    page.tell('job.changed', job({ id: 'b', kind: 'engine', status: 'done' }))
    await settled()
    expect(asked('devices.view')).toHaveLength(before + 1)
    scope.stop()
  })

  it('say why a measurement failed or was refused, and nothing of one that was stopped', async () => {
    const scope = effectScope()
    const here = scope.run(() => useDevices(() => null))!
    await settled()
    page.tell('job.changed', job({ id: 'c', status: 'cancelled', problem: problem('proof.cancelled') }))
    await settled()
    expect(here.problem.value).toBeNull()
    page.tell('job.changed', job({ id: 'd', status: 'failed', problem: problem('memory.too-small') }))
    await settled()
    expect(here.problem.value?.code).toBe('memory.too-small')
    // What was stopped before everything was measured says so until it was.
    page.tell('job.changed', job({ id: 'cut', status: 'cancelled' }))
    await settled()
    expect(here.isCut.value).toBe(true)
    view = { ...view, devices: [device('cpu', { figure: figure() })] }
    await here.load()
    expect(here.isCut.value).toBe(false)
    view = { ...view, devices: [device('cpu')] }
    await here.load()
    page.tell('job.changed', job({ id: 'whole', status: 'done' }))
    await settled()
    expect(here.isCut.value).toBe(false)
    expect(await here.measure()).toBe('j')
    expect(here.problem.value).toBeNull()
    refuses = problem('model.unknown')
    expect(await here.measure()).toBeNull()
    expect(here.problem.value?.code).toBe('model.unknown')
    scope.stop()
  })
})

describe('the engines of a screen', () => {
  const tensorflow: EngineState = {
    id: 'tensorflow',
    name: 'TensorFlow',
    version: '2',
    purpose: '',
    licences: [],
    downloadBytes: 274e6,
    diskBytes: 853e6,
    status: 'absent',
    problem: null,
    notice: null,
  }

  it('are added as a job, and what came of it is said', async () => {
    engines = [tensorflow]
    const scope = effectScope()
    const here = scope.run(() => useEngines(async () => {}))!
    await settled()
    await here.add('tensorflow')
    expect(here.isAdding.value).toBe(true)
    page.tell('job.changed', job({ id: 'e', kind: 'engine' }))
    engines = [{ ...tensorflow, status: 'installed' }]
    page.tell('job.changed', job({ id: 'e', kind: 'engine', status: 'done' }))
    await settled()
    expect(here.engine('tensorflow')?.status).toBe('installed')
    expect(here.outcome.value).toContain('TensorFlow is here and works.')
    expect(here.isAdding.value).toBe(false)
    // One whose device is not here says that it could not be tried.
    await here.add('tensorflow')
    const phase = 'Keeping it. No card is here.'
    page.tell('job.changed', job({ id: 'e2', kind: 'engine', status: 'done', phase }))
    await settled()
    expect(here.outcome.value).toBe('TensorFlow is here. No card is here.')
    scope.stop()
  })

  it('say why one was not added or not removed, and what is free once it is gone', async () => {
    engines = [tensorflow]
    const scope = effectScope()
    let reads = 0
    const here = scope.run(() =>
      useEngines(async () => {
        reads += 1
      }),
    )!
    await settled()
    refuses = problem('network.off')
    await here.add('tensorflow')
    expect({ code: here.problem.value?.code, busy: here.isAdding.value }).toEqual({
      code: 'network.off',
      busy: false,
    })
    refuses = problem('engine.busy')
    expect((await here.remove('tensorflow'))?.code).toBe('engine.busy')
    refuses = null
    expect(await here.remove('tensorflow')).toBeNull()
    expect(here.outcome.value).toBe('TensorFlow was removed; 853 MB of this disk are free again.')
    expect(reads).toBe(2)
    scope.stop()
  })
})
