// Electricity that the processors of this computer took, from the counters that Linux shows of them (RAPL, in
// Documentation/power/powercap of the kernel): everything that runs counts, not one program; screen and disks do not.
// Null where there are no counters (other systems, most virtual machines) or they are not ours to read.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface EnergyMeter {
  /** Since the meter was made. To be asked more often than a counter wraps around: at 250 W that takes 17 minutes. */
  wattHours(): number | null
}

interface Counter {
  readonly file: string
  /** The counter starts again from 0 after this. */
  readonly rangeMicrojoules: number
  lastMicrojoules: number
}

const microjoulesPerWattHour = 3.6e9

export function createEnergyMeter(folder = '/sys/class/powercap'): EnergyMeter {
  const counters = packageCounters(folder)
  let microjoules = 0
  let isReadable = counters.length > 0
  return {
    wattHours() {
      try {
        for (const counter of counters) microjoules += advance(counter)
      } catch {
        isReadable = false
      }
      return isReadable ? microjoules / microjoulesPerWattHour : null
    },
  }
}

/** Microjoules since the last reading. */
function advance(counter: Counter): number {
  const now = readNumber(counter.file)
  const gone = now - counter.lastMicrojoules
  counter.lastMicrojoules = now
  return gone < 0 ? gone + counter.rangeMicrojoules : gone
}

/**
 * One counter for each processor package. Cores and memory below a package ("intel-rapl:0:0") are part of it or not of
 * every processor; "psys" and the copies under "intel-rapl-mmio" would count the same again.
 */
function packageCounters(folder: string): Counter[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^intel-rapl:\d+$/.test(name))
      .map((name) => join(folder, name))
      .filter((zone) => readFileSync(join(zone, 'name'), 'utf8').startsWith('package'))
      .map((zone) => ({
        file: join(zone, 'energy_uj'),
        rangeMicrojoules: readNumber(join(zone, 'max_energy_range_uj')),
        lastMicrojoules: readNumber(join(zone, 'energy_uj')),
      }))
  } catch {
    return []
  }
}

function readNumber(file: string): number {
  const number = Number.parseInt(readFileSync(file, 'utf8'), 10)
  if (Number.isNaN(number)) throw new Error(`${file} holds no number`)
  return number
}
