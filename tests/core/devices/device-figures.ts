// Measurements as devices.json has them, made up: for tests of what is chosen by them.
import type { KnownDevice } from '#core/devices/choose-device.ts'
import { keepMeasurement } from '#core/devices/device-figures.ts'
import { lookAround, placeOf } from '#core/devices/surroundings.ts'
import type { Library } from '#core/system/library.ts'
import type { DeviceFigure } from '#shared/contract/index.ts'
import type { DeviceId } from '#shared/devices.ts'

export const figureOf = (modelId: string, changes: Partial<DeviceFigure> = {}): DeviceFigure => ({
  modelId,
  modelName: `Model ${modelId}`,
  backend: 'made up 1',
  rows: 4,
  tokensPerRow: 256,
  stepMs: 1000,
  gflops: 100,
  peakBytes: 1e9,
  plannedBytes: 1e9,
  devicePeakBytes: null,
  stepWattHours: null,
  difference: 0,
  measuredAtMs: 1,
  ...changes,
})

export const known = (
  id: DeviceId,
  measured: readonly (readonly [modelId: string, gflops: number | null])[] = [],
  missing: KnownDevice['missing'] = null,
): KnownDevice => ({
  id,
  missing,
  measured: measured.map(([modelId, gflops]) => ({
    modelId,
    figure: gflops === null ? null : figureOf(modelId, { gflops }),
    failure: gflops === null ? { code: 'backend.failed', message: 'It died.', where: id, remedy: '-' } : null,
  })),
})

/** As if this computer had measured it. */
export async function keepFigure(library: Library, device: DeviceId, figure: DeviceFigure): Promise<void> {
  await keepMeasurement(library, {
    device,
    place: placeOf(device, await lookAround(library)),
    modelId: figure.modelId,
    weightsSha256: figure.modelId,
    measuredAtMs: 1,
    figure,
    failure: null,
  })
}
