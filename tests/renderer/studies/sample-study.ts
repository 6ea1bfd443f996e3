// A study as the contract describes one, of any size, for tests of what screens make of it: deterministic, checked by the
// contract's own schema.
import { type StudyCard, type StudyView, studyView } from '#shared/contract/studies.ts'
import type { StudyTrial } from '#shared/study.ts'

const hourMs = 3_600_000
const sampleStartMs = Date.UTC(2025, 2, 4, 21)

export const sampleSpace: StudyView['space'] = [
  { kind: 'number', path: 'optimizer.learningRate', low: 1e-5, high: 2e-3, isLog: true, onlyWhen: null },
  { kind: 'number', path: 'duration.epochs', low: 1, high: 6, isLog: false, onlyWhen: null },
  { kind: 'choice', path: 'method.rank', values: [4, 8, 16, 32], onlyWhen: null },
  { kind: 'choice', path: 'schedule.kind', values: ['constant', 'linear', 'cosine'], onlyWhen: null },
]

/** A number from 0 to 1 by a seed (mulberry32). */
function draw(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}

function settingsOf(number: number): StudyTrial['settings'] {
  return {
    'optimizer.learningRate': 10 ** (-5 + 2.3 * draw(number * 7 + 1)),
    'duration.epochs': 1 + 5 * draw(number * 7 + 2),
    'method.rank': [4, 8, 16, 32][Math.floor(4 * draw(number * 7 + 3))] ?? 8,
    'schedule.kind': ['constant', 'linear', 'cosine'][Math.floor(3 * draw(number * 7 + 4))] ?? 'cosine',
  }
}

const lossOf = (number: number): number => {
  const rate = Number(settingsOf(number)['optimizer.learningRate'])
  return 0.57 + 0.12 * (Math.log10(rate) + 3.3) ** 2 + 0.05 * draw(number * 7 + 5)
}

export function sampleTrial(number: number, part: Partial<StudyTrial> = {}): StudyTrial {
  const isPruned = draw(number * 7 + 6) < 0.3 && lossOf(number) > 0.65
  const endedAtMs = sampleStartMs + (number + 1) * 0.11 * hourMs
  return {
    studyId: 'study-1',
    number,
    purpose: 'search',
    settings: settingsOf(number),
    seed: 42,
    rungs: [],
    status: isPruned ? 'pruned' : 'complete',
    runId: `run-${number}`,
    lossNats: lossOf(number),
    lossStep: 40,
    rungLosses: [],
    reason: isPruned
      ? 'At a third of its steps its loss was 0.91, above the 0.74 that the best third reached there.'
      : null,
    work: {
      durationMs: (isPruned ? 0.04 : 0.11) * hourMs,
      steps: isPruned ? 20 : 60,
      plannedSteps: 60,
      isModelReused: number > 0,
      graphsReused: number > 0 ? 3 : 0,
      frozenRowsReused: 0,
      frozenRowsComputed: 0,
      peakResidentBytes: 1_400_000_000 + 90_000_000 * Number(settingsOf(number)['method.rank']),
      tunedBytes: 600_000 * Number(settingsOf(number)['method.rank']),
    },
    createdAtMs: sampleStartMs + number * 0.11 * hourMs,
    endedAtMs,
    ...part,
  }
}

const seedTrials = (from: number, winner: StudyTrial): StudyTrial[] =>
  [43, 44, 45].flatMap((seed, index) => [
    sampleTrial(from + 2 * index, {
      purpose: 'preset',
      settings: {},
      seed,
      status: 'complete',
      reason: null,
      lossNats: 0.632 + 0.004 * index,
    }),
    sampleTrial(from + 2 * index + 1, {
      purpose: 'winner',
      settings: winner.settings,
      seed,
      status: 'complete',
      reason: null,
      lossNats: 0.571 + 0.003 * index,
    }),
  ])

interface Sample {
  readonly search: number
  readonly isConfirmed?: boolean
  readonly study?: Partial<StudyCard>
  readonly view?: Partial<StudyView>
  readonly trial?: (number: number) => Partial<StudyTrial>
}

/** `search` trials of the search, and the final check behind them. */
export function sampleStudy({
  search,
  isConfirmed = false,
  study = {},
  view = {},
  trial = () => ({}),
}: Sample): StudyView {
  const searched = Array.from({ length: search }, (_, number) => sampleTrial(number, trial(number)))
  const complete = searched.filter(({ status, lossNats }) => status === 'complete' && lossNats !== null)
  const winner = [...complete].sort((a, b) => (a.lossNats ?? 0) - (b.lossNats ?? 0))[0]
  const trials = [...searched, ...(isConfirmed && winner ? seedTrials(search, winner) : [])]
  const count = (status: StudyTrial['status']): number =>
    trials.filter((one) => one.purpose === 'search' && one.status === status).length
  const byCost = [...complete].sort(
    (a, b) => (a.work?.tunedBytes ?? 0) - (b.work?.tunedBytes ?? 0) || (a.lossNats ?? 0) - (b.lossNats ?? 0),
  )
  let lowest = Number.POSITIVE_INFINITY
  const front = byCost.flatMap(({ number, lossNats }) => {
    if ((lossNats ?? 0) >= lowest) return []
    lowest = lossNats ?? 0
    return [number]
  })
  return studyView.parse({
    study: {
      id: 'study-1',
      projectId: 'project-1',
      projectName: 'Shop messages',
      name: 'Night search',
      status: 'finished',
      schedule: null,
      priority: 0,
      notes: '',
      createdAtMs: sampleStartMs,
      startedAtMs: sampleStartMs,
      endedAtMs: sampleStartMs + 3.4 * hourMs,
      workedMs: 3.2 * hourMs,
      reason: null,
      sampler: 'tpe',
      budget: { trials: null, workMs: 8 * hourMs, untilMs: null },
      trials: {
        complete: count('complete'),
        pruned: count('pruned'),
        skipped: count('skipped'),
        failed: count('failed'),
        stopped: count('stopped'),
        planned: count('planned'),
      },
      confirming: trials.length - searched.length,
      confirmingPlanned: isConfirmed ? 6 : 0,
      leftOut: 0,
      best: winner
        ? {
            number: winner.number,
            lossNats: winner.lossNats,
            settings: winner.settings,
            mean: isConfirmed ? { lossNats: 0.574, seeds: 3 } : null,
          }
        : null,
      waiting: null,
      timeLeftMs: null,
      doneShare: null,
      ...study,
    },
    space: sampleSpace,
    pruning: { reduction: 3, rungs: [1 / 9, 1 / 3], startupTrials: 4 },
    rangeEnds: [],
    baseSettings: {
      'optimizer.learningRate': 2e-4,
      'duration.epochs': 3,
      'method.rank': 8,
      'schedule.kind': 'cosine',
    },
    trials,
    best: [],
    importance: {
      settings:
        search < 4
          ? []
          : [
              { path: 'optimizer.learningRate', share: 0.62, effectNats: 0.21, isNoise: false },
              { path: 'duration.epochs', share: 0.21, effectNats: 0.05, isNoise: false },
              { path: 'method.rank', share: 0.09, effectNats: 0.02, isNoise: false },
              { path: 'schedule.kind', share: 0.01, effectNats: 0.003, isNoise: true },
            ],
      seedNoise: isConfirmed ? { sdNats: 0.004, runs: 3 } : null,
      trials: complete.length,
      cannotTell: search < 4 ? 'Too few trials to tell what mattered.' : null,
    },
    fronts: [{ against: 'size', trials: front }],
    saved:
      search === 0
        ? null
        : {
            workedMs: 3.2 * hourMs,
            plainMs: 5.4 * hourMs,
            byPruningMs: 1.6 * hourMs,
            byReuseMs: 0.6 * hourMs,
            modelsReused: Math.max(0, search - 1),
            graphsReused: 3 * search,
            frozenRowsReused: 0,
            stepsLeftOut: 40 * count('pruned'),
          },
    verdict: isConfirmed
      ? {
          kind: 'better',
          sentence: 'Better than the preset.',
          reasons: ['Over three seeds.'],
          gain: { value: 0.061, low: 0.052, high: 0.07 },
        }
      : { kind: 'not-confirmed', sentence: 'Not checked.', reasons: [], gain: null },
    adoptable: winner?.number ?? null,
    ...view,
  })
}
