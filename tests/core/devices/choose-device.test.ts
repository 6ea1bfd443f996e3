// What a run is computed on, by figures that are fed: no clock decides here.
import { describe, expect, test } from 'vitest'
import { chooseDevice, type KnownDevice, nextBest, stateOf } from '#core/devices/choose-device.ts'
import { devicesOf, missingOf } from '#core/devices/missing-devices.ts'
import type { Surroundings } from '#core/devices/surroundings.ts'
import type { GraphicsCard } from '#shared/contract/index.ts'
import type { Problem } from '#shared/result.ts'
import { unwrap } from '#shared/result.ts'
import { known } from './device-figures.ts'

const gone: Problem = {
  code: 'device.missing',
  message: 'It is gone.',
  where: 'tensorflow-cpu',
  remedy: 'Fetch it with: tunewright engines add tensorflow',
}
const nothing = { asked: null, pinned: null, modelId: 'm' }

describe('a run that asks for nothing', () => {
  test('is computed on the processor where nothing was measured, which need not be told', () => {
    const choice = unwrap(chooseDevice([known('cpu'), known('tensorflow-cpu')], nothing))
    expect(choice).toMatchObject({ device: 'cpu', isNotable: false, figure: null })
  })

  test('takes the fastest that was measured with its model', () => {
    const devices = [
      known('cpu', [['m', 100]]),
      known('tensorflow-cpu', [['m', 120]]),
      known('tensorflow-cpu-bf16', [['m', 150]]),
    ]
    const choice = unwrap(chooseDevice(devices, nothing))
    expect(choice).toMatchObject({ device: 'tensorflow-cpu-bf16', isNotable: true })
    expect(choice.figure?.gflops).toBe(150)
    expect(choice.reason).toBe(
      'On the processor with TensorFlow in 16 bits (bfloat16): 1.5 times as fast as the processor alone (ONNX Runtime), measured here with Model m.',
    )
  })

  test('takes none that failed with its model, is missing, or was only faster with another model', () => {
    const devices = [
      known('cpu', [['m', 100]]),
      known('tensorflow-cpu', [
        ['m', null],
        ['other', 900],
      ]),
      known('tensorflow-cpu-bf16', [['m', 150]], gone),
      known('onnx-webgpu', [['other', 500]]),
    ]
    expect(unwrap(chooseDevice(devices, nothing)).device).toBe('cpu')
  })

  test('goes by the model that most devices were measured with where its own was not', () => {
    const devices = [
      known('cpu', [
        ['small', 50],
        ['large', 100],
      ]),
      known('tensorflow-cpu', [['small', 80]]),
      known('onnx-webgpu', [['third', 1000]]),
    ]
    const choice = unwrap(chooseDevice(devices, nothing))
    expect(choice.device).toBe('tensorflow-cpu')
    expect(choice.reason).toContain('Model small')
  })

  test('leaves out what failed with its model where it goes by another', () => {
    const devices = [
      known('cpu', [['small', 50]]),
      known('tensorflow-cpu', [
        ['m', null],
        ['small', 80],
      ]),
    ]
    expect(unwrap(chooseDevice(devices, nothing)).device).toBe('cpu')
  })
})

const wrong: Problem = { code: 'device.wrong', message: 'Wrong.', where: '-', remedy: 'Measure again.' }
const wrongWith = (modelId: string) => ({ modelId, figure: null, failure: wrong })

describe('a device that computed wrong', () => {
  const cpu = known('cpu', [['m', 100]])
  const spoiled = { ...known('tensorflow-cpu'), measured: [wrongWith('m')] }

  test('is refused where it is asked for, and done without where it is pinned', () => {
    const devices = [cpu, spoiled]
    expect(chooseDevice(devices, { ...nothing, asked: 'tensorflow-cpu' })).toEqual({
      ok: false,
      problem: wrong,
    })
    expect(chooseDevice(devices, { ...nothing, asked: 'tensorflow-cpu', modelId: null }).ok).toBe(false)
    const choice = unwrap(chooseDevice(devices, { ...nothing, pinned: 'tensorflow-cpu' }))
    expect(choice).toMatchObject({ device: 'cpu', isNotable: true })
    expect(choice.reason).toMatch(/cannot be used now: Wrong\. Measure again\. Meanwhile: On the processor/)
  })

  test('with another model is taken only where a person wants it, who is warned', () => {
    const fast = known('tensorflow-cpu', [['other', 900]])
    const devices = [
      known('cpu', [['other', 100]]),
      { ...fast, measured: [wrongWith('third'), ...fast.measured] },
    ]
    expect(unwrap(chooseDevice(devices, nothing)).device).toBe('cpu')
    const asked = unwrap(chooseDevice(devices, { ...nothing, asked: 'tensorflow-cpu' }))
    expect(asked.reason).toBe(
      'On the processor with TensorFlow: as you chose. When it was measured last, it failed: Wrong.',
    )
    const wishes = { ...nothing, asked: 'tensorflow-cpu', askedBecause: 'as before' } as const
    expect(unwrap(chooseDevice(devices, wishes)).reason).toMatch(
      /^On the processor with TensorFlow: as before\./,
    )
    const again = [devices[0]!, { ...fast, measured: [...fast.measured, wrongWith('third')] }]
    expect(unwrap(chooseDevice(again, nothing)).device).toBe('tensorflow-cpu')
  })

  test('one that crashed is taken where a person wants it, who is warned', () => {
    const devices = [cpu, known('tensorflow-cpu', [['m', null]])]
    const choice = unwrap(chooseDevice(devices, { ...nothing, pinned: 'tensorflow-cpu' }))
    expect(choice).toMatchObject({ device: 'tensorflow-cpu', reason: expect.stringContaining('It died.') })
  })

  test('the only one that can be used is not called the only one that was measured', () => {
    const reasonWith = (other: KnownDevice) => unwrap(chooseDevice([cpu, other], nothing)).reason
    expect(reasonWith(known('tensorflow-cpu'))).toContain('the only device that was measured')
    expect(reasonWith(spoiled)).toContain('the only one of the devices measured here with Model m that can')
    expect(reasonWith(known('tensorflow-cpu', [['m', 120]], gone))).toContain('that can be used now')
  })
})

describe('a device that is named', () => {
  const devices = [known('cpu', [['m', 100]]), known('tensorflow-cpu', [['m', 120]], gone)]

  test('by the recipe must be there; the Problem says how to get it', () => {
    expect(chooseDevice(devices, { ...nothing, asked: 'tensorflow-cpu' })).toEqual({
      ok: false,
      problem: gone,
    })
    expect(chooseDevice(devices, { ...nothing, asked: 'onnx-directml' })).toMatchObject({
      ok: false,
      problem: { code: 'device.missing', remedy: expect.stringContaining('devices list') },
    })
    const there = unwrap(chooseDevice(devices, { ...nothing, pinned: 'tensorflow-cpu', asked: 'cpu' }))
    expect(there).toMatchObject({ device: 'cpu', isNotable: true })
  })

  test('by the settings is taken though another is faster', () => {
    const all = [known('cpu', [['m', 100]]), known('tensorflow-cpu', [['m', 120]])]
    expect(unwrap(chooseDevice(all, { ...nothing, pinned: 'cpu' }))).toMatchObject({
      device: 'cpu',
      reason: 'On the processor: chosen by hand in the settings.',
    })
  })

  test('by the settings is done without where it is gone, and that is said', () => {
    const choice = unwrap(chooseDevice(devices, { ...nothing, pinned: 'tensorflow-cpu' }))
    expect(choice).toMatchObject({ device: 'cpu', isNotable: true })
    expect(choice.reason).toMatch(/cannot be used now: It is gone\. Fetch it .* Meanwhile: On the processor/)
  })
})

test('where a device failed the next best one is taken, the processor last, then none', () => {
  const devices = [
    known('cpu', [['m', 100]]),
    known('tensorflow-cpu', [['m', 120]]),
    known('tensorflow-cpu-bf16', [['m', 150]]),
  ]
  expect(nextBest(devices, 'm', ['tensorflow-cpu-bf16'])).toBe('tensorflow-cpu')
  expect(nextBest(devices, 'm', ['tensorflow-cpu-bf16', 'tensorflow-cpu'])).toBe('cpu')
  expect(nextBest(devices, 'm', ['tensorflow-cpu-bf16', 'tensorflow-cpu', 'cpu'])).toBeNull()
})

test('a device is shown with the figure of the model, else of another, else with its failure', () => {
  const measured = known('tensorflow-cpu', [
    ['new', null],
    ['m', 120],
  ])
  expect(stateOf(measured, 'm')).toMatchObject({ figure: { gflops: 120 }, failure: null })
  expect(stateOf(measured, 'new')).toMatchObject({ figure: null, failure: { code: 'backend.failed' } })
  expect(stateOf(known('cpu', [['m', 7]]), 'unknown')).toMatchObject({ figure: { gflops: 7 } })
  expect(stateOf(known('cpu'), 'm')).toMatchObject({ figure: null, failure: null, isAvailable: true })
})

describe('a device is missing', () => {
  const linux: Surroundings = {
    system: 'linux x64',
    processor: 'P',
    hasBfloat16Products: true,
    cards: [],
    graphicsSentences: ['No card was found.'],
    engineProblems: new Map(),
  }
  const card = {
    name: 'RTX',
    vendor: 'nvidia',
    memoryBytes: 8e9,
    driver: '580.82.07',
    computeCapability: '8.6',
    sentences: [],
  } satisfies GraphicsCard

  test('without its engine, with the command that fetches it', () => {
    const engineMissing: Problem = {
      code: 'engine.missing',
      message: 'Not here.',
      where: 'engines/tensorflow',
      remedy: 'Add it with: tunewright engines add tensorflow',
    }
    const without = { ...linux, engineProblems: new Map([['tensorflow', engineMissing]] as const) }
    expect(missingOf('tensorflow-cpu', without)).toMatchObject({
      message: 'The processor with TensorFlow needs an engine that is not on this computer yet.',
      remedy: expect.stringContaining('engines add tensorflow'),
    })
    expect(missingOf('tensorflow-cpu', linux)).toBeNull()
    const damaged = { ...engineMissing, code: 'engine.damaged' } as const
    expect(
      missingOf('tensorflow-cpu', { ...linux, engineProblems: new Map([['tensorflow', damaged]]) }),
    ).toBe(damaged)
  })

  test('on a processor without products of 16 bits, on another system, and without a card', () => {
    expect(missingOf('tensorflow-cpu-bf16', { ...linux, hasBfloat16Products: false })?.message).toContain(
      'AVX512_BF16',
    )
    expect(missingOf('tensorflow-cpu-bf16', linux)).toBeNull()
    expect(missingOf('onnx-directml', linux)?.message).toContain('not offered on this kind of system')
    for (const device of ['tensorflow-cuda', 'onnx-cuda', 'onnx-webgpu'] as const)
      expect(missingOf(device, linux)).toMatchObject({
        code: 'device.missing',
        remedy: expect.stringContaining('No card was found.'),
      })
    expect(missingOf('onnx-cuda', { ...linux, cards: [card] })).toBeNull()
    expect(missingOf('onnx-cuda', { ...linux, cards: [{ ...card, driver: null }] })?.message).toContain(
      'driver',
    )
  })

  test('where the runtime that comes along holds nothing for it, whatever cards there are', () => {
    const on = (system: string): Surroundings => ({ ...linux, system, cards: [card] })
    for (const [device, system] of [
      ['onnx-webgpu', 'linux arm64'],
      ['onnx-webgpu', 'darwin x64'],
      ['onnx-coreml', 'darwin x64'],
    ] as const) {
      expect(devicesOf(system)).not.toContain(device)
      expect(missingOf(device, on(system))?.message).toContain('not offered on this kind of system')
    }
    expect(missingOf('onnx-webgpu', on('linux x64'))).toBeNull()
    expect(missingOf('onnx-coreml', on('darwin arm64'))).toBeNull()
  })

  test('never: the processor', () => {
    expect(missingOf('cpu', { ...linux, system: 'freebsd x64' })).toBeNull()
  })
})
