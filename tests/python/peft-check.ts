// Exports an adapter as a person would, computes logits with our engine, and has Hugging Face PEFT compare both.

import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { exportPeft } from '#core/export/export-peft.ts'
import { readAdapter } from '#core/models/adapter-folder.ts'
import { readModelConfig } from '#core/models/model-json.ts'
import { sha256File } from '#core/system/durable-files.ts'
import { buildLogitsGraph, type MethodSpec, type Tensor } from '#engine/index.ts'
import { encodeSafetensors } from '#formats/safetensors.ts'
import { locateWeights } from '#processes/scorer/model-folder.ts'
import { unwrap } from '#shared/result.ts'
import { cardFacts } from '../core/export/card-facts.ts'

const script = fileURLToPath(new URL('./peft_check.py', import.meta.url))

export interface PeftFigures {
  readonly tensors: number
  readonly unequal: readonly string[]
  readonly base_difference: number
  readonly tuned_difference: number
  /** How much the adapter changes: the differences above must be far below it to mean anything. */
  readonly tuned_minus_base: number
}

/** `runFolder` holds adapter/; files are made below `home`. */
export async function checkWithPeft(
  python: string,
  folders: { readonly model: string; readonly run: string; readonly home: string },
  ids: readonly number[],
): Promise<PeftFigures> {
  const exported = await exportRun(folders)
  const logits = join(folders.home, 'logits.safetensors')
  writeFileSync(logits, await ourLogits(folders, ids))
  const { stdout } = await promisify(execFile)(python, [script, folders.model, exported, logits], {
    env: { ...process.env, HF_HUB_OFFLINE: '1', TRANSFORMERS_OFFLINE: '1' },
    timeout: 600_000,
  })
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as PeftFigures
}

async function exportRun(folders: { model: string; run: string; home: string }): Promise<string> {
  const exportsFolder = join(folders.home, 'exports')
  mkdirSync(exportsFolder, { recursive: true })
  const adapterSha256 = await sha256File(join(folders.run, 'adapter', 'adapter_model.safetensors'))
  const baseModel = { ...cardFacts.baseModel, name: folders.model, revision: null }
  const card = { ...cardFacts, baseModel }
  const spec = { runFolder: folders.run, adapterSha256, exportsFolder, name: 'check', card }
  return unwrap(await exportPeft(spec)).folder
}

async function ourLogits(
  folders: { model: string; run: string; home: string },
  ids: readonly number[],
): Promise<Uint8Array> {
  const config = await readModelConfig(folders.model)
  const adapter = await readAdapter(join(folders.run, 'adapter'), config)
  const whole = (numbers: readonly number[], shape: readonly number[]): Tensor => ({
    dtype: 'int64',
    shape,
    data: BigInt64Array.from(numbers, BigInt),
  })
  const places = ids.map((_, place) => place)
  const compute = async (method: MethodSpec, parameters: ReadonlyMap<string, Tensor>) => {
    const built = buildLogitsGraph(config, method)
    const weights = await locateWeights(folders.model, config, built, ids.length)
    const options = { threads: 1, weights, workFolder: folders.home }
    const session = unwrap(await createOnnxBackend().compile(built.graph, options))
    const outputs = await session.run(
      new Map([
        ['ids', whole(ids, [1, ids.length])],
        ['positions', whole(places, [1, ids.length])],
        ['rows', whole(places, [ids.length])],
        ...parameters,
      ]),
    )
    const data = Float32Array.from(outputs.get('logits')!.data as Float32Array)
    await session.dispose()
    return { shape: [ids.length, config.vocabulary], data }
  }
  return encodeSafetensors(
    new Map<string, { shape: number[]; data: Float32Array | Int32Array }>([
      ['ids', { shape: [ids.length], data: Int32Array.from(ids) }],
      ['base', await compute({ kind: 'none' }, new Map())],
      ['tuned', await compute(adapter.method, adapter.tensors)],
    ]),
  )
}
