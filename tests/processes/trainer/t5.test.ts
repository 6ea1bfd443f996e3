// A model that reads a source and writes a target, through the trainer's own job: it learns, goes on bit for bit, shows
// answers, and is scored and answered as it was trained.
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { scoreRows } from '#processes/scorer/score-rows.ts'
import type { RowScore } from '#shared/proof-protocol.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { expectLearnsAndGoesOn, runJobHere, stepLossesIn } from './run-job-here.ts'
import { makeT5Library } from './t5-runs.ts'
import type { TestLibrary } from './tiny-run.ts'

vi.setConfig({ testTimeout: 120_000 })

let tiny: TestLibrary
beforeAll(async () => {
  tiny = await makeT5Library()
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

let runs = 0
const makeJob = (changes: Record<string, unknown> = {}): Promise<TrainerJob> => {
  runs += 1
  const settings = {
    duration: { epochs: 3 },
    optimizer: { learningRate: 0.02 },
    evaluation: { everySteps: 5, patience: null },
    checkpoints: { everySeconds: null, everySteps: 100 },
  }
  return tiny.makeJob(`run-${runs}`, { ...settings, ...changes })
}

const lora = { kind: 'lora', rank: 4, alpha: 8 }
const ways: readonly (readonly [name: string, changes: Record<string, unknown>])[] = [
  ['LoRA', { method: lora }],
  ['DoRA', { method: { ...lora, decomposed: true } }],
  ['LoRA on the uppermost two blocks', { method: { ...lora, topLayers: 2 } }],
  [
    'LoRA on the uppermost three blocks, the last of the encoder among them',
    { method: { ...lora, topLayers: 3 } },
  ],
  ['LoRA on a base of 8 bits', { method: { ...lora, base: 'int8' } }],
  ['LoRA on a base of normal floats', { method: { ...lora, base: 'nf4' } }],
  ['the whole model', { method: { kind: 'full' }, optimizer: { learningRate: 0.005 } }],
  ['the weights of the uppermost block', { method: { kind: 'full', topLayers: 1 } }],
  ['noise on what is read', { regularisation: { neftuneAlpha: 5 } }],
]

describe.each(ways)('%s', (_, changes) => {
  it('learns, and goes on from a checkpoint as if never stopped', () =>
    expectLearnsAndGoesOn(() => makeJob(changes)))
})

describe('how much is computed at once or twice', () => {
  it('changes nothing but rounding', async () => {
    const plain = stepLossesIn(await runJobHere(await makeJob({ duration: { epochs: 1 } })))
    for (const changes of [
      { batch: { microRows: 4, accumulation: 2, rowsAtOnce: 1 } },
      { gradientCheckpointing: false },
    ]) {
      const losses = stepLossesIn(await runJobHere(await makeJob({ duration: { epochs: 1 }, ...changes })))
      expect(losses).toHaveLength(plain.length)
      for (const [index, lossNats] of plain.entries()) expect(losses[index]!).toBeCloseTo(lossNats, 4)
    }
  })
})

describe('sample answers', () => {
  it('become labels, and are called right where they are the expected ones', async () => {
    const events = await runJobHere(await makeJob({ duration: { epochs: 12 } }))
    expect(events.filter(({ kind }) => kind === 'notice')).toEqual([])
    const samples = events.flatMap((event) => (event.kind === 'samples' ? [event.answers] : []))
    const labels = ['money', 'shipping', 'access']
    const isLabel = ({ answer }: { readonly answer: string }): boolean => labels.includes(answer)
    expect(samples[0]!.every(isLabel)).toBe(false)
    const answers = samples.at(-1)!
    expect(answers).toHaveLength(3)
    // Which of them are right is the processor's last digits' doing: the model is tiny.
    expect(answers.every(isLabel)).toBe(true)
    expect(answers.some(({ isRight }) => isRight)).toBe(true)
    for (const { answer, expected, isRight, prompt } of answers) {
      expect(prompt).not.toContain('Answer with')
      expect(isRight).toBe(answer === expected)
    }
  })
})

describe('labels', () => {
  it('are as likely in one row as each alone', async () => {
    const { modelFolder, recipe } = await makeJob()
    const labels = ['money', 'shipping', 'access']
    const prompt = [
      { role: 'system' as const, content: recipe.instruction },
      { role: 'user' as const, content: 'where is my bill' },
    ]
    const rows = labels.map((answer) => ({ rowId: answer, prompt, answer }))
    const score = async (among: string[] | null): Promise<RowScore[]> => {
      const scores: RowScore[] = []
      const job = {
        modelFolder,
        tuned: null,
        threads: 1,
        workFolder: tiny.library.cacheFolder,
        maxTokens: 200,
      }
      await scoreRows({ ...job, labels: among, rows }, createOnnxBackend(), {
        signal: new AbortController().signal,
        emit: async (event) => void (event.kind === 'scores' && scores.push(...event.rows)),
      })
      return labels.map((label) => scores.find(({ rowId }) => rowId === label)!)
    }
    const alone = await score(null)
    for (const [at, row] of (await score(labels)).entries()) {
      expect(row.answerTokens).toBe(alone[at]!.answerTokens)
      expect(row.base.lossNats).toBeCloseTo(alone[at]!.base.lossNats, 4)
      for (const [label, logProb] of row.base.labelLogProbs!.entries())
        expect(logProb).toBeCloseTo(-alone[label]!.base.lossNats, 4)
    }
    expect(new Set(alone.map(({ base }) => base.lossNats.toFixed(2))).size).toBe(3)
  })
})
