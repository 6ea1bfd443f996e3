// Which model an exported adapter belongs to: the name and revision under which others find it, and honestly which copy
// of it was trained and measured here. Nothing is claimed that the model's manifest does not say.
import type { ModelConfig } from '#engine/index.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { hasStarterWeights, starterOnHub } from '../models/starter-files.ts'

export interface BaseModelFacts {
  /** What others can load: "owner/name" on the Hugging Face hub, or the name in the library. */
  readonly name: string
  /** Commit on the hub; null where the name is no name of the hub. */
  readonly revision: string | null
  readonly licence: string
  /** Hash of the weights as the library holds them. */
  readonly weightsSha256: string
  /** The copy that was trained and measured, as the end of a sentence; foreign text, not escaped. */
  readonly copy: string
  /** Whether that copy has the weights of the named model, or weights that were changed on the way (quantised). */
  readonly isExact: boolean
  /** It reads one text and writes another (T5): it is loaded by another class, and has no chat template. */
  readonly isTwoHalves: boolean
}

type Described = Pick<
  ModelManifest,
  'name' | 'licence' | 'weightsSha256' | 'weightType' | 'isStarter' | 'source'
>

export function baseModelFacts(model: Described, { kind }: Pick<ModelConfig, 'kind'>): BaseModelFacts {
  const { licence, weightsSha256 } = model
  return {
    ...publicName(model),
    ...{ licence, weightsSha256 },
    copy: describeCopy(model),
    isExact: isExact(model),
    isTwoHalves: kind === 'sequence-to-sequence',
  }
}

function publicName({ name, isStarter, source }: Described): { name: string; revision: string | null } {
  if (source.kind === 'hub') return { name: source.from, revision: source.revision }
  if (isStarter || hasStarterWeights(source.files))
    return { name: starterOnHub.repository, revision: starterOnHub.revision }
  return { name, revision: null }
}

const starterWeights = starterOnHub.files.find(({ name }) => name === 'model.safetensors')?.sha256

/** A folder given by hand is the hub's starter only if its weights have the hash of the hub's. */
function isExact({ isStarter, source }: Described): boolean {
  if (source.kind === 'hub') return true
  if (source.kind !== 'folder') return false
  return !isStarter || Object.values(source.files).some((hash) => hash === starterWeights)
}

function describeCopy({ source, weightType }: Described): string {
  const stored = `stored as ${weightType}`
  const gguf = Object.keys(source.files).find((name) => /\.gguf$/iu.test(name)) ?? source.from
  switch (source.kind) {
    case 'hub':
      return `the hub's own weights, ${stored}`
    case 'folder':
      return `the weights of the folder "${source.from}", ${stored}`
    case 'package':
      return `${quantisedCopy(gguf)} from the Python package ${source.from} (file ${gguf}), ${stored}`
    case 'gguf':
      return `${quantisedCopy(gguf)} (file ${gguf}), ${stored}`
  }
}

/** GGUF files carry their quantisation in their names by custom: "model.Q4_1.gguf", "model-Q4_K_M.gguf", "model-F16.gguf". */
const quantisation = /(?:^|[._-])((?:I?Q|BF|F)(\d{1,2})(?:_(?:[01K]|NL|X{0,2}S|M|X?L))*)(?=[._-]|$)/iu

function quantisedCopy(fileName: string): string {
  const [, type, bits] = quantisation.exec(fileName) ?? []
  return type && bits
    ? `${bits === '8' ? 'an' : 'a'} ${bits}-bit (${type.toUpperCase()}) copy`
    : 'a GGUF copy'
}
