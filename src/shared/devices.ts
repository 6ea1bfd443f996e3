// What a run can be computed on: a runtime on a kind of hardware in a precision. Facts only; whether this computer has one
// is found out by core/devices.
import { z } from 'zod'

export const deviceIds = [
  'cpu',
  'tensorflow-cpu',
  'tensorflow-cpu-bf16',
  'tensorflow-cuda',
  'tensorflow-cuda-bf16',
  'onnx-cuda',
  'onnx-directml',
  'onnx-coreml',
  'onnx-webgpu',
] as const
export const deviceId = z.enum(deviceIds)
export type DeviceId = z.output<typeof deviceId>

/** Runtimes that are fetched when they are asked for. */
export const engineIds = ['tensorflow', 'tensorflow-cuda', 'onnx-cuda'] as const
export const engineId = z.enum(engineIds)
export type EngineId = z.output<typeof engineId>

export interface DeviceFacts {
  readonly runtime: 'onnx' | 'tensorflow'
  readonly hardware: 'processor' | 'graphics'
  /** What products with frozen weights are computed in. tf32: float32 with 10 bits of mantissa, of NVIDIA's cards. */
  readonly products: 'float32' | 'bfloat16' | 'tf32'
  /** The engine it needs; null where it comes with the program. */
  readonly engine: EngineId | null
  /**
   * As `${process.platform} ${process.arch}`; empty for all. What comes with the program is offered where onnxruntime-node
   * 1.30 has a library that holds it: that of Linux on ARM has no WebGPU, and there is none for Macs with Intel processors.
   */
  readonly systems: readonly string[]
}

export const deviceFacts: Readonly<Record<DeviceId, DeviceFacts>> = {
  cpu: { runtime: 'onnx', hardware: 'processor', products: 'float32', engine: null, systems: [] },
  'tensorflow-cpu': {
    runtime: 'tensorflow',
    hardware: 'processor',
    products: 'float32',
    engine: 'tensorflow',
    systems: ['linux x64'],
  },
  'tensorflow-cpu-bf16': {
    runtime: 'tensorflow',
    hardware: 'processor',
    products: 'bfloat16',
    engine: 'tensorflow',
    systems: ['linux x64'],
  },
  'tensorflow-cuda': {
    runtime: 'tensorflow',
    hardware: 'graphics',
    products: 'tf32',
    engine: 'tensorflow-cuda',
    systems: ['linux x64'],
  },
  'tensorflow-cuda-bf16': {
    runtime: 'tensorflow',
    hardware: 'graphics',
    products: 'bfloat16',
    engine: 'tensorflow-cuda',
    systems: ['linux x64'],
  },
  'onnx-cuda': {
    runtime: 'onnx',
    hardware: 'graphics',
    products: 'tf32',
    engine: 'onnx-cuda',
    systems: ['linux x64'],
  },
  'onnx-directml': {
    runtime: 'onnx',
    hardware: 'graphics',
    products: 'float32',
    engine: null,
    systems: ['win32 x64', 'win32 arm64'],
  },
  'onnx-coreml': {
    runtime: 'onnx',
    hardware: 'graphics',
    products: 'float32',
    engine: null,
    systems: ['darwin arm64'],
  },
  'onnx-webgpu': {
    runtime: 'onnx',
    hardware: 'graphics',
    products: 'float32',
    engine: null,
    systems: ['linux x64', 'darwin arm64', 'win32 x64', 'win32 arm64'],
  },
}
