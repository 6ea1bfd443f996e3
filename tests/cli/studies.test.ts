// Searches from the terminal: what flags say, and a search that is planned, paused with Ctrl-C, gone on with, read and
// taken over, as real processes with a tiny model.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { dimensionOf, readStudyFlags } from '../../src/cli/study-flags.ts'
import {
  cardHeading,
  cardRow,
  planLines,
  purposeText,
  settingFlagsText,
  settingsText,
  studyLines,
  trialWords,
} from '../../src/cli/study-report.ts'
import type { StudyCard } from '../../src/shared/contract/studies.ts'
import { type Dimension, type StudyTrial, trialStatuses } from '../../src/shared/study.ts'
import { writeTinyModel } from '../processes/tiny-model.ts'
import { messagesCsv } from '../processes/trainer/tiny-run.ts'
import { sampleStudy } from '../renderer/studies/sample-study.ts'
import { ask } from './own-process.ts'
import { startWith } from './terminal.ts'

const work = mkdtempSync(join(tmpdir(), 'tunewright-search-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

test('ranges are read as they are written', () => {
  expect(dimensionOf('optimizer.learningRate=1e-5..1e-3:log')).toEqual({
    ...{ kind: 'number', path: 'optimizer.learningRate', low: 1e-5, high: 1e-3, isLog: true, onlyWhen: null },
  })
  expect(dimensionOf('method.rank=2..32')).toMatchObject({ kind: 'whole', low: 2, high: 32, isLog: false })
  expect(dimensionOf('schedule.warmupShare=0.0..0.2')).toMatchObject({ kind: 'number', low: 0, high: 0.2 })
  expect(dimensionOf('method.topLayers=null,2,true,cosine')).toMatchObject({
    values: [null, 2, true, 'cosine'],
  })
})

test.each(['method.rank', 'method.rank=', '=2..3', 'method.rank=8..2', 'optimizer.learningRate=0..1:log'])(
  'what is no range is refused with how to write one: %s',
  (text) => {
    expect(() => dimensionOf(text)).toThrow(
      expect.objectContaining({
        problem: expect.objectContaining({ code: 'usage.invalid', where: '--space' }),
      }),
    )
  },
)

test('limits, hours and seeds', () => {
  const nowMs = new Date(2026, 4, 5, 22, 30).getTime()
  const read = readStudyFlags(
    {
      trials: '30',
      hours: '1.5',
      until: '07:00',
      night: '22:00-07:00',
      searchSeed: '9',
      confirm: '0',
      pruning: false,
    },
    nowMs,
  )
  expect(read.wishes).toMatchObject({ seed: 9, confirmSeeds: 0, isPruned: false, effort: 'night' })
  expect(read.wishes.budget).toEqual({
    trials: 30,
    workMs: 5_400_000,
    untilMs: new Date(2026, 4, 6, 7, 0).getTime(),
  })
  expect(read.wishes.schedule).toEqual({ fromMinute: 1320, toMinute: 420 })
  expect(readStudyFlags({}, nowMs)).toMatchObject({ preset: 'balanced', wishes: { schedule: null } })
})

test('settings without a value are said in words, and taken over as they are', () => {
  const settings = {
    'method.topLayers': null,
    'optimizer.learningRate': 0.000123456,
    'method.decomposed': true,
  }
  expect(settingsText(settings)).toBe(
    'method.topLayers=all layers, optimizer.learningRate=0.0001235, method.decomposed=on',
  )
  expect(settingFlagsText(settings)).toBe(
    '--set method.topLayers=null --set optimizer.learningRate=0.000123456 --set method.decomposed=true',
  )
  const reason = 'Faster.'
  const dimension = {
    kind: 'choice',
    path: 'method.topLayers',
    values: [null, 4],
    onlyWhen: null,
  } satisfies Dimension
  const lines = planLines({ dimensions: [{ dimension, isIncluded: true, reason }], sentences: [] })
  expect(lines.join('\n')).toMatch(/method\.topLayers +all layers, 4 +Faster\./)
})

test('runs that confirm are no trials, and the best at an end of a range is said', () => {
  const wider = { path: 'optimizer.learningRate', end: 'high', wider: 0.02 } as const
  const view = sampleStudy({ search: 5, isConfirmed: true, view: { rangeEnds: [wider] } })
  const row = cardRow(view.study)
  expect([row[cardHeading.indexOf('trials')], row[cardHeading.indexOf('confirming runs')]]).toEqual([
    '5',
    '6',
  ])
  const text = studyLines(view).join('\n')
  // Bug: the list had the loss by which one trial was chosen, the search itself the mean over seeds.
  const told = (card: StudyCard) => ['loss', 'of'].map((column) => cardRow(card)[cardHeading.indexOf(column)])
  expect(told(view.study)).toEqual(['0.5740', 'mean of 3 seeds'])
  expect(text).toContain('finished, 5 trials and 6 confirming runs, loss 0.5740, mean of 3 seeds')
  const { study: unconfirmed } = sampleStudy({ search: 5 })
  expect(told(unconfirmed)).toEqual([unconfirmed.best?.lossNats.toFixed(4), 'one trial'])
  expect(told({ ...unconfirmed, best: null })).toEqual(['', ''])
  expect(text).toMatch(/^trial +for +status +loss +steps +time +settings +why$/m)
  expect(text).toMatch(/^trial 5 /m)
  expect(text).toMatch(/^confirming run 6 +confirms the best trial, seed 45 /m)
  expect(text).toContain('The first 4 trials are never given up')
  expect(text).toContain(
    'Most of the best trials, the very best among them, have optimizer.learningRate at the upper end of its range: a wider range might find more, up to 0.02, say.',
  )
})

test('what was saved adds up as it is told, and why a search is at its end is said once', () => {
  const reason = 'All 5 points of the ranges were tried.'
  const view = sampleStudy({ search: 5, isConfirmed: true, study: { reason } })
  const saved = { ...view.saved!, workedMs: 2600, byPruningMs: 0, byReuseMs: 1500, plainMs: 4100 }
  const text = studyLines({ ...view, saved }).join('\n')
  expect(text).toContain(
    'It worked 3 s; plain runs would have taken about 4 s: 37 % saved, 0 s by giving up, 1 s by',
  )
  expect(text.split(reason)).toHaveLength(2)
  const verdict = { ...view.verdict, reasons: [reason] }
  expect(
    studyLines({ ...view, verdict })
      .join('\n')
      .split(reason),
  ).toHaveLength(2)
})

test('a range by factors says what that is', () => {
  const rate = dimensionOf('optimizer.learningRate=1e-5..1e-3:log')
  const lines = (dimension: Dimension): string =>
    planLines({ dimensions: [{ dimension, isIncluded: true, reason: 'r' }], sentences: [] }).join('\n')
  expect(lines(rate)).toMatch(
    /by factors \(log scale\)[\s\S]*By factors \(log scale\): from 1 to 2 counts as much/,
  )
  expect(lines({ ...rate, isLog: false } as Dimension)).not.toContain('actors')
})

test('how a trial ended is said in plain words', () => {
  const words = trialStatuses.map((status) => trialWords[status])
  expect(words).toEqual([
    'not at its end',
    'complete',
    'given up early (pruned)',
    'left out',
    'failed',
    'stopped',
  ])
  expect(purposeText({ purpose: 'search', seed: 42 })).toBe('')
  expect(purposeText({ purpose: 'preset', seed: 43 })).toBe('confirms the plan, seed 43')
})

test.each([
  { trials: 'many' },
  { until: '25:00' },
  { night: '22:00' },
  { effort: 'hard' },
  { sampler: 'luck' },
  { name: ' ' },
  { night: '07:00-07:00' },
  { night: '22:00-07:00-08:00' },
])('a flag that says nothing is refused: %j', (flags) => {
  expect(() => readStudyFlags(flags)).toThrow(
    expect.objectContaining({ problem: expect.objectContaining({ code: 'usage.invalid' }) }),
  )
})

test.each([
  [{ trials: '0' }, '--trials', /at least 1 /, /--trials 12/],
  [{ trials: '2.5' }, '--trials', /whole number/, /--trials 12/],
  [{ hours: '0.0001' }, '--hours', /at least a second/, /--hours 1\.5/],
  [{ trials: '-1' }, '--trials', /at least 1 /, /--trials 12/],
  [{ trials: '' }, '--trials', /not a number/, /--trials 3/],
  [{ hours: '1e9' }, '--hours', /at most 1000000 hours/, /--hours 1\.5/],
  [{ hours: 'long' }, '--hours', /"long" is not a number/, /--hours 3/],
  [
    { confirm: '2' },
    '--confirm',
    /"2" is not a number of seeds: it is a whole number from 3 to 10, or 0/,
    /--confirm 0 to leave/,
  ],
  [{ confirm: '2.5' }, '--confirm', /whole number from 3 to 10/, /--confirm 3/],
  [{ confirm: '1' }, '--confirm', /whole number from 3 to 10, or 0/, /--confirm 0/],
  [{ confirm: '' }, '--confirm', /whole number from 3 to 10/, /--confirm 3/],
  [{ searchSeed: '-1' }, '--seed', /whole number from 0 to 4294967295/, /--seed 3/],
  [{ searchSeed: '1.5' }, '--seed', /whole number/, /--seed 3/],
  [{ effort: 'hard' }, '--effort', /"hard" is not how hard to search/, /short, night, thorough/],
  [{ sampler: 'luck' }, '--sampler', /"luck" is not a way to choose the next trial/, /random, quasi-random/],
  [{ preset: 'best' }, '--preset', /"best" is not a plan/, /quick, balanced/],
  [{ until: '7' }, '--until', /"7" is not a time of day/, /--until 07:00/],
  [{ space: ['method.rank=1e..3'] }, '--space', /"method\.rank=1e\.\.3" is no range\.$/, /Write it like/],
  [{ space: ['method.rank=8..2'] }, '--space', /lower end first/, /Write it like/],
  [{ space: Array.from({ length: 41 }, () => 'method.rank=2..3') }, '--space', /at most 40/, /Write it like/],
  [{ name: '' }, '--name', /1 to 200 characters/, /Leave it out/],
  [{ night: 'a-b-c' }, '--night', /one time of day to another/, /22:00-07:00/],
])(
  'what is wrong with a flag is said with its name and a remedy for it: %j',
  (flags, where, message, remedy) => {
    expect(() => readStudyFlags(flags)).toThrow(
      expect.objectContaining({
        problem: expect.objectContaining({
          where,
          message: expect.stringMatching(message),
          remedy: expect.stringMatching(remedy),
        }),
      }),
    )
  },
)

const home = join(work, 'library')
const run = (...parameters: string[]) => ask({ home, work }, ...parameters)

test('a search in the terminal: planned, paused, gone on with, read, taken over', {
  timeout: 600_000,
}, async () => {
  writeFileSync(join(work, 'messages.csv'), messagesCsv(60))
  writeFileSync(
    join(work, 'recipe.yaml'),
    `name: Teams
scenario: classification
model: tiny
data: { path: messages.csv, columns: { text: message, label: team } }
instruction: Answer with money, shipping or access.
threads: 1
batch: { microRows: 4, maxTokens: 256 }
checkpoints: { everySeconds: null, everySteps: 2 }
duration: { epochs: 3 }
`,
  )
  const added = await run('models', 'add', writeTinyModel(join(work, 'tiny')))
  expect(added).toMatchObject({ code: 0 })
  const search = [
    'recipe.yaml',
    // So many that it is still at work when Ctrl-C comes.
    '--trials',
    '8',
    '--confirm',
    '0',
    '--space',
    'optimizer.learningRate=1e-4..0.03:log',
  ]
  const fractions = await run('studies', 'plan', ...search, '--space', 'method.rank=2.0..8.0')
  expect(fractions.code).toBe(1)
  expect(fractions.error).toMatch(/At method\.rank: expected a whole number/)
  const planned = await run('studies', 'plan', ...search, '--night', '22:00-07:00')
  expect(planned).toMatchObject({ code: 0, error: '' })
  expect(planned.out).toContain('It ends after 8 trials.')
  expect(planned.out).toMatch(/In all it is at work for less than 5 s\./)
  expect(planned.out).toMatch(/yes +optimizer\.learningRate +0\.0001 to 0\.03, by factors/)

  const first = startWith(home, work, ['studies', 'start', ...search])
  await expect.poll(() => first.heard(), { timeout: 300_000 }).toMatch(/trial 1 complete/)
  first.child.kill('SIGINT')
  const paused = await first.done
  expect(paused.code).toBe(130)
  const [, studyId = ''] = /Go on with: tunewright studies resume (\S+)/.exec(paused.error) ?? []
  expect(studyId).toMatch(/^study-/)
  expect((await run('studies', 'list')).out).toMatch(
    new RegExp(`${studyId} +Search of Teams +paused +[1-8] `),
  )

  const trialsNow = async (): Promise<StudyTrial[]> =>
    JSON.parse((await run('--json', 'studies', 'show', 'latest')).out).trials
  const cut = (await trialsNow()).filter(({ status }) => status === 'planned').map(({ runId }) => runId!)
  for (const runId of cut)
    expect((await run('runs', 'cancel', runId)).out).toContain('Its search goes on without it.')
  const resumed = await run('studies', 'resume', 'latest')
  expect(resumed).toMatchObject({ code: 0 })
  expect(resumed.error).not.toMatch(/trial 1 complete/)
  const shown = JSON.parse((await run('--json', 'studies', 'show', 'latest')).out)
  expect(shown.study).toMatchObject({ id: studyId, status: 'finished', trials: { planned: 0 } })
  const reasons = (await trialsNow()).flatMap(({ status, reason }) => (status === 'stopped' ? [reason] : []))
  expect(reasons).toEqual(cut.map(() => 'It was stopped by hand.'))
  expect(shown.verdict.kind).toBe('not-confirmed')
  const adopted = await run('studies', 'adopt', 'latest')
  expect(adopted.out).toMatch(/--set optimizer\.learningRate=/)
  expect(await run('studies', 'stop', 'latest')).toMatchObject({ code: 1 })
  const nameless = await run('studies', 'stop', '')
  expect(nameless.error).toContain('No search is named.')
  expect(nameless.error).not.toContain('fault of the program')
})
