// "Measure this computer" with the real processes and runtimes, on a tiny model: figures, crashes, libraries that are none,
// wrong numbers. No figure's size is looked at: machines differ.
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { checkDevice } from '#core/devices/check-device.ts'
import { readMeasurements } from '#core/devices/device-figures.ts'
import { viewDevices } from '#core/devices/device-handlers.ts'
import { measureDevices } from '#core/devices/measure-devices.ts'
import { isMeasuring } from '#core/devices/measuring-lock.ts'
import { importModel } from '#core/models/import-model.ts'
import { type ChildPort, createNodeLauncher, type Launcher } from '#core/system/launcher.ts'
import type { Library } from '#core/system/library.ts'
import { hasBfloat16Products } from '#core/system/machine.ts'
import type { DeviceId } from '#shared/devices.ts'
import { unwrap } from '#shared/result.ts'
import type { SpeedEvent, SpeedJob } from '#shared/speed-protocol.ts'
import { writeTinyEncoder } from '../../processes/tiny-encoder.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { writeTinyT5 } from '../../processes/tiny-t5.ts'
import { hasTensorflow, linkTensorflow } from '../../support/tensorflow-engine.ts'
import { freshFolder, freshLibrary } from '../models/places.ts'

vi.setConfig({ testTimeout: 300_000 })

const launcher = createNodeLauncher()
const quiet = { signal: new AbortController().signal, tell: () => {} }
const measure = (library: Library, using: Launcher = launcher, tools = quiet) =>
  measureDevices({ library, launcher: using }, { modelId: null, seconds: 0 }, tools)

async function libraryWithModel(write: (folder: string) => string = writeTinyModel): Promise<Library> {
  const library = freshLibrary()
  unwrap(await importModel(library, write(freshFolder())))
  return library
}

/** The real child; of a measurement of `device` each event goes through `change` first. */
function changing(device: DeviceId, change: (event: SpeedEvent, child: ChildPort) => SpeedEvent): Launcher {
  return {
    launch(name) {
      const child = launcher.launch(name)
      let job: SpeedJob | undefined
      return {
        ...child,
        send(message) {
          job ??= (message as { job?: SpeedJob }).job
          child.send(message)
        },
        onMessage: (listener) =>
          child.onMessage((message) =>
            listener(job?.device === device ? change(message as SpeedEvent, child) : message),
          ),
      }
    },
  }
}

const failures = (view: Awaited<ReturnType<typeof viewDevices>>) =>
  new Map(view.devices.flatMap(({ id, failure }) => (failure === null ? [] : [[id, failure]])))

describe('the processor alone', () => {
  test.each([
    ['a decoder', writeTinyModel],
    ['an encoder', writeTinyEncoder],
    ['a model of two stacks', writeTinyT5],
  ])('is measured with %s, and that counts here only', async (_, write) => {
    const library = await libraryWithModel(write)
    const [measured] = unwrap(await measure(library))
    expect(measured).toMatchObject({ device: 'cpu', failure: null, figure: { difference: 0 } })
    const { figure } = measured!
    expect(figure?.backend).toMatch(/^onnxruntime-node/)
    expect(figure!.gflops).toBeGreaterThan(0)
    expect(figure!.peakBytes).toBeGreaterThan(30e6)
    expect((await viewDevices(library, measured!.modelId)).devices[0]?.figure).toEqual(figure)
    // Another computer, or another version of the program.
    const path = join(library.home, 'devices.json')
    const elsewhere = { ...measured, place: 'another computer' }
    writeFileSync(path, JSON.stringify({ version: 1, measurements: [elsewhere] }))
    expect((await viewDevices(library, null)).devices[0]).toMatchObject({ figure: null, failure: null })
  })

  test('passes its check against the definition', async () => {
    const checked = unwrap(await checkDevice('cpu', { library: freshLibrary(), launcher }))
    expect(checked.difference).toBeGreaterThan(0)
    expect(checked.difference).toBeLessThan(1e-5)
  })

  test('that crashes has no figure, and says so', async () => {
    const library = await libraryWithModel()
    const killing = changing('cpu', (event, child) => {
      if (event.kind === 'progress') child.kill()
      return event
    })
    unwrap(await measure(library, killing))
    const { devices, chosen, reason } = await viewDevices(library, null)
    expect(devices[0]).toMatchObject({
      isAvailable: true,
      figure: null,
      failure: { code: 'backend.failed', message: expect.stringContaining('ended unexpectedly') },
    })
    expect({ chosen, reason }).toEqual({ chosen: 'cpu', reason: expect.stringContaining('nothing else') })
  })

  test('that is stopped keeps nothing', async () => {
    const library = await libraryWithModel()
    const stop = new AbortController()
    const tools = { signal: stop.signal, tell: () => stop.abort() }
    expect(await measure(library, launcher, tools)).toMatchObject({
      ok: false,
      problem: { code: 'proof.cancelled' },
    })
    expect((await viewDevices(library, null)).devices[0]).toMatchObject({ figure: null, failure: null })
  })

  test('is measured by one at a time; what a run disturbed is not kept, nor what was kept before lost', async () => {
    const library = await libraryWithModel()
    const [before] = unwrap(await measure(library))
    const told: (readonly [string, number, number])[] = []
    let second: Promise<unknown> | undefined
    const tell = (phase: string, done = 0, total = 0) => {
      told.push([phase, done, total])
      second ??= measure(library)
    }
    const disturbed = await measureDevices(
      { library, launcher },
      { modelId: null, seconds: 0, wasDisturbed: () => true },
      { ...quiet, tell },
    )
    expect(await second).toMatchObject({
      problem: { code: 'run.active', message: expect.stringContaining('being measured already') },
    })
    expect(disturbed).toMatchObject({
      problem: { code: 'run.active', message: expect.stringContaining('A run began meanwhile') },
    })
    expect(readMeasurements(library)).toEqual([before])
    expect(await isMeasuring(library)).toBe(false)
    expect(told.at(-1)).toEqual([expect.stringMatching(/^1 of \d: .* on the processor$/), 1000, told[0]![2]])
  })

  test('without any model cannot be measured, and the remedy brings one', async () => {
    expect(await measure(freshLibrary())).toMatchObject({
      ok: false,
      problem: { code: 'model.unknown', remedy: expect.stringContaining('models add starter') },
    })
  })
})

describe.skipIf(!hasTensorflow())('with TensorFlow beside it', () => {
  let library: Library
  beforeAll(async () => {
    library = await libraryWithModel()
    await linkTensorflow(library.enginesFolder)
  })
  const others: DeviceId[] = hasBfloat16Products()
    ? ['tensorflow-cpu', 'tensorflow-cpu-bf16']
    : ['tensorflow-cpu']

  test('all are measured, compute the same within their bounds, and pass their check', async () => {
    const measured = unwrap(await measure(library))
    expect(measured.map(({ device }) => device)).toEqual(['cpu', ...others])
    for (const { device, figure, failure } of measured) {
      expect({ device, failure }).toEqual({ device, failure: null })
      if (device === 'cpu') continue
      expect(figure!.backend).toContain(device.endsWith('bf16') ? 'bfloat16 products' : 'float32 products')
      expect(figure!.difference).toBeGreaterThan(0)
      expect(figure!.difference).toBeLessThan(device.endsWith('bf16') ? 0.1 : 1e-4)
    }
    const fastest = measured.toSorted((a, b) => b.figure!.gflops - a.figure!.gflops)[0]!
    expect((await viewDevices(library, fastest.modelId)).chosen).toBe(fastest.device)
    for (const device of others) {
      const { difference } = unwrap(await checkDevice(device, { library, launcher }))
      expect(difference).toBeLessThan(device.endsWith('bf16') ? 5e-2 : 1e-5)
    }
  })

  test('one that is killed in the middle is a result, and the others are measured all the same', async () => {
    const killing = changing('tensorflow-cpu', (event, child) => {
      if (event.kind === 'progress') child.kill()
      return event
    })
    const measured = unwrap(await measure(library, killing))
    expect(measured.map(({ device, figure }) => [device, figure !== null])).toEqual([
      ['cpu', true],
      ...others.map((device) => [device, device !== 'tensorflow-cpu']),
    ])
    const view = await viewDevices(library, null)
    expect([...failures(view)]).toEqual([
      ['tensorflow-cpu', expect.objectContaining({ message: expect.stringContaining('ended unexpectedly') })],
    ])
    expect(view.chosen).not.toBe('tensorflow-cpu')
  })

  test('where the processor gives nothing to compare with, the definition does', async () => {
    const dying = changing('cpu', (event, child) => {
      if (event.kind === 'progress') child.kill()
      return event
    })
    const measured = unwrap(await measure(library, dying))
    for (const { device, failure, figure } of measured)
      expect({ device, failure: failure?.code, isNear: figure && figure.difference < 5e-2 }).toEqual(
        device === 'cpu'
          ? { device, failure: 'backend.failed', isNear: null }
          : { device, failure: undefined, isNear: true },
      )
  })

  test('one with wrong numbers is not taken, however fast it is', async () => {
    const wrong = changing('tensorflow-cpu', (event) =>
      event.kind === 'stepped'
        ? { ...event, stepMs: 1e-6, gradientSums: event.gradientSums.map((sum) => -sum) }
        : event,
    )
    unwrap(await measure(library, wrong))
    const view = await viewDevices(library, null)
    expect(failures(view).get('tensorflow-cpu')).toMatchObject({
      code: 'device.wrong',
      message: expect.stringContaining('off by 200 %'),
    })
    expect(view.chosen).not.toBe('tensorflow-cpu')
  })

  test('a library that is none is a result too', async () => {
    const spoiled = await libraryWithModel()
    await linkTensorflow(spoiled.enginesFolder)
    const binding = join(spoiled.enginesFolder, 'tensorflow/lib/napi-v8/tfjs_binding.node')
    const size = statSync(binding).size
    // The file is a link: what it links to must stay whole.
    rmSync(binding)
    writeFileSync(binding, Buffer.alloc(size, 7))
    const measured = unwrap(await measure(spoiled))
    expect(measured[0]).toMatchObject({ device: 'cpu', failure: null })
    for (const { failure } of measured.slice(1))
      expect(failure).toMatchObject({
        code: 'backend.failed',
        message: expect.stringContaining('TensorFlow'),
      })
    expect(measured.slice(1)).toHaveLength(others.length)
    expect(await checkDevice('tensorflow-cpu', { library: spoiled, launcher })).toMatchObject({
      ok: false,
      problem: { code: 'backend.failed' },
    })
  })
})
