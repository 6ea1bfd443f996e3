// What a person reads for a device, within a sentence: "the processor", "the NVIDIA card with TensorFlow".
import type { DeviceId } from './devices.ts'

const names: Readonly<Record<DeviceId, string>> = {
  cpu: 'the processor',
  'tensorflow-cpu': 'the processor with TensorFlow',
  'tensorflow-cpu-bf16': 'the processor with TensorFlow in 16 bits (bfloat16)',
  'tensorflow-cuda': 'the NVIDIA card with TensorFlow',
  'tensorflow-cuda-bf16': 'the NVIDIA card with TensorFlow in 16 bits (bfloat16)',
  'onnx-cuda': 'the NVIDIA card with ONNX Runtime (CUDA)',
  'onnx-directml': 'the graphics card with DirectML',
  'onnx-coreml': "Apple's graphics with Core ML",
  'onnx-webgpu': 'the graphics card with WebGPU',
}

export const deviceName = (device: DeviceId): string => names[device]

/** The remedy where nothing better is here, in the terminal's word; screens choose the processor by themselves. */
export const onTheProcessor = 'Train on the processor (device cpu).'
