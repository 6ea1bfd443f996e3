// A run that trains the model itself, through the trainer's own job: what it leaves is a model folder, measured as the run
// measured it; weights that were not trained are the base's, bit for bit.
import { writeFileSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { readSplit } from '#core/data/index.ts'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import { sha256File } from '#core/system/durable-files.ts'
import { openFileBytes } from '#core/system/file-bytes.ts'
import { narrowToBfloat16 } from '#formats/float16.ts'
import { readFloat32, readSafetensorsHeader, safetensorsChunks } from '#formats/safetensors.ts'
import { scoreRows } from '#processes/scorer/score-rows.ts'
import type { RowScore } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { writeTinyModel } from '../tiny-model.ts'
import { runJobHere } from './run-job-here.ts'
import { makeTestLibrary, messagesCsv, readJson, type TestLibrary } from './tiny-run.ts'
import { finishedOf } from './trainer-process.ts'

vi.setConfig({ testTimeout: 120_000 })

/** The tiny model with its matrices in bfloat16, as most published models have them. */
async function writeHalfModel(folder: string): Promise<string> {
  const path = join(writeTinyModel(folder), 'model.safetensors')
  const tensors = await readTensors(path)
  const inputs = [...tensors].map(([name, { shape, values }]) => ({
    name,
    dtype: 'BF16' as const,
    shape,
    read: () => narrowToBfloat16(values),
  }))
  const chunks: Uint8Array[] = []
  for await (const chunk of safetensorsChunks(inputs)) chunks.push(chunk)
  writeFileSync(path, Buffer.concat(chunks))
  writeFileSync(
    join(folder, 'config.json'),
    (await readFile(join(folder, 'config.json'), 'utf8')).replace('"float32"', '"bfloat16"'),
  )
  return folder
}

async function readTensors(path: string) {
  const file = await openFileBytes(path)
  try {
    const found = new Map<
      string,
      { dtype: string; shape: readonly number[]; values: Float32Array; bytes: Uint8Array }
    >()
    for (const [name, entry] of unwrap(await readSafetensorsHeader(file)).tensors)
      found.set(name, {
        dtype: entry.dtype,
        shape: entry.shape,
        values: unwrap(await readFloat32(file, entry)),
        bytes: await file.read(entry.offsetBytes, entry.lengthBytes),
      })
    return found
  } finally {
    await file.close()
  }
}

let tiny: TestLibrary
beforeAll(async () => {
  tiny = await makeTestLibrary(messagesCsv(60), async (library) => {
    const folder = await writeHalfModel(join(library.modelsFolder, 'half'))
    return { id: 'half', weightsSha256: await sha256File(join(folder, 'model.safetensors')) }
  })
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

const makeJob = (runId: string, topLayers: number | null): Promise<TrainerJob> =>
  tiny.makeJob(runId, {
    method: { kind: 'full', topLayers },
    duration: { epochs: 2 },
    evaluation: { everySteps: 5, patience: null },
    checkpoints: { everySeconds: null, everySteps: 100 },
  })

/** Mean loss of a labelled token of the validation rows, as the scorer measures the two. */
async function measured(job: TrainerJob, weightsSha256: string) {
  const scenario = scenarioOf(job.recipe.scenario)
  const rows = unwrap(await readSplit(job.datasetFolder, 'validation'))
    .flatMap((row) => scenario.toExamples(row, job.recipe.instruction))
    .map(({ rowId, prompt, answer }) => ({ rowId, prompt: [...prompt], answer }))
  const scores: RowScore[] = []
  await scoreRows(
    {
      modelFolder: job.modelFolder,
      tuned: { kind: 'model', folder: join(job.runFolder, 'model'), weightsSha256 },
      rows,
      threads: 1,
      maxTokens: 200,
      workFolder: tiny.library.cacheFolder,
      labels: null,
    },
    createOnnxBackend(),
    {
      emit: async (event) => {
        if (event.kind === 'scores') scores.push(...event.rows)
      },
      signal: new AbortController().signal,
    },
  )
  const tokens = scores.reduce((sum, { answerTokens }) => sum + answerTokens, 0)
  const mean = (side: 'base' | 'tuned') => scores.reduce((sum, row) => sum + row[side]!.lossNats, 0) / tokens
  return { base: mean('base'), tuned: mean('tuned'), rows: scores.length }
}

it('leaves a model that is measured as the run measured it, and goes on after a stop as if there was none', async () => {
  const job = await makeJob('whole', null)
  const finished = finishedOf(await runJobHere(job))
  const folder = join(job.runFolder, 'model')
  expect((await readdir(job.runFolder)).sort()).toEqual(['checkpoints', 'model'])
  expect(await sha256File(join(folder, 'model.safetensors'))).toBe(finished.adapterSha256)
  expect(await readJson(join(folder, 'config.json'))).toMatchObject({ torch_dtype: 'float32' })
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    expect(await readFile(join(folder, name))).toEqual(await readFile(join(job.modelFolder, name)))
  for (const { dtype } of (await readTensors(join(folder, 'model.safetensors'))).values())
    expect(dtype).toBe('F32')

  const { base, tuned, rows } = await measured(job, finished.adapterSha256!)
  expect(rows).toBeGreaterThan(5)
  expect(tuned).toBeCloseTo(finished.bestLossNats!, 4)
  expect(base).toBeGreaterThan(tuned + 0.5)

  const stopped = await makeJob('stopped', null)
  expect(finishedOf(await runJobHere(stopped, 3)).reason).toBe('cancelled')
  expect(finishedOf(await runJobHere(stopped)).adapterSha256).toBe(finished.adapterSha256)
})

it('copies what it does not train bit for bit, in the bits of the file', async () => {
  const job = await makeJob('upper', 1)
  const finished = finishedOf(await runJobHere(job))
  const before = await readTensors(join(job.modelFolder, 'model.safetensors'))
  const after = await readTensors(join(job.runFolder, 'model', 'model.safetensors'))
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort())
  const trained = [...after].filter(([, { dtype }]) => dtype === 'F32').map(([name]) => name)
  expect(trained.every((name) => /^model\.(layers\.1\.|norm\.)/.test(name))).toBe(true)
  expect(trained).toHaveLength(10)
  for (const [name, { dtype, bytes, values }] of after)
    if (dtype === 'BF16') expect(bytes).toEqual(before.get(name)!.bytes)
    else expect(values).not.toEqual(before.get(name)!.values)
  const { base, tuned } = await measured(job, finished.adapterSha256!)
  expect(tuned).toBeCloseTo(finished.bestLossNats!, 4)
  expect(base).toBeGreaterThan(tuned + 0.2)
})
