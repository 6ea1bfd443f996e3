// Why a device cannot be used on this computer, with the exact remedy. Pure.
import { deviceName, onTheProcessor } from '#shared/device-names.ts'
import { type DeviceId, deviceFacts, deviceIds } from '#shared/devices.ts'
import type { Problem } from '#shared/result.ts'
import { whyNotCuda } from './graphics-cards-words.ts'
import type { Surroundings } from './surroundings.ts'

/** Devices of this kind of system, whether they can be used or not. */
export const devicesOf = (system: string): readonly DeviceId[] =>
  deviceIds.filter((device) => {
    const { systems } = deviceFacts[device]
    return systems.length === 0 || systems.includes(system)
  })

/** Null where it can be used. Whether it computes right, and how fast, only a measurement tells. */
export function missingOf(device: DeviceId, around: Surroundings): Problem | null {
  const { hardware, products, engine } = deviceFacts[device]
  if (!devicesOf(around.system).includes(device))
    return missing(device, 'is not offered on this kind of system', onTheProcessor)
  if (hardware === 'processor' && products === 'bfloat16' && !around.hasBfloat16Products)
    return missing(
      device,
      'would be slower here than in 32 bits: this processor has no products of 16 bits (AVX512_BF16 or AMX)',
      'Use tensorflow-cpu, or the processor alone.',
    )
  if (hardware === 'graphics') {
    const noCard = cardMissing(device, around)
    if (noCard !== null) return noCard
  }
  const engineProblem = engine === null ? undefined : around.engineProblems.get(engine)
  if (engineProblem === undefined) return null
  if (engineProblem.code !== 'engine.missing') return engineProblem
  // Its code tells screens that fetching the engine is all that it takes.
  return {
    ...missing(device, 'needs an engine that is not on this computer yet', engineProblem.remedy),
    code: 'engine.missing',
  }
}

function cardMissing(device: DeviceId, { cards, graphicsSentences }: Surroundings): Problem | null {
  const remedy = [...graphicsSentences, onTheProcessor].join(' ')
  if (!device.includes('cuda'))
    return cards.length > 0 ? null : missing(device, 'needs a graphics card, and none was found', remedy)
  const nvidia = cards.filter(({ vendor }) => vendor === 'nvidia')
  const [first] = nvidia
  if (first === undefined)
    return missing(device, 'needs a graphics card of NVIDIA, and none was found', remedy)
  if (nvidia.every(({ driver }) => driver === null))
    return missing(
      device,
      `needs NVIDIA's driver: the card ${first.name} is there without it`,
      first.sentences.at(-1) ?? "Install NVIDIA's driver, and start the computer again.",
    )
  const why = whyNotCuda(nvidia, device)
  return why === null ? null : missing(device, `cannot use the card ${first.name}`, why)
}

const missing = (device: DeviceId, why: string, remedy: string): Problem => ({
  code: 'device.missing',
  message: `${capitalised(deviceName(device))} ${why}.`,
  where: device,
  remedy,
})

const capitalised = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`
