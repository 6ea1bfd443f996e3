// What the screen of experiments shows: search, filters, order and the ticked runs. It stands in the address, so that a
// reload and the way back from a run find it again. Pure.
import { mostCompared } from '#shared/contract/comparison.ts'
import { type RunQuery, type RunSort, runSorts, runVerdicts } from '#shared/journal-commands.ts'
import { activeStatuses, type RunStatus } from '#shared/journal-types.ts'
import { methodKinds, type ScenarioId, scenarioIds } from '#shared/recipe.ts'

/** Statuses as a person tells them apart. */
const statusGroups = {
  active: activeStatuses,
  finished: ['finished'],
  cancelled: ['cancelled'],
  interrupted: ['interrupted'],
  failed: ['failed', 'crashed'],
} as const satisfies Record<string, readonly RunStatus[]>
type StatusGroup = keyof typeof statusGroups
export const statusGroupNames = Object.keys(statusGroups) as readonly StatusGroup[]

export interface Filters {
  readonly project?: string
  readonly model?: string
  readonly scenario?: ScenarioId
  readonly method?: (typeof methodKinds)[number]
  readonly status?: StatusGroup
  readonly verdict?: (typeof runVerdicts)[number]
  readonly tag?: string
  /** Left out: runs that are not archived, of trials the pinned ones only. */
  readonly shown?: (typeof shownChoices)[number]
  /** At least so many. */
  readonly stars?: (typeof starChoices)[number]
}

/** Which runs there are to choose from: pinned ones, archived ones, trials of searches beside the others. */
export const shownChoices = ['pinned', 'trials', 'archived'] as const
export const starChoices = ['1', '2', '3', '4', '5'] as const

export interface ExperimentView {
  readonly text: string
  readonly filters: Filters
  readonly sort: RunSort
  readonly order: 'ascending' | 'descending'
  /** Ids of the ticked runs, in the order in which they were ticked. */
  readonly ticked: readonly string[]
  /** A journal that was opened for looking only; empty for one's own. */
  readonly journal: string
}

export const firstView: ExperimentView = {
  text: '',
  filters: {},
  sort: 'created',
  order: 'descending',
  ticked: [],
  journal: '',
}

/** As many as are compared at once; the address of so many has some 250,000 characters, which a browser takes. */
export const mostTicked = mostCompared

/** What the contract takes for an id. */
const isId = (text: string): boolean => text !== '' && text.length <= 200

type AddressQuery = Readonly<Record<string, unknown>>

/** What an address says; what it says wrongly counts as not said. */
export function readView(query: AddressQuery): ExperimentView {
  const textOf = (name: string): string => {
    const value = query[name]
    return typeof value === 'string' ? value : ''
  }
  const oneOf = <T extends string>(name: string, allowed: readonly T[]): T | undefined =>
    allowed.find((one) => one === textOf(name))
  const filters = {
    project: textOf('project') || undefined,
    model: textOf('model') || undefined,
    scenario: oneOf('scenario', scenarioIds),
    method: oneOf('method', methodKinds),
    status: oneOf('status', statusGroupNames),
    verdict: oneOf('verdict', runVerdicts),
    tag: textOf('tag') || undefined,
    shown: oneOf('shown', shownChoices),
    stars: oneOf('stars', starChoices),
  }
  return {
    text: textOf('text').slice(0, 500),
    filters: Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)),
    sort: oneOf('sort', runSorts) ?? firstView.sort,
    order: oneOf('order', ['ascending', 'descending'] as const) ?? firstView.order,
    ticked: [...new Set(textOf('runs').split(',').filter(isId))].slice(0, mostTicked),
    journal: isId(textOf('journal')) ? textOf('journal') : '',
  }
}

/** The address of a view; what is as usual is left out. */
export function writeView({
  text,
  filters,
  sort,
  order,
  ticked,
  journal,
}: ExperimentView): Record<string, string> {
  return {
    ...(text ? { text } : {}),
    ...filters,
    ...(sort === firstView.sort ? {} : { sort }),
    ...(order === firstView.order ? {} : { order }),
    ...(ticked.length > 0 ? { runs: ticked.join(',') } : {}),
    ...(journal ? { journal } : {}),
  }
}

/** The same view as the journal is asked for it. */
export function queryOf({ text, filters, sort, order }: ExperimentView): RunQuery {
  const { project, model, scenario, method, status, verdict, tag, shown, stars } = filters
  return {
    ...(text ? { text } : {}),
    ...(project === undefined ? {} : { projectId: project }),
    ...(model === undefined ? {} : { modelId: model }),
    ...(scenario === undefined ? {} : { scenario }),
    ...(method === undefined ? {} : { method }),
    ...(status === undefined ? {} : { statuses: [...statusGroups[status]] }),
    ...(verdict === undefined ? {} : { verdict }),
    ...(tag === undefined ? {} : { tag }),
    ...(stars === undefined ? {} : { minRating: Number(stars) }),
    ...shownQuery(shown),
    sort,
    order,
  }
}

function shownQuery(shown: Filters['shown']): Pick<RunQuery, 'isPinned' | 'hasTrials' | 'archived'> {
  if (shown === 'pinned') return { isPinned: true }
  if (shown === 'trials') return { hasTrials: true }
  return shown === 'archived' ? { archived: 'only', hasTrials: true } : {}
}

/** The journal that calls which only read are about, as the contract takes it. */
export const ofJournal = (journal: string): { readonly journal?: string } =>
  journal === '' ? {} : { journal }

export const isFiltered = ({ text, filters }: ExperimentView): boolean =>
  text !== '' || Object.keys(filters).length > 0

/** A first click sorts figures and times from the top, words from A; another turns it round. */
export function sortedBy(view: ExperimentView, sort: RunSort): ExperimentView {
  const isTurned = view.sort === sort
  const first = wordSorts.has(sort) ? 'ascending' : 'descending'
  if (!isTurned) return { ...view, sort, order: first }
  return { ...view, order: view.order === 'ascending' ? 'descending' : 'ascending' }
}

/** Also what is good when it is small. */
const wordSorts: ReadonlySet<RunSort> = new Set([
  ...(['name', 'project', 'model', 'scenario', 'status', 'method', 'tags', 'notes', 'verdict'] as const),
  'bestLoss',
])

/** These ticked too, as far as there is room. */
export const tickedToo = (ticked: readonly string[], runIds: readonly string[]): readonly string[] =>
  [...new Set([...ticked, ...runIds])].slice(0, mostTicked)

/** What is listed: how many, the rows of it that are known, and all of its ids where they were asked for. */
interface Listed {
  readonly total: number
  readonly loaded: readonly { readonly id: string }[]
  readonly ids: readonly string[]
}

/** Whether ticking all would change nothing, as far as it is known which runs are listed. */
export function areAllTicked(ticked: readonly string[], { total, loaded, ids }: Listed): boolean {
  const known = new Set([...loaded.map(({ id }) => id), ...ids])
  if (ticked.length < Math.min(total, mostTicked)) return false
  if (ticked.length >= mostTicked) return true
  const isTicked = new Set(ticked)
  return known.size >= total && [...known].every((id) => isTicked.has(id))
}

export function toggled(ticked: readonly string[], runId: string): readonly string[] {
  if (ticked.includes(runId)) return ticked.filter((id) => id !== runId)
  return ticked.length < mostTicked ? [...ticked, runId] : ticked
}
