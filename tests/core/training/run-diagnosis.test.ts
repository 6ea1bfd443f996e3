// The findings of a run that is followed, one that is resumed, and one of the past: the same rules over the same points.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { diagnosesByJournal, followDiagnoses } from '#core/training/run-diagnosis.ts'
import type { RunCurve, RunDetail } from '#shared/journal-types.ts'
import { recipe } from '#shared/recipe.ts'
import { fail, ok } from '#shared/result.ts'
import type { JournalStudy, StudyTrial } from '#shared/study.ts'
import type { TrainerEvent } from '#shared/trainer-protocol.ts'

interface Golden {
  readonly totalSteps: number
  readonly how: { readonly settings: object }
  readonly train: readonly (readonly [number, number, number, number])[]
  readonly validation: readonly (readonly [number, number, number, number])[]
}
const file = new URL('../../golden/curves/tiny-shuffled-1e-2.json', import.meta.url)
const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden

const steps = golden.train.map(([step, lossNats, gradNorm, learningRate]) => ({
  step,
  epoch: 0,
  lossNats,
  gradNorm,
  learningRate,
  labelledTokens: 1,
  tokensSeen: step,
  durationMs: 1,
}))
const measured = golden.validation.map(([step, lossNats, labelledTokens, isBest]) => ({
  step,
  lossNats,
  labelledTokens,
  isBest: isBest === 1,
  durationMs: 1,
}))
const curveUntil = (step: number): RunCurve => ({
  train: steps.filter((point) => point.step <= step).map((point) => ({ ...point, attempt: 1, atMs: 0 })),
  validation: measured
    .filter((point) => point.step <= step)
    .map((point) => ({ ...point, attempt: 1, atMs: 0 })),
})
const plan = (resumedAtStep: number): TrainerEvent => ({
  kind: 'plan',
  totalSteps: golden.totalSteps,
  stepsPerEpoch: 7,
  evaluateEverySteps: 7,
  trainRows: 52,
  validationRows: 12,
  trainableParameters: 1,
  leftOut: [],
  resumedAtStep,
  determinism: 'bit-exact on this machine',
  backend: 'test',
})
/** The events of a trainer from a step on, in order: a step, then the measurement at it. */
const eventsAfter = (from: number): TrainerEvent[] =>
  [
    ...steps.map((point) => ({ kind: 'step' as const, ...point })),
    ...measured.map((point) => ({ kind: 'evaluation' as const, ...point })),
  ]
    .filter(({ step, kind }) => step > from || (from === 0 && step === 0 && kind === 'evaluation'))
    .sort((a, b) => a.step - b.step)

const run = {
  id: 'run',
  datasetFingerprint: 'f',
  totalSteps: golden.totalSteps,
  status: 'finished',
  endReason: 'completed',
  failureCode: null,
  recipe: recipe.parse({
    version: 1,
    model: { id: 'tiny', weightsSha256: 'a'.repeat(64) },
    data: { fingerprint: 'f' },
    scenario: 'classification',
    instruction: 'x',
    ...golden.how.settings,
    threads: 1,
  }),
} as unknown as RunDetail
const unknown = fail({ code: 'study.unknown', message: 'There is no such search.', where: '', remedy: '' })
const reader = (known: RunCurve): Parameters<typeof diagnosesByJournal>[2] => ({
  datasets: () => ok([]),
  thinCurve: () => ok(known),
  study: () => unknown,
  trials: () => unknown,
})
const none = reader({ train: [], validation: [] })

test('nothing is said before the plan, then what is found as it comes', () => {
  const fold = followDiagnoses(run, none)
  expect(fold.list()).toEqual([])
  fold.follow(plan(0))
  const heard = new Set<string>()
  for (const event of eventsAfter(0)) {
    fold.follow(event)
    for (const { kind } of fold.list()) heard.add(kind)
  }
  expect([...heard]).toEqual(['too-early', 'still-learning', 'converged', 'memorising'])
  expect(fold.list()[0]).toMatchObject({ kind: 'memorising', step: 105 })
})

test('a resumed run goes on from its checkpoint with what the journal has, and forgets the steps after it', () => {
  const fold = followDiagnoses(run, reader(curveUntil(230)))
  fold.follow(plan(210))
  expect(fold.list()[0]).toMatchObject({ kind: 'memorising', step: 105 })
  for (const event of eventsAfter(210)) fold.follow(event)
  const whole = followDiagnoses(run, none)
  whole.follow(plan(0))
  for (const event of eventsAfter(0)) whole.follow(event)
  expect(fold.list()).toEqual(whole.list())
})

test('a run of the past says the same, in the past tense; one that never had a plan says nothing', () => {
  const past = diagnosesByJournal(run, curveUntil(golden.totalSteps), none)
  expect(past.map(({ kind }) => kind)).toEqual(['memorising'])
  expect(past[0]?.help).not.toContain('You can stop now')
  expect(diagnosesByJournal({ ...run, totalSteps: null }, curveUntil(0), none)).toEqual([])
  const broken = { ...run, status: 'failed', failureCode: 'training.diverged' } as RunDetail
  expect(diagnosesByJournal(broken, curveUntil(60), none)[0]?.kind).toBe('diverged')
})

test.each(['running', 'paused', 'queued'] as const)(
  'a run that is %s is told as one under way, by the journal too',
  (status) => {
    const under = (step: number) =>
      diagnosesByJournal({ ...run, status, endReason: null } as RunDetail, curveUntil(step), none)
    const followed = followDiagnoses(run, none)
    followed.follow(plan(0))
    for (const event of eventsAfter(0)) followed.follow(event)
    expect(under(golden.totalSteps)).toEqual(followed.list())
    expect(under(golden.totalSteps)[0]?.help).toContain('You can stop now')
    const early = under(2).map(({ kind, sentence }) => ({ kind, sentence }))
    expect(early).toEqual([{ kind: 'too-early', sentence: expect.not.stringContaining('was too short') }])
    expect(diagnosesByJournal(run, curveUntil(2), none)[0]?.sentence).toContain('was too short')
  },
)

test('one that its search gave up says so and nothing else, also where the search is not in the journal', () => {
  const given = { ...run, endReason: 'pruned', lastStep: 33, totalSteps: 300 } as RunDetail
  const trial = { studyId: 'study', number: 4, confirming: null }
  const told = (reduction: number) => ({
    ...none,
    study: () => ok({ spec: { pruning: { reduction } } } as JournalStudy),
    trials: () =>
      ok([
        { number: 4, rungLosses: [{ share: 1 / 9, step: 33, lossNats: 4.83217 }] } as unknown as StudyTrial,
      ]),
  })
  expect(diagnosesByJournal({ ...given, trial }, curveUntil(33), told(3))).toEqual([
    {
      ...{ kind: 'given-up', severity: 'note', step: 33, help: '' },
      sentence:
        'Given up early after 11 % of its steps: its loss of 4.83 was not among the best third of the trials then.',
      reason: 'That is part of the search (pruning); there is nothing to mend.',
    },
  ])
  expect(diagnosesByJournal({ ...given, trial }, curveUntil(33), told(4))[0]?.sentence).toContain(
    'best 25 % of the trials then',
  )
  expect(
    diagnosesByJournal({ ...given, trial }, curveUntil(33), none).map(({ sentence }) => sentence),
  ).toEqual(['Given up early after 11 % of its steps: others were better by then.'])
})

/** The same run after a first stage of 40 steps, in which the loss goes another way. */
describe('after a first stage', () => {
  const firstStep = 40
  const texts = Array.from({ length: firstStep }, (_, i) => ({
    ...steps[0]!,
    step: i + 1,
    stage: 1 as const,
    lossNats: 9 + i,
  }))
  const later = <P extends { readonly step: number }>(points: readonly P[]) =>
    points.map((point) => ({ ...point, step: point.step + firstStep, attempt: 1, atMs: 0 }))
  const curve: RunCurve = {
    train: [...texts.map((point) => ({ ...point, attempt: 1, atMs: 0 })), ...later(steps)],
    validation: later(measured),
  }
  const long = { ...run, totalSteps: golden.totalSteps + firstStep } as RunDetail

  test('a run of the past is judged by its second one, and its steps are told as the curve shows them', () => {
    const alone = diagnosesByJournal(run, curveUntil(golden.totalSteps), none)
    const both = diagnosesByJournal(long, curve, none)
    expect(both.map(({ kind, severity, reason }) => ({ kind, severity, reason }))).toEqual(
      alone.map(({ kind, severity, reason }) => ({ kind, severity, reason })),
    )
    expect(both[0]).toMatchObject({ step: 145, sentence: 'It began to memorise at step 145.' })
    const onlyTexts = { train: curve.train.slice(0, firstStep), validation: [] }
    expect(diagnosesByJournal(long, onlyTexts, none)).toEqual([])
  })

  test('one that is followed, and one that is resumed, say the same', () => {
    const planned = (resumedAtStep: number): TrainerEvent => ({
      ...(plan(resumedAtStep) as Extract<TrainerEvent, { kind: 'plan' }>),
      totalSteps: golden.totalSteps + firstStep,
      before: { steps: firstStep, stepsPerEpoch: 10, trainRows: 80, stepWork: 1 },
    })
    const moved = eventsAfter(0).map((event) =>
      'step' in event ? { ...event, step: event.step + firstStep } : event,
    ) as TrainerEvent[]
    const fold = followDiagnoses(long, none)
    fold.follow(planned(0))
    for (const point of texts) fold.follow({ kind: 'step', ...point })
    expect(fold.list()).toEqual([])
    for (const event of moved) fold.follow(event)
    expect(fold.list()[0]).toMatchObject({ kind: 'memorising', step: 145 })

    const until = (points: RunCurve['train'] | RunCurve['validation']) =>
      points.filter(({ step }) => step <= 270) as never
    const resumed = followDiagnoses(
      long,
      reader({ train: until(curve.train), validation: until(curve.validation) }),
    )
    resumed.follow(planned(250))
    for (const event of moved) if ('step' in event && event.step > 250) resumed.follow(event)
    expect(resumed.list()).toEqual(fold.list())
  })
})
