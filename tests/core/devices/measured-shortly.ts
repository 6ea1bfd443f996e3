// The real measurement, which computes for so many seconds on each device instead of ten: for tests of what is around it. For
// vi.mock in the test that wants it.
import type * as Measuring from '#core/devices/measure-devices.ts'

export const measuredShortly = (real: typeof Measuring, seconds: number): typeof Measuring => ({
  ...real,
  measureDevices: (ports, options, tools) => real.measureDevices(ports, { ...options, seconds }, tools),
})
