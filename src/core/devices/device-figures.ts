// What measurements of this computer's devices gave, kept in the library: a figure, or why there is none. What another
// computer or another version gave (a library that was moved, a program that was renewed) does not count.
import { join } from 'node:path'
import { z } from 'zod'
import { deviceFigure } from '#shared/contract/devices.ts'
import { deviceId } from '#shared/devices.ts'
import { timeMs } from '#shared/fields.ts'
import { problem } from '#shared/problem-schema.ts'
import { readKept, writeKept } from '../system/kept-json.ts'
import type { Library } from '../system/library.ts'

const measurement = z.strictObject({
  device: deviceId,
  /** The computer and the software that it was measured with (`placeOf` in surroundings.ts). */
  place: z.string(),
  modelId: z.string(),
  weightsSha256: z.string(),
  measuredAtMs: timeMs,
  figure: deviceFigure.nullable(),
  failure: problem.nullable(),
})
export type Measurement = z.output<typeof measurement>

/** One that holds nonsense, or is of a device that another version knows, counts as never made; the others stay. */
const keptMeasurements = z.strictObject({ version: z.literal(1), measurements: z.array(z.unknown()) })

/** Of other models the oldest go first. */
const mostKept = 200

const pathOf = (library: Library): string => join(library.home, 'devices.json')

/** Newest first; none where nothing was measured, or the file cannot be read. */
export const readMeasurements = (library: Library): readonly Measurement[] =>
  (readKept(pathOf(library), keptMeasurements)?.measurements ?? []).flatMap((kept) => {
    const read = measurement.safeParse(kept)
    return read.success ? [read.data] : []
  })

/** In place of an older one of this device and model. Throws a ProblemError where the disk is full or fails. */
export async function keepMeasurement(library: Library, added: Measurement): Promise<void> {
  const others = readMeasurements(library).filter(
    ({ device, weightsSha256 }) => device !== added.device || weightsSha256 !== added.weightsSha256,
  )
  await writeKept(pathOf(library), {
    version: 1,
    measurements: [added, ...others].slice(0, mostKept),
  } satisfies z.output<typeof keptMeasurements>)
}
