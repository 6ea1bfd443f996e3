// devices.json as somebody, or another version, may have left it: nonsense counts as never measured, and spoils nothing else.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { keepMeasurement, type Measurement, readMeasurements } from '#core/devices/device-figures.ts'
import { memoryFactorOf } from '#core/devices/device-speed.ts'
import { freshLibrary } from '../models/places.ts'
import { figureOf } from './device-figures.ts'

const measured = (changes = {}): Measurement => ({
  device: 'cpu',
  place: 'here',
  modelId: 'm',
  weightsSha256: 'm',
  measuredAtMs: 1,
  figure: figureOf('m', changes),
  failure: null,
})

test.each([{ plannedBytes: 0 }, { peakBytes: 0 }, { gflops: 1e308 }, { gflops: 0 }, { stepWattHours: -1 }])(
  'a figure with %o is none, and the one beside it stays',
  (changes) => {
    const library = freshLibrary()
    const kept = {
      version: 1,
      measurements: [measured(changes), { ...measured(), device: 'tensorflow-cpu' }],
    }
    writeFileSync(join(library.home, 'devices.json'), JSON.stringify(kept))
    expect(readMeasurements(library).map(({ device }) => device)).toEqual(['tensorflow-cpu'])
  },
)

test.each(['', '{', '{"version": 2, "measurements": []}'])(
  'a file that cannot be read (%j) counts as not measured, and the next measurement makes it anew',
  async (text) => {
    const library = freshLibrary()
    writeFileSync(join(library.home, 'devices.json'), text)
    expect(readMeasurements(library)).toEqual([])
    await keepMeasurement(library, measured())
    expect(readMeasurements(library)).toEqual([measured()])
  },
)

test('the memory of a device is never less than planned, and bounded', () => {
  const factorOf = (peakBytes: number, plannedBytes: number) =>
    memoryFactorOf(figureOf('m', { peakBytes, plannedBytes }))
  expect([factorOf(1, 2), factorOf(3, 2), factorOf(1e15, 1)]).toEqual([1, 1.5, 20])
})
