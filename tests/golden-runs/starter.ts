// The starter model on a backend, the ONNX one where none is named, beside the figures that transformers and PEFT gave for the same weights.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import type { Backend } from '#engine/backend-port.ts'
import type { BuiltGraph, ModelConfig, ReadWeight, Session } from '#engine/index.ts'
import { locateWeights, openWeights } from '#processes/scorer/model-folder.ts'
import { unwrap } from '#shared/result.ts'
import { prepareStarterWeights } from '../../bench/starter-weights.ts'
import { findShared, findStarterGguf } from '../support/models.ts'

/** Where golden figures and model were found; null skips the test, with the finders' notice. */
export function findGolden(folder: string): { readonly folder: string; readonly ggufPath: string } | null {
  const golden = findShared(`goldens/${folder}`)
  const ggufPath = golden ? findStarterGguf() : null
  return golden && ggufPath ? { folder: golden, ggufPath } : null
}

export interface Starter {
  readonly config: ModelConfig
  /** A weight of the model by its Hugging Face name. */
  readonly read: ReadWeight
  compile(built: BuiltGraph, backend?: Backend): Promise<Session>
}

export async function openStarter(ggufPath: string, positions: number): Promise<Starter> {
  const { folder, config } = await prepareStarterWeights(ggufPath)
  return {
    config,
    async read(name) {
      const weights = await openWeights(folder)
      try {
        return await weights.read(name)
      } finally {
        await weights.close()
      }
    },
    async compile(built, backend = createOnnxBackend()) {
      const weights = await locateWeights(folder, config, built, positions)
      const options = { threads: 2, weights, workFolder: folder }
      return unwrap(await backend.compile(built.graph, options))
    },
  }
}

export const readJson = <T>(folder: string, name: string): T =>
  JSON.parse(readFileSync(join(folder, name), 'utf8')) as T
