// The execution providers of ONNX Runtime that this backend asks for: on what, in which precision, what their names are, and
// what it means when the runtime cannot make one. Pure.
import type { Backend } from '#engine/backend-port.ts'
import { ProblemError } from '#shared/result.ts'
import type { Dialect } from './node-writer.ts'

export type Provider = 'cpu' | 'webgpu' | 'cuda' | 'directml' | 'coreml'

interface ProviderFacts {
  /** As the runtime calls it, with its options (its documentation, 1.30). */
  readonly settings: { readonly name: string } & Readonly<Record<string, string | number>>
  readonly dialect: Dialect
  /** Behind the runtime's name and version in the backend's. */
  readonly label: string
  readonly determinism: Backend['determinism']
  /**
   * Numbers of half precision become float32 once, on the processor, and stay on the card so: WebGPU knows no bfloat16, and
   * float16 on some cards only; cast in the graph they would go to the card anew in every run.
   */
  readonly isHalfWidened: boolean
  /** What must be there for it, and where it comes from. */
  readonly remedy: string
}

const ofAnyOrder = 'repeatable within 1e-5'
const onProcessor = 'Until then compute on the processor: --device cpu.'

export const providerFacts: Readonly<Record<Provider, ProviderFacts>> = {
  cpu: {
    settings: { name: 'cpu' },
    dialect: 'cpu',
    label: 'cpu',
    determinism: 'bit-exact on this machine',
    isHalfWidened: false,
    remedy: 'Install the program again.',
  },
  webgpu: {
    // With the other layout the runtime moves Transposes through the graph, though its optimizer is off.
    settings: { name: 'webgpu', preferredLayout: 'NCHW' },
    dialect: 'portable',
    label: 'webgpu',
    determinism: ofAnyOrder,
    isHalfWidened: true,
    remedy: `Install the newest driver of the graphics card, on Linux with Vulkan (a package such as mesa-vulkan-drivers, and libvulkan1). ${onProcessor}`,
  },
  cuda: {
    // The Node binding hands on nothing but the number (session_options_helper.cc, 1.30): TF32 and an arena that grows by
    // doubling are the runtime's defaults.
    settings: { name: 'cuda', deviceId: 0 },
    dialect: 'portable',
    label: 'cuda, tf32 products',
    determinism: ofAnyOrder,
    isHalfWidened: false,
    remedy: `Install NVIDIA's newest driver, and the engine: tunewright engines add onnx-cuda. ${onProcessor}`,
  },
  directml: {
    settings: { name: 'dml', deviceId: 0 },
    dialect: 'portable',
    label: 'directml',
    determinism: ofAnyOrder,
    isHalfWidened: false,
    remedy: `DirectML is part of Windows: install its updates and the newest driver of the graphics card. ${onProcessor}`,
  },
  coreml: {
    settings: { name: 'coreml' },
    dialect: 'portable',
    label: 'coreml',
    determinism: ofAnyOrder,
    isHalfWidened: false,
    remedy: `CoreML is part of macOS: install its updates. ${onProcessor}`,
  },
}

/** Only providers that know cards by number are told one. */
export function providerSettings(provider: Provider, card?: number): ProviderFacts['settings'] {
  const { settings } = providerFacts[provider]
  return card !== undefined && 'deviceId' in settings ? { ...settings, deviceId: card } : settings
}

/** What the runtime says where it has no such provider, or the computer nothing that it could use. */
const missing: readonly RegExp[] = [
  /is unsupported: '|backend not found|no available backend found/,
  // WebGPU
  /Failed to get a WebGPU adapter|No supported adapters|Failed to get a WebGPU device/,
  // CUDA: 35 the driver is too old, 100 there is no card, 803 the driver does not fit the system.
  /CUDA failure (?:35|100|803)\b|CUDA_ERROR_NO_DEVICE|no CUDA-capable device|driver version is insufficient/i,
  /Failed to load (?:shared )?library|cannot open shared object file|Error loading ".*onnxruntime_providers/i,
  // DirectML: DXGI_ERROR_NOT_FOUND, DXGI_ERROR_UNSUPPORTED.
  /\b887A000[24]\b|No GPUs? (?:was|were|found|available)/i,
]

export const isMissing = (error: unknown): boolean => {
  const text = error instanceof Error ? error.message : String(error)
  return missing.some((pattern) => pattern.test(text))
}

export const missingDevice = (provider: Provider, details: string): ProblemError =>
  new ProblemError({
    code: 'device.missing',
    message: 'This computer has no graphics card that can be used in this way, or its driver is missing.',
    where: `ONNX Runtime, ${providerFacts[provider].label}`,
    remedy: providerFacts[provider].remedy,
    details,
  })
