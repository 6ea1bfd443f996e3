// What can be done with a graphics card here, what is missing and how to get it, in whole sentences. Pure.
import { type DeviceFacts, type DeviceId, deviceFacts } from '#shared/devices.ts'
import { isOlder, type NvidiaAnswer } from './graphics-cards-nvidia.ts'

/** As DeviceFacts has it: `${process.platform} ${process.arch}`. */
export type SystemName = string

interface CudaNeeds {
  readonly cuda: number
  readonly driver: string
  readonly capability: string
}

/**
 * Programs built with one CUDA run on every driver from here on (docs.nvidia.com/deploy/cuda-compatibility, table "Minor
 * Version Compatibility"; whole numbers from the release notes of CUDA 12.5 and 13.0). TensorFlow 2.21's wheel holds kernels
 * for sm_60, sm_70, sm_80, sm_89 and compute_90 (shared/design/tensorflow.md); CUDA 13 has none before 7.5.
 */
const cudaNeeds = {
  tensorflow: { cuda: 12, driver: '525.60.13', capability: '6.0' },
  onnx: { cuda: 13, driver: '580.65.06', capability: '7.5' },
} as const satisfies Record<DeviceFacts['runtime'], CudaNeeds>

/** NVIDIA's cuDNN holds none for older ones since 9.11. */
const cudnnCapability = '7.5'
/** Newer ones than the newest kernels: the driver compiles those when they are first used. */
const compiledCapability = '10.0'
/** The first with bfloat16 and TF32 in its arithmetic units (Ampere). */
const bfloat16Capability = '8.0'

const driverRemedy =
  'Install NVIDIA\'s driver and restart: on Ubuntu "sudo ubuntu-drivers install", on Debian "sudo apt install nvidia-driver" (with non-free-firmware), on Fedora "sudo dnf install akmod-nvidia" from RPM Fusion.'

const isOffered = (device: DeviceId, system: SystemName): boolean => {
  const { systems } = deviceFacts[device]
  return systems.length === 0 || systems.includes(system)
}

const webgpu =
  'With WebGPU (onnx-webgpu) it can be used as it is, which is slower than an engine made for it.'

const unused = (system: SystemName): string =>
  `Nothing of Tunewright uses it on ${system}: the processor does the work.`

interface CudaFacts {
  readonly driver: string
  readonly computeCapability: string | null
}

/** Why a card whose driver works cannot be computed on with this CUDA; null where nothing is known against it. */
function cudaTrouble({ driver, computeCapability }: CudaFacts, needs: CudaNeeds): string | null {
  if (isOlder(driver, needs.driver))
    return `Its driver ${driver} is too old for CUDA ${needs.cuda}, which needs ${needs.driver} or newer. ${driverRemedy}`
  if (computeCapability !== null && isOlder(computeCapability, needs.capability))
    return `The card is too old for CUDA ${needs.cuda} training here: its compute capability is ${computeCapability}, and the engine is built for ${needs.capability} and newer.`
  return null
}

interface CudaCard {
  readonly driver: string | null
  readonly computeCapability: string | null
}

/** Why this device of CUDA can compute on none of these cards; null where it may on one of them. */
export function whyNotCuda(cards: readonly CudaCard[], device: DeviceId): string | null {
  const { runtime, products } = deviceFacts[device]
  const troubles = cards.map(({ driver, computeCapability }) => {
    if (driver === null) return driverRemedy
    const trouble = cudaTrouble({ driver, computeCapability }, cudaNeeds[runtime])
    const isNarrow = products === 'bfloat16' && computeCapability !== null
    return trouble ?? (isNarrow && isOlder(computeCapability, bfloat16Capability) ? noBfloat16 : null)
  })
  return troubles.includes(null) ? null : (troubles[0] ?? driverRemedy)
}

interface NvidiaFacts extends CudaFacts {
  readonly system: SystemName
}

/** Of an NVIDIA card whose driver works. */
export function nvidiaSentences({ system, ...facts }: NvidiaFacts): string[] {
  if (!isOffered('tensorflow-cuda', system)) return notOnThisSystem(system)
  const { driver, computeCapability } = facts
  const trouble = cudaTrouble(facts, cudaNeeds.tensorflow)
  if (trouble !== null) return [trouble, webgpu]
  if (computeCapability === null)
    return [
      `Its driver ${driver} is new enough for CUDA 12, but does not say what the card can compute (compute capability). Whether it can be trained on shows the test after TensorFlow with CUDA was added, in the settings or with: tunewright engines add tensorflow-cuda`,
    ]
  return [
    `It can be trained on with CUDA: driver ${driver} and compute capability ${computeCapability} are enough. What else it needs is fetched in the settings, or with: tunewright engines add tensorflow-cuda`,
    ...capabilitySentences(computeCapability),
    ...(cudaTrouble(facts, cudaNeeds.onnx) === null
      ? []
      : [
          `ONNX Runtime's engine (onnx-cuda) needs more: CUDA 13, so driver ${cudaNeeds.onnx.driver} and compute capability ${cudaNeeds.onnx.capability} or newer.`,
        ]),
  ]
}

const noBfloat16 =
  'It has no arithmetic in 16 bits of the form bfloat16: take tensorflow-cuda, not tensorflow-cuda-bf16.'

function capabilitySentences(capability: string): string[] {
  if (isOlder(capability, cudnnCapability))
    return [
      `NVIDIA's own libraries have left out cards before ${cudnnCapability} of late, so it may fail: the test after adding the engine says so.`,
    ]
  if (isOlder(capability, bfloat16Capability)) return [noBfloat16]
  const precise =
    'It multiplies in 16 bits (bfloat16) and in TF32 by itself: tensorflow-cuda-bf16 is its fastest way.'
  if (isOlder(capability, compiledCapability)) return [precise]
  return [
    precise,
    'It is newer than the engine: its driver compiles what is missing at the first start, which can take many minutes, once.',
  ]
}

function notOnThisSystem(system: SystemName): string[] {
  if (isOffered('onnx-directml', system))
    return [
      'CUDA engines are offered on Linux only; here it is used with DirectML (onnx-directml), which comes along.',
    ]
  const cuda = `CUDA engines are offered on Linux with x64 processors only, not on ${system}.`
  return [cuda, isOffered('onnx-webgpu', system) ? webgpu : unused(system)]
}

/** Of an NVIDIA card on the bus that no NVIDIA driver has: `driver` is the kernel's that has it, if any. */
export function idleNvidiaSentences(driver: string | null, system: SystemName): string[] {
  const why =
    driver === 'vfio-pci'
      ? 'It is handed on to a virtual machine, so nothing here can use it.'
      : driver === null
        ? `No driver has it. ${driverRemedy}`
        : `It is run by the system's own driver (${driver}), which cannot compute with CUDA. ${driverRemedy}`
  return isOffered('tensorflow-cuda', system) ? [why] : [why, ...notOnThisSystem(system)]
}

/** Of a card that is not NVIDIA's, on Linux; `driver` is the kernel's that has it, if any. */
export function openDriverSentences(
  vendor: 'amd' | 'intel',
  driver: string | null,
  system: SystemName,
): string[] {
  if (driver === 'vfio-pci') return ['It is handed on to a virtual machine, so nothing here can use it.']
  if (!isOffered('onnx-webgpu', system)) return [unused(system)]
  const other = vendor === 'amd' ? "AMD's ROCm is" : "Intel's oneAPI is"
  return [
    `On Linux only WebGPU (onnx-webgpu) uses it here; ${other} not built in.`,
    driver === null
      ? 'No driver of the system has it: update the system, then restart.'
      : 'WebGPU needs its Vulkan driver: on Ubuntu and Debian "sudo apt install mesa-vulkan-drivers", on Fedora "sudo dnf install mesa-vulkan-drivers".',
  ]
}

export function macSentences(system: SystemName): string[] {
  if (!isOffered('onnx-coreml', system)) return [unused(system)]
  return [
    'Core ML (onnx-coreml) and WebGPU (onnx-webgpu) use it; both come along.',
    "It shares the computer's memory, so what is free of that is what it has.",
  ]
}

/** By a person, in the Device Manager. */
export const switchedOff = 22

/** `trouble`: the number that Windows' Device Manager shows. */
export function windowsSentences(trouble: number): string[] {
  if (trouble === switchedOff) return ['It is switched off. Switch it on in the Device Manager.']
  if (trouble === 28)
    return ['It has no driver. Install the one of its maker, or let Windows Update find it, then restart.']
  if (trouble !== 0)
    return [
      `Windows says that it does not work (code ${trouble}). Install its driver anew, from its maker's site, then restart.`,
    ]
  return ['DirectML (onnx-directml) uses it, which comes along; so does WebGPU (onnx-webgpu).']
}

/** What is to be said of the whole computer where NVIDIA's tool tells of no cards; `driver` is that of the kernel. */
export function troubleSentence(
  state: Exclude<NvidiaAnswer['state'], 'cards'>,
  driver: string | null,
): string | null {
  const version = driver === null ? "NVIDIA's driver" : `NVIDIA's driver ${driver}`
  switch (state) {
    case 'no-devices':
      return `${version} is there, but finds no card. In a container, start it with its cards ("--gpus all"); else restart the computer and see that the card is not switched off or handed on to a virtual machine.`
    case 'mismatch':
      return `${version} was updated while the computer ran, and its parts do not fit each other any more. Restart the computer.`
    case 'silent':
      return `${version} gives no answer (nvidia-smi was silent for five seconds). Restart the computer; if it stays so, install the driver anew.`
    case 'strange':
      return `What ${version} says of its cards is not understood (nvidia-smi). Update the driver; until then they count as not there.`
    case 'no-driver':
      return driver === null
        ? null
        : `${version} is loaded, but its tool cannot speak to it. Restart the computer.`
    case 'no-tool':
      return driver === null
        ? null
        : `${version} is loaded, but its tool nvidia-smi is missing, without which the cards are not known. Install it: on Ubuntu "sudo apt install nvidia-utils-${driver.split('.')[0]}", on Debian "sudo apt install nvidia-smi".`
  }
}

export const noCardSentence = 'No graphics card that can compute was found: the processor does the work.'
