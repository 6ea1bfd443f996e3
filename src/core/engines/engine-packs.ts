// The engines that can be fetched, as facts: which published files they are made of, by their hashes, and which parts of
// those are kept. Sizes and hashes are those of the package index's own report (docs/devices.md says how they were found).
import { type DeviceId, deviceFacts, type EngineId } from '#shared/devices.ts'
import type { PublishedWheel } from '../models/wheel.ts'

/** A file of a wheel, where it goes below the engine's folder, and its size there. */
export interface PackMember {
  readonly member: string
  readonly place: string
  readonly sizeBytes: number
}

export interface PackWheel extends PublishedWheel {
  readonly members: readonly PackMember[]
}

export interface EnginePack {
  readonly id: EngineId
  readonly name: string
  readonly version: string
  readonly purpose: string
  readonly licences: readonly string[]
  /** As `${process.platform} ${process.arch}`. */
  readonly systems: readonly string[]
  readonly wheels: readonly PackWheel[]
  /** What is put beside the wheels' files: the binding of tfjs-node-gpu, or onnxruntime-node itself. */
  readonly beside: 'tensorflow-binding' | 'onnxruntime-node'
  readonly besideBytes: number
}

/** A wheel has one name for all systems that it is for; pip takes the first that fits. */
const platforms = ['2_28', '2_27', '2_17', '2014', '2_12', '2010', '2_5', '1'].map((tag) =>
  tag.includes('_') ? `manylinux_${tag}_x86_64` : `manylinux${tag}_x86_64`,
)
const pipOptions = [
  '--only-binary=:all:',
  '--no-cache-dir',
  ...['--python-version', '3.12'],
  ...platforms.flatMap((platform) => ['--platform', platform]),
]

interface WheelFacts extends Pick<PublishedWheel, 'name' | 'version'> {
  /** After name and version. */
  readonly tag: string
  readonly sizeBytes: number
  readonly sha256: string
  /** Folder in the wheel, folder in the engine, and the files with their sizes. */
  readonly from: string
  readonly to: string
  readonly files: Readonly<Record<string, number>>
}

function wheel({ name, version, tag, sizeBytes, sha256, from, to, files }: WheelFacts): PackWheel {
  const fileName = `${name.replaceAll('-', '_')}-${version}-${tag}_x86_64.whl`
  return {
    name,
    version,
    pipOptions,
    wheel: { name: fileName, sizeBytes, sha256 },
    otherWay: `bring the file ${fileName} and give it with: tunewright engines add ENGINE --file FILE`,
    members: Object.entries(files).map(([file, bytes]) => ({
      member: `${from}/${file}`,
      place: to === '' ? file : `${to}/${file}`,
      sizeBytes: bytes,
    })),
  }
}

/** One of NVIDIA's for CUDA 12, laid out as TensorFlow's libraries look for them: beside deps/lib. */
const forTensorflow = (folder: string, facts: Omit<WheelFacts, 'from' | 'to'>): PackWheel =>
  wheel({ ...facts, from: `nvidia/${folder}/lib`, to: `deps/nvidia/${folder}/lib` })

/** One of NVIDIA's for CUDA 13, all in one folder: ONNX Runtime's library names no place (engine-environment.ts). */
const forOnnx = (folder: string, facts: Omit<WheelFacts, 'from' | 'to'>): PackWheel =>
  wheel({ ...facts, from: `nvidia/${folder}/lib`, to: 'cuda' })

const systemsOf = (id: EngineId): readonly string[] => [
  ...new Set(
    (Object.keys(deviceFacts) as DeviceId[]).flatMap((device) =>
      deviceFacts[device].engine === id ? deviceFacts[device].systems : [],
    ),
  ),
]

export const tensorflowVersion = '2.21.0'
const ofTensorflow = { version: tensorflowVersion, from: 'tensorflow', tag: 'cp312-cp312-manylinux_2_27' }
const tensorflowLicence = 'TensorFlow and tfjs-node-gpu: Apache-2.0'
const nvidiaLicence = "NVIDIA's CUDA libraries and cuDNN: NVIDIA's own licence, not open source"

const tensorflow: EnginePack = {
  id: 'tensorflow',
  name: 'TensorFlow',
  version: tensorflowVersion,
  purpose:
    'Trains on the processor. On processors that multiply in bfloat16 (AVX512_BF16 or AMX) it can be faster than what comes with the program.',
  licences: [tensorflowLicence],
  systems: systemsOf('tensorflow'),
  beside: 'tensorflow-binding',
  besideBytes: 85_544,
  wheels: [
    wheel({
      ...ofTensorflow,
      name: 'tensorflow-cpu',
      sizeBytes: 274_000_871,
      sha256: 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
      to: 'deps/lib',
      files: {
        'libtensorflow_cc.so.2': 788_086_608,
        'libtensorflow_framework.so.2': 65_222_328,
        'THIRD_PARTY_NOTICES.txt': 466_978,
      },
    }),
  ],
}

/** Without NCCL, CUPTI, NVRTC, cuRAND and the compiler: for several cards in one run, profiling and XLA, which we do not use. */
const tensorflowCuda: EnginePack = {
  id: 'tensorflow-cuda',
  name: 'TensorFlow for NVIDIA cards',
  version: tensorflowVersion,
  purpose:
    "Trains on an NVIDIA card. Needs a card of 2018 or newer (compute capability 7.5; older cards from 6.0 on may not work, because NVIDIA's cuDNN has left them out) and NVIDIA's driver 525 or newer.",
  licences: [tensorflowLicence, nvidiaLicence],
  systems: systemsOf('tensorflow-cuda'),
  beside: 'tensorflow-binding',
  besideBytes: 85_544,
  wheels: [
    wheel({
      ...ofTensorflow,
      name: 'tensorflow',
      sizeBytes: 572_611_111,
      sha256: 'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
      to: 'deps/lib',
      files: {
        'libtensorflow_cc.so.2': 1_096_372_272,
        'libtensorflow_framework.so.2': 162_648_808,
        'THIRD_PARTY_NOTICES.txt': 466_978,
      },
    }),
    forTensorflow('cuda_runtime', {
      name: 'nvidia-cuda-runtime-cu12',
      version: '12.9.79',
      tag: 'py3-none-manylinux2014_x86_64.manylinux_2_17',
      sizeBytes: 3_493_179,
      sha256: '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
      files: { 'libcudart.so.12': 741_088 },
    }),
    forTensorflow('cublas', {
      name: 'nvidia-cublas-cu12',
      version: '12.9.3.13',
      tag: 'py3-none-manylinux_2_27',
      sizeBytes: 581_217_458,
      sha256: 'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
      files: { 'libcublas.so.12': 105_140_976, 'libcublasLt.so.12': 749_169_616 },
    }),
    forTensorflow('cudnn', {
      name: 'nvidia-cudnn-cu12',
      version: '9.28.0.42',
      tag: 'py3-none-manylinux_2_27',
      sizeBytes: 716_538_495,
      sha256: '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
      files: {
        'libcudnn.so.9': 137_432,
        'libcudnn_adv.so.9': 232_904_280,
        'libcudnn_cnn.so.9': 4_203_992,
        'libcudnn_engines_precompiled.so.9': 559_964_512,
        'libcudnn_engines_runtime_compiled.so.9': 48_269_792,
        'libcudnn_engines_tensor_ir.so.9': 2_099_128,
        'libcudnn_ext.so.9': 10_492_448,
        'libcudnn_graph.so.9': 115_563_344,
        'libcudnn_heuristic.so.9': 96_473_944,
        'libcudnn_ops.so.9': 92_284_600,
      },
    }),
    forTensorflow('cufft', {
      name: 'nvidia-cufft-cu12',
      version: '11.4.1.4',
      tag: 'py3-none-manylinux2014_x86_64.manylinux_2_17',
      sizeBytes: 200_877_592,
      sha256: 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
      files: { 'libcufft.so.11': 291_507_928 },
    }),
    forTensorflow('cusolver', {
      name: 'nvidia-cusolver-cu12',
      version: '11.7.5.82',
      tag: 'py3-none-manylinux_2_27',
      sizeBytes: 338_117_415,
      sha256: '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
      files: { 'libcusolver.so.11': 302_024_152 },
    }),
    forTensorflow('cusparse', {
      name: 'nvidia-cusparse-cu12',
      version: '12.5.10.65',
      tag: 'py3-none-manylinux2014_x86_64.manylinux_2_17',
      sizeBytes: 366_465_088,
      sha256: '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
      files: { 'libcusparse.so.12': 486_556_368 },
    }),
    forTensorflow('nvjitlink', {
      name: 'nvidia-nvjitlink-cu12',
      version: '12.9.86',
      tag: 'py3-none-manylinux2010_x86_64.manylinux_2_12',
      sizeBytes: 39_748_338,
      sha256: 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
      files: { 'libnvJitLink.so.12': 95_935_344 },
    }),
  ],
}

/** Where Node looks for onnxruntime-node from a file of the engine's folder. */
const runtimeFolder = 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64'

/** Without cuFFT, NVRTC and TensorRT, which are loaded only where a graph needs them; ours do not. */
const onnxCuda: EnginePack = {
  id: 'onnx-cuda',
  name: 'ONNX Runtime for NVIDIA cards',
  version: '1.30.0',
  purpose:
    "Trains on an NVIDIA card. Needs a card of 2018 or newer (compute capability 7.5) and NVIDIA's driver 580 or newer.",
  licences: ['ONNX Runtime: MIT', nvidiaLicence],
  systems: systemsOf('onnx-cuda'),
  beside: 'onnxruntime-node',
  besideBytes: 46_295_145,
  wheels: [
    wheel({
      name: 'onnxruntime-gpu',
      version: '1.30.0',
      tag: 'cp312-cp312-manylinux_2_28',
      sizeBytes: 246_685_715,
      sha256: '6acc0f4b3d5ac5f2984432faa59dd8fcce6775f8b43a7140afa0f322c7a703b1',
      from: 'onnxruntime/capi',
      to: runtimeFolder,
      files: {
        'libonnxruntime_providers_cuda.so': 272_049_904,
        'libonnxruntime_providers_shared.so': 14_632,
      },
    }),
    forOnnx('cu13', {
      name: 'nvidia-cuda-runtime',
      version: '13.5.37',
      tag: 'py3-none-manylinux2014_x86_64.manylinux_2_17',
      sizeBytes: 2_504_024,
      sha256: 'df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d',
      files: { 'libcudart.so.13': 806_720 },
    }),
    forOnnx('cu13', {
      name: 'nvidia-cublas',
      version: '13.10.0.20',
      tag: 'py3-none-manylinux1_x86_64.manylinux_2_5',
      sizeBytes: 444_289_903,
      sha256: 'dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84',
      files: { 'libcublas.so.13': 57_282_152, 'libcublasLt.so.13': 551_653_208 },
    }),
    forOnnx('cu13', {
      name: 'nvidia-curand',
      version: '10.4.5.25',
      tag: 'py3-none-manylinux_2_27',
      sizeBytes: 77_113_015,
      sha256: '22bb226a857e5888fe6b54ae465fc4371296bcff13a35f79e19691bcf454f529',
      files: { 'libcurand.so.10': 104_860_296 },
    }),
    forOnnx('cudnn', {
      name: 'nvidia-cudnn-cu13',
      version: '9.28.1.4',
      tag: 'py3-none-manylinux_2_27',
      sizeBytes: 516_817_937,
      sha256: 'a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec',
      files: {
        'libcudnn.so.9': 137_432,
        'libcudnn_adv.so.9': 92_392_360,
        'libcudnn_cnn.so.9': 4_204_144,
        'libcudnn_engines_precompiled.so.9': 260_072_128,
        'libcudnn_engines_runtime_compiled.so.9': 41_978_752,
        'libcudnn_engines_tensor_ir.so.9': 249_581_552,
        'libcudnn_ext.so.9': 10_492_592,
        'libcudnn_graph.so.9': 149_118_552,
        'libcudnn_heuristic.so.9': 96_473_968,
        'libcudnn_ops.so.9': 35_661_648,
      },
    }),
  ],
}

const packs: Readonly<Record<EngineId, EnginePack>> = {
  tensorflow,
  'tensorflow-cuda': tensorflowCuda,
  'onnx-cuda': onnxCuda,
}

export const enginePack = (id: EngineId): EnginePack => packs[id]

export const downloadBytes = ({ wheels }: EnginePack): number =>
  wheels.reduce((sum, { wheel: { sizeBytes } }) => sum + sizeBytes, 0)

export const diskBytes = ({ wheels, besideBytes }: EnginePack): number =>
  wheels.flatMap(({ members }) => members).reduce((sum, { sizeBytes }) => sum + sizeBytes, besideBytes)
