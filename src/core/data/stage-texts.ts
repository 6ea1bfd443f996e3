// Texts of a field for the first stage of a run: read as the domain scenario reads them, all of them to learn from. What
// also stands among the locked rows of the run's examples is left out, so that the proof stays one.
import { excerptOf } from '#formats/table-types.ts'
import { type RecipeDraft, recipeDraft, type ScenarioId } from '#shared/recipe.ts'
import { ok, type Problem, ProblemError } from '#shared/result.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import { type PreparedData, prepareData } from './check-data.ts'
import { findLocked } from './locked-texts.ts'
import type { PrepareRows } from './prepared-rows.ts'
import type { ReadRows } from './read-rows.ts'
import { findRepeats } from './repeats.ts'

export type StageData = Pick<NonNullable<RecipeDraft['before']>, 'path' | 'columns'>

/** The examples that the run learns after these texts. */
export interface LaterExamples {
  readonly prepared: PreparedData
  readonly scenario: ScenarioId
}

export type PrepareTexts = (data: StageData, later: LaterExamples | null) => Promise<PreparedData>

const asTexts: PrepareRows = ({ path, ...settings }, scenario) => prepareData(path, { scenario, ...settings })

/**
 * Throws a ProblemError that names the file as that of the first stage: those of reading a file, and `data.too-few-rows`
 * where no text is left. `later` is null where the examples are not known yet.
 */
export async function prepareStageTexts(
  { path, columns }: StageData,
  later: LaterExamples | null,
  prepare: PrepareRows = asTexts,
): Promise<PreparedData> {
  const data = recipeDraft.shape.data.parse({ path, columns, validationShare: 0, testShare: 0 })
  const all = await prepare(data, 'domain').catch((error: unknown) => {
    throw error instanceof ProblemError ? new ProblemError(ofFirstStage(error.problem)) : error
  })
  const texts = later === null ? all : await withoutLocked(all, later)
  if (texts.read.rows.length === 0) throw new ProblemError(ofFirstStage(noText(texts.read)))
  return texts
}

/**
 * As above, with the answers kept for the screens, which ask for the same again and again: for as long as `prepare` keeps
 * the rows that they come from, and no longer.
 */
export function createPreparedTexts(prepare: PrepareRows): PrepareTexts {
  const known = new WeakMap<PreparedData, WeakMap<PreparedData, Promise<PreparedData>>>()
  return async (data, later) => {
    const texts = await prepareStageTexts(data, null, prepare)
    if (later === null) return texts
    const ofTexts = known.get(texts) ?? new WeakMap<PreparedData, Promise<PreparedData>>()
    known.set(texts, ofTexts)
    const found = ofTexts.get(later.prepared) ?? prepareStageTexts(data, later, async () => texts)
    ofTexts.set(later.prepared, found)
    return found
  }
}

async function withoutLocked(
  texts: PreparedData,
  { prepared, scenario }: LaterExamples,
): Promise<PreparedData> {
  const { split } = prepared
  if (!split.ok) return texts
  const { read } = texts
  const isLocked = await findLocked(
    read.rows.map(({ fields }) => fields.text ?? ''),
    prepared.read.rows.filter((_, i) => split.value[i] === 'test'),
    scenarioOf(scenario),
  )
  const out = read.rows.filter((_, i) => isLocked[i])
  if (out.length === 0) return texts
  const rows = read.rows.filter((_, i) => !isLocked[i])
  const reason =
    'It also stands among the locked rows of the examples: the proof would measure what was read.'
  const leftOut = out.map(({ line, fields }) => ({ line, reason, excerpt: excerptOf(fields.text ?? '') }))
  return {
    ...texts,
    read: {
      ...read,
      rows,
      leftOut: [...read.leftOut, ...leftOut],
      leftOutCount: read.leftOutCount + out.length,
    },
    repeats: findRepeats(rows, scenarioOf('domain')),
    split: ok(rows.map(() => 'train' as const)),
  }
}

/** How many are left out for each reason, the most frequent first. */
export function reasonsOf(leftOut: ReadRows['leftOut']): { reason: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const { reason } of leftOut) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count)
}

const noText = ({ source, leftOut: [first], leftOutCount }: ReadRows): Problem => ({
  code: 'data.too-few-rows',
  message: `None of the ${leftOutCount} texts can be used.${first === undefined ? '' : ` The first, on line ${first.line}: ${first.reason}`}`,
  where: source.name,
  remedy: 'Choose another file for the first stage, or train without one.',
})

/** A run reads two files: a Problem says which one it is about. */
const ofFirstStage = (problem: Problem): Problem => ({
  ...problem,
  where: `${problem.where}, the file of the first stage (texts of your field)`,
})
