// The starter model on the ONNX backend, beside the figures that transformers and PEFT gave for the same weights.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import type { BuiltGraph, ModelConfig, Session } from '#engine/index.ts'
import { locateWeights } from '#processes/scorer/model-folder.ts'
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

export const readJson = <T>(folder: string, name: string): T =>
  JSON.parse(readFileSync(join(folder, name), 'utf8')) as T
