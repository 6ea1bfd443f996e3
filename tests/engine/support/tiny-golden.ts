// The tiny Llama of ../shared/goldens (random weights, made with transformers and PEFT), read as feeds of our graphs.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ModelConfig, NumericTensor } from '../../../src/engine/index.ts'
import { parseModelConfig, ropeTables } from '../../../src/engine/index.ts'
import { bytesAsSource } from '../../../src/formats/byte-source.ts'
import { readFloat32, readSafetensorsHeader } from '../../../src/formats/safetensors.ts'
import { unwrap } from '../../../src/shared/result.ts'
import { findShared } from '../../support/models.ts'
import { wholeTensor } from './numbers.ts'

export interface TinyGolden {
  readonly input_ids: readonly (readonly number[])[]
  readonly attention_mask: readonly (readonly number[])[]
  readonly labels: readonly (readonly number[])[]
  readonly loss: number
  readonly logits: readonly number[]
  readonly grad_norm: Readonly<Record<string, number>>
  readonly grad_norm_total: number
  readonly lora: {
    readonly r: number
    readonly alpha: number
    readonly loss: number
    readonly last_logits_row0: readonly number[]
    readonly grad_norm: Readonly<Record<string, number>>
  }
}

export const tinyFolder = findShared('goldens/tiny/llama_rope_llama3')

const inFolder = (...path: readonly string[]): string => join(tinyFolder ?? '', ...path)

export function readTinyGolden(): TinyGolden {
  return JSON.parse(readFileSync(inFolder('golden.json'), 'utf8'))
}

export function readTinyConfig(): ModelConfig {
  return unwrap(parseModelConfig(JSON.parse(readFileSync(inFolder('config.json'), 'utf8'))))
}

/** Every tensor of a safetensors file, names passed through `rename`. */
async function readTensors(
  path: string,
  rename: (name: string) => string,
): Promise<Map<string, NumericTensor>> {
  if (!existsSync(path)) throw new Error(`${path} is missing`)
  const source = bytesAsSource(path, readFileSync(path))
  const header = unwrap(await readSafetensorsHeader(source))
  const tensors = new Map<string, NumericTensor>()
  for (const [name, entry] of header.tensors)
    tensors.set(rename(name), { shape: entry.shape, data: unwrap(await readFloat32(source, entry)) })
  return tensors
}

const withoutPeftPrefix = (name: string): string => name.replace('base_model.model.', '')

export const readTinyWeights = () => readTensors(inFolder('model.safetensors'), (name) => name)
export const readTinyAdapter = () =>
  readTensors(inFolder('adapter', 'adapter_model.safetensors'), withoutPeftPrefix)
export const readTinyAdapterGradients = () =>
  readTensors(inFolder('lora_grads.safetensors'), withoutPeftPrefix)

export function ropeFeeds(config: ModelConfig, positions: number): Map<string, NumericTensor> {
  const { cos, sin } = ropeTables(config, positions)
  const shape = [positions, config.headWidth / 2]
  return new Map([
    ['rope.cos', { shape, data: cos }],
    ['rope.sin', { shape, data: sin }],
  ])
}

/** ids and positions [B,S] of rows of equal length. */
export function batchFeeds(ids: readonly (readonly number[])[]): Map<string, NumericTensor> {
  const positions = ids[0]?.length ?? 0
  const shape = [ids.length, positions]
  return new Map([
    ['ids', wholeTensor(shape, ids.flat())],
    [
      'positions',
      wholeTensor(
        shape,
        ids.flatMap((row) => row.map((_, place) => place)),
      ),
    ],
  ])
}

/**
 * rows, targets and weights of each chunk for labels [B,S] (-100: not labelled): position s predicts label s+1, and
 * every labelled target weighs 1 / number of labelled targets, so that the losses add up to their mean.
 */
export function labelFeeds(
  labels: readonly (readonly number[])[],
  chunks: number,
): Map<string, NumericTensor> {
  const width = labels[0]?.length ?? 0
  const labelled = labels.flatMap((row, b) =>
    row.flatMap((label, s) => (s > 0 && label !== -100 ? [{ row: b * width + s - 1, target: label }] : [])),
  )
  const perChunk = Math.ceil(labelled.length / chunks)
  const feeds = new Map<string, NumericTensor>()
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    const part = labelled.slice(chunk * perChunk, (chunk + 1) * perChunk)
    feeds.set(
      `rows.${chunk}`,
      wholeTensor(
        [part.length],
        part.map(({ row }) => row),
      ),
    )
    feeds.set(
      `targets.${chunk}`,
      wholeTensor(
        [part.length],
        part.map(({ target }) => target),
      ),
    )
    feeds.set(`weights.${chunk}`, {
      shape: [part.length],
      data: new Float64Array(part.length).fill(1 / labelled.length),
    })
  }
  return feeds
}
