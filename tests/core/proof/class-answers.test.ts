// The proof of a run with a new last layer, all parts real: the head that the trainer left names the locked rows, beside
// the class whose mean state is nearest in the frozen model.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { proofLines } from '#cli/report.ts'
import { proveRun } from '#core/proof/index.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { tunedFiles, tunedKindOf } from '#core/training/tuned-version.ts'
import { type ProofReport, proofReport } from '#shared/proof-protocol.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { type HeadRuns, makeHeadRuns } from '../../processes/trainer/head-runs.ts'
import { runJobHere } from '../../processes/trainer/run-job-here.ts'
import { finishedOf } from '../../processes/trainer/trainer-process.ts'

vi.setConfig({ testTimeout: 120_000 })

let runs: HeadRuns
beforeAll(async () => {
  runs = await makeHeadRuns()
})
afterAll(() => rm(runs.tiny.library.home, { recursive: true, force: true }))

async function trainAndProve(
  scenario: ScenarioId,
  changes: Record<string, unknown>,
  { of = runs, isAsked = false } = {},
): Promise<ProofReport> {
  const job = await of.makeJob(scenario, changes)
  const { recipe } = job
  const weightsSha256 = finishedOf(await runJobHere(job)).adapterSha256!
  const kind = tunedKindOf(recipe.method)
  const report = await proveRun(
    {
      runId: job.runId,
      scenario,
      method: recipe.method,
      isAsked,
      instruction: '',
      model: { folder: job.modelFolder, weightsSha256: recipe.model.weightsSha256 },
      tuned: { kind, folder: join(job.runFolder, tunedFiles[kind].folder), weightsSha256 },
      datasetFolder: job.datasetFolder,
      cacheFolder: job.cacheFolder,
      threads: 1,
      maxTokens: recipe.batch.maxTokens,
      seed: 1,
    },
    {
      launcher: createNodeLauncher(),
      journal: { recordOpening: async () => {}, saveProof: async () => {} },
    },
  )
  return proofReport.parse(unwrap(report))
}

const reuse = { reuseFrozenLayers: true }

describe('the proof of a head', () => {
  test.each([
    ['for texts', { method: { kind: 'head' }, ...reuse }],
    [
      'for texts beside an adapter',
      { method: { kind: 'lora-head', rank: 4, alpha: 8 }, optimizer: { learningRate: 0.01 } },
    ],
    [
      'for texts with the whole model',
      { method: { kind: 'full-head' }, optimizer: { learningRate: 0.005 }, duration: { epochs: 2 } },
    ],
  ])('%s: probabilities of every label, and the label that is likeliest', async (_, changes) => {
    const report = await trainAndProve('classification', changes)
    expect(report).toMatchObject({ beside: 'nearest-class', metric: 'accuracy' })
    expect(report.rows).toBeGreaterThan(15)
    const { labels, rows } = report.labels!
    const { label, value, low, high } = report.trivial!
    const often = rows.find((row) => row.label === label)!.support / report.rows
    expect(value).toBeCloseTo(often, 9)
    expect(low <= value && value <= high).toBe(true)
    for (const { base, tuned, expected } of report.answers)
      for (const { labelLogProbs, text, lossNats } of [base, tuned]) {
        expect(labelLogProbs!.reduce((sum, logProb) => sum + Math.exp(logProb), 0)).toBeCloseTo(1, 5)
        expect(labelLogProbs![labels.indexOf(text!)]).toBe(Math.max(...labelLogProbs!))
        expect(lossNats).toBeCloseTo(-labelLogProbs![labels.indexOf(expected)]!, 6)
      }
  })

  test('what is compared with is the model before its training, also where all of it was trained', async () => {
    const short = { duration: { epochs: 2 } }
    const head = await trainAndProve('classification', { method: { kind: 'head' }, ...short })
    const optimizer = { learningRate: 0.005 }
    const whole = await trainAndProve('classification', {
      method: { kind: 'full-head' },
      optimizer,
      ...short,
    })
    const bases = ({ answers }: ProofReport) => answers.map(({ rowId, base }) => [rowId, base.lossNats])
    expect(bases(whole)).toEqual(bases(head))
  })

  test('surprise by labels is compared with surprise by labels, never with that by the tokens of an asked model', async () => {
    const named = (report: ProofReport) => report.comparisons.map(({ metric }) => metric)
    const head = { method: { kind: 'head' }, duration: { epochs: 2 } }
    const read = await trainAndProve('classification', head)
    expect(named(read)).toEqual(expect.arrayContaining(['calibrationError', 'lossNats', 'perplexity']))
    expect(proofLines(read).join('\n')).toMatch(/nats a label[\s\S]*each text has the label/)
    const of = await makeHeadRuns(writeTinyModel)
    onTestFinished(() => rm(of.tiny.library.home, { recursive: true, force: true }))
    const asked = await trainAndProve('classification', head, { of, isAsked: true })
    expect(asked.beside).toBe('model')
    expect(named(asked)).toEqual(['accuracy', 'macroF1', 'calibrationError'])
  })

  test('for words: the names in the text, found better than by the nearest mean', async () => {
    const report = await trainAndProve('entity-recognition', { method: { kind: 'head' }, ...reuse })
    expect(report.metric).toBe('entityF1')
    expect(proofLines(report).join('\n')).toContain(
      'each word is taken for a name of the kind, or for no name',
    )
    // Every name of the made-up rows is in several of them.
    expect(report.trivial).toMatchObject({ kind: 'known-names', label: null, value: 1 })
    expect(report.tuned.value).toBeGreaterThan(report.baseline.value)
    expect(report.tuned.value).toBeGreaterThan(0.8)
    for (const { tuned, prompt } of report.answers)
      for (const line of tuned.text!.split('\n'))
        expect(prompt.at(-1)!.content).toContain(line.split(': ')[1])
  })
})
