// What a measured figure says of other work on the same device. Pure.
import type { DeviceFigure } from '#shared/contract/devices.ts'

type Figure = DeviceFigure | null

/** Of a tiny model nearly all memory is the runtime's own: that says nothing of a larger one. */
const mostMemoryFactor = 20

/** How many times what is planned (for the processor) the device's runtime takes; never less than that. */
export const memoryFactorOf = (figure: Figure): number =>
  figure === null ? 1 : Math.min(mostMemoryFactor, Math.max(1, figure.peakBytes / figure.plannedBytes))

/** Mean power while it computes; null where no counter could be read. */
export const wattsOf = (figure: Figure): number | null =>
  figure?.stepWattHours == null ? null : (figure.stepWattHours * 3.6e6) / figure.stepMs
