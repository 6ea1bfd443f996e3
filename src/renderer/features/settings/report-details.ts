// What a report of a fault needs, and nothing that tells who sends it: no paths, no names of files, projects or people.
import type { About, MeasuredSpeed } from '#shared/contract/system.ts'
import { formatBytes } from '../../format.ts'

export function reportDetails(about: About, speed: MeasuredSpeed): string {
  const { name, version, host, platform, processor, physicalCores, memoryBytes, freeDiskBytes } = about
  return [
    `${name} ${version} (${host})`,
    `System: ${platform}`,
    `Processor: ${processor}, ${physicalCores} physical cores`,
    `Memory: ${formatBytes(memoryBytes)}`,
    `Free disk: ${formatBytes(freeDiskBytes)}`,
    speed === null
      ? 'Speed: not measured'
      : `Speed: ${speed.gemmGflops.toPrecision(3)} GFLOP/s float32 matrix products, ${speed.device}`,
  ].join('\n')
}
