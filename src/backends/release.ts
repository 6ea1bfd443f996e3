// Memory of results.
import type { TensorData } from '#engine/backend-port.ts'

/** Gives an array's memory back now: the collector, which sees only small objects, lets several runs' results pile up. */
export const release = (data: TensorData): void => {
  if (data.buffer instanceof ArrayBuffer) data.buffer.transfer(0)
}
