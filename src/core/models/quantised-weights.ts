// A model's weights in fewer bits, in a file beside the model's own: made on first use, checked by its hash and used
// again after that. Vocabulary tables are kept in 8 bits under every scheme; norms and biases stay in the model's file.
import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { layerLinears, type ModelConfig, parameterShapes, type QuantisedLocation } from '#engine/index.ts'
import { blockValues } from '#formats/quantise-blocks.ts'
import { dynamicMap, nf4BlockValues, nf4Levels } from '#formats/quantise-nf4.ts'
import {
  findParts,
  isQuantisable,
  type QuantisedScheme,
  quantisedChunks,
  type WeightToQuantise,
} from '#formats/quantised-weights.ts'
import { readFloat32, readSafetensorsHeader, type SafetensorsFile } from '#formats/safetensors.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { sha256File, sweepTemporary, writeFileDurably } from '../system/durable-files.ts'
import { type OpenFile, openFileBytes } from '../system/file-bytes.ts'
import { damagedModel } from './manifest.ts'

export interface QuantiseRequest {
  /** Of the model: with model.safetensors, whose SHA-256 the caller has checked. */
  readonly folder: string
  readonly weightsSha256: string
  readonly config: ModelConfig
  readonly scheme: QuantisedScheme
}

/** Written after the weights: a file without it, or with another hash, is made anew. */
interface QuantisedManifest {
  /** Of the arithmetic and the form of the file. */
  readonly version: 1
  readonly scheme: QuantisedScheme
  readonly weightsSha256: string
  readonly sizeBytes: number
  readonly sha256: string
}

/** Another process may be writing its own; that one is never silent for so long. */
const abandonedMs = 10 * 60_000

const weightsFile = 'model.safetensors'
const quantisedFile = (scheme: QuantisedScheme): string => `model.${scheme}.safetensors`
const manifestFile = (scheme: QuantisedScheme): string => `model.${scheme}.json`

/**
 * Where every weight lies that the scheme keeps in fewer bits: linear layers of the blocks in the scheme's, tables of the
 * vocabulary in 8. What is not in the map stays where it is (norms, biases, rows that are no whole blocks). Problems:
 * model.damaged, safetensors.invalid, disk.full, disk.failed, and those of reading.
 */
export function quantisedWeights(
  request: QuantiseRequest,
): Promise<Result<ReadonlyMap<string, QuantisedLocation>>> {
  return attemptAsync(async () => {
    const source = await openFileBytes(join(request.folder, weightsFile))
    try {
      const weights = chooseWeights(request, unwrap(await readSafetensorsHeader(source)))
      if (!(await isReady(request))) await write(request, source, weights)
      return await locate(request, weights)
    } finally {
      await source.close()
    }
  })
}

function chooseWeights(
  { config, scheme, folder }: QuantiseRequest,
  { tensors }: SafetensorsFile,
): readonly WeightToQuantise[] {
  const linears = new Set<string>()
  for (let layer = 0; layer < config.layers; layer += 1)
    for (const { path } of layerLinears(config, layer)) linears.add(`${path}.weight`)
  return parameterShapes(config).flatMap(({ name, shape }): WeightToQuantise[] => {
    const isTable = !linears.has(name) && shape.length === 2 && shape[0] === config.vocabulary
    const chosen = linears.has(name) ? scheme : isTable ? 'int8' : null
    if (chosen === null || !isQuantisable(chosen, shape)) return []
    const entry = tensors.get(name)
    if (!entry || entry.shape.join() !== shape.join())
      throw damaged(folder, weightsFile, `The weight ${name} is missing or misshaped.`)
    return [{ name, scheme: chosen, entry }]
  })
}

const damaged = (folder: string, file: string, message: string): ProblemError =>
  new ProblemError(damagedModel(`models/${basename(folder)}/${file}`, message))

type Kept = Pick<QuantiseRequest, 'folder' | 'scheme' | 'weightsSha256'>

/** Whether a copy of these weights lies there by its size: enough to say what comes, not to compute with it. */
export const areQuantised = async (kept: Kept): Promise<boolean> => (await keptSha256(kept)) !== null

async function isReady(kept: Kept): Promise<boolean> {
  const sha256 = await keptSha256(kept)
  if (sha256 === null) return false
  const path = join(kept.folder, quantisedFile(kept.scheme))
  return (await sha256File(path).catch(() => null)) === sha256
}

/** What a copy should hash to that has the size that was written; null where there is none. */
async function keptSha256({ folder, scheme, weightsSha256 }: Kept): Promise<string | null> {
  try {
    const text = await readFile(join(folder, manifestFile(scheme)), 'utf8')
    const manifest = JSON.parse(text) as QuantisedManifest
    if (manifest.version !== 1 || manifest.scheme !== scheme || manifest.weightsSha256 !== weightsSha256)
      return null
    const { size } = await stat(join(folder, quantisedFile(scheme)))
    return size === manifest.sizeBytes ? manifest.sha256 : null
  } catch {
    return null
  }
}

async function write(
  { folder, scheme, weightsSha256 }: QuantiseRequest,
  source: OpenFile,
  weights: readonly WeightToQuantise[],
): Promise<void> {
  await sweepTemporary(folder, abandonedMs)
  const chunks = quantisedChunks(source, weights, { format: `tunewright ${scheme} 1`, weightsSha256 })
  const written = await writeFileDurably(join(folder, quantisedFile(scheme)), chunks)
  const manifest: QuantisedManifest = { version: 1, scheme, weightsSha256, ...written }
  await writeFileDurably(join(folder, manifestFile(scheme)), `${JSON.stringify(manifest)}\n`)
}

async function locate(
  { folder, scheme }: QuantiseRequest,
  weights: readonly WeightToQuantise[],
): Promise<ReadonlyMap<string, QuantisedLocation>> {
  const file = await openFileBytes(join(folder, quantisedFile(scheme)))
  try {
    const header = unwrap(await readSafetensorsHeader(file))
    const locations = new Map<string, QuantisedLocation>()
    for (const weight of weights) locations.set(weight.name, await locateOne(folder, file, header, weight))
    return locations
  } finally {
    await file.close()
  }
}

async function locateOne(
  folder: string,
  file: OpenFile,
  header: SafetensorsFile,
  { name, scheme, entry: { shape } }: WeightToQuantise,
): Promise<QuantisedLocation> {
  const partsOf = <S extends QuantisedScheme>(of: S) => {
    const parts = findParts(header, { name, scheme: of, shape })
    if (parts === null) throw damaged(folder, file.name, `The weight ${name} is missing or misshaped.`)
    return parts
  }
  const place = { kind: 'quantised', folder, file: file.name, shape } as const
  if (scheme === 'int8') return { ...place, scheme, blockValues, ...partsOf(scheme) }
  if (scheme === 'int4') return { ...place, scheme, blockValues, ...partsOf(scheme) }
  const { absmaxOffset, ...parts } = partsOf(scheme)
  const offset = unwrap(await readFloat32(file, { dtype: 'F32', shape: [1], ...absmaxOffset }))
  const tables = { levels: nf4Levels, absmaxMap: dynamicMap }
  return { ...place, scheme, blockValues: nf4BlockValues, ...parts, absmaxOffset: offset[0]!, ...tables }
}
