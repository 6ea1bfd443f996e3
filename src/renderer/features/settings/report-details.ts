// What a report of a fault needs, and nothing that tells who sends it: no paths, no names of files, projects or people.
import type { DeviceState, DevicesView } from '#shared/contract/devices.ts'
import type { About } from '#shared/contract/system.ts'
import { formatBytes } from '../../format.ts'

/** `devices` null: they could not be asked for. */
export function reportDetails(about: About, devices: DevicesView | null): string {
  const { name, version, host, platform, processor, physicalCores, memoryBytes, freeDiskBytes } = about
  return [
    `${name} ${version} (${host})`,
    `System: ${platform}`,
    `Processor: ${processor}, ${physicalCores} physical cores`,
    `Memory: ${formatBytes(memoryBytes)}`,
    `Free disk: ${formatBytes(freeDiskBytes)}`,
    ...(devices === null ? ['Devices: not known'] : deviceLines(devices)),
  ].join('\n')
}

function deviceLines({ devices, graphicsCards, chosen, pinned }: DevicesView): string[] {
  return [
    ...graphicsCards.map(
      ({ name, memoryBytes, driver, computeCapability }) =>
        `Graphics card: ${[
          name,
          ...(memoryBytes === null ? [] : [formatBytes(memoryBytes)]),
          ...(driver === null ? [] : [`driver ${driver}`]),
          ...(computeCapability === null ? [] : [`compute capability ${computeCapability}`]),
        ].join(', ')}`,
    ),
    ...devices.map((device) => `Device ${device.id}: ${deviceLine(device)}`),
    `Computed on: ${chosen}${pinned === null ? '' : ` (pinned: ${pinned})`}`,
  ]
}

/** A model's name may be a person's own: its step is told, not what it is called. */
function deviceLine({ missing, figure, failure }: DeviceState): string {
  if (missing !== null) return missing.code
  if (failure !== null) return `failed, ${failure.code}`
  if (figure === null) return 'not measured'
  const { gflops, rows, tokensPerRow, stepMs, peakBytes, backend } = figure
  return `${gflops.toPrecision(3)} GFLOP/s, a step of ${rows} x ${tokensPerRow} tokens in ${Math.round(stepMs)} ms, ${formatBytes(peakBytes)}, ${backend}`
}
