// The starter model on the ONNX backend, beside the figures that transformers and PEFT gave for the same weights.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import type { BuiltGraph, ModelConfig, Session, Tensor } from '#engine/index.ts'
import { bytesAsSource } from '#formats/byte-source.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { locateWeights, prepareStarterWeights } from '../../bench/starter-weights.ts'
import { findShared, findStarterGguf } from '../support/models.ts'

/** Where golden figures and model were found; null skips the test, with the finders' notice. */
export function findGolden(folder: string): { readonly folder: string; readonly ggufPath: string } | null {
  const golden = findShared(`goldens/${folder}`)
  const ggufPath = golden ? findStarterGguf() : null
  return golden && ggufPath ? { folder: golden, ggufPath } : null
}

export interface Starter {
  readonly config: ModelConfig
  compile(built: BuiltGraph): Promise<Session>
}

export async function openStarter(ggufPath: string, positions: number): Promise<Starter> {
  const { folder, config } = await prepareStarterWeights(ggufPath)
  const weights = await locateWeights(folder, config, positions)
  return {
    config,
    compile: async ({ graph }) =>
      unwrap(await createOnnxBackend().compile(graph, { threads: 2, weights, workFolder: folder })),
  }
}

/** Float32 tensors of a small safetensors file, names passed through `rename`. */
export async function readTensors(
  path: string,
  rename: (name: string) => string = (name) => name,
): Promise<Map<string, Float32Array>> {
  const source = bytesAsSource(path, readFileSync(path))
  const { tensors } = unwrap(await readSafetensorsHeader(source))
  const values = new Map<string, Float32Array>()
  for (const [name, entry] of tensors) values.set(rename(name), unwrap(await readFloat32(source, entry)))
  return values
}

/** An int32 tensor of a small safetensors file. */
export async function readWholeNumbers(path: string, name: string): Promise<Int32Array> {
  const bytes = readFileSync(path)
  const { tensors } = unwrap(await readSafetensorsHeader(bytesAsSource(path, bytes)))
  const entry = tensors.get(name)
  if (entry?.dtype !== 'I32') throw new Error(`${path} has no int32 tensor ${name}`)
  return new Int32Array(bytes.buffer.slice(bytes.byteOffset + entry.offsetBytes).slice(0, entry.lengthBytes))
}

export const withoutPeftPrefix = (name: string): string => name.replace('base_model.model.', '')

export const readJson = <T>(folder: string, name: string): T =>
  JSON.parse(readFileSync(join(folder, name), 'utf8')) as T

export function wholeTensor(shape: readonly number[], numbers: readonly number[]): Tensor {
  return { dtype: 'int64', shape, data: BigInt64Array.from(numbers, BigInt) }
}
