// studies plan | start | list | show | resume | pause | stop | adopt
import { createPreparedRows } from '#core/data/prepared-rows.ts'
import { createPreparedTexts } from '#core/data/stage-texts.ts'
import { createProjectSource } from '#core/projects/project-source.ts'
import { createProjectStore } from '#core/projects/project-store.ts'
import { readSettings } from '#core/system/settings-store.ts'
import { changesOfSettings } from '#core/training/recipe-file.ts'
import { createRunPlanner, type OpenPlan } from '#core/training/run-planner.ts'
import { adoptTrial } from '#core/tuning/adopt-trial.ts'
import { trialsNow } from '#core/tuning/begun-trials.ts'
import { importanceAtOnce } from '#core/tuning/kept-importance.ts'
import { cardsFor, type PlannedStudy, planStudy, requirePlan } from '#core/tuning/plan-study.ts'
import { adoptableOf, cardOf, type LivingFacts, viewOf } from '#core/tuning/read-study.ts'
import { startStudy } from '#core/tuning/start-study.ts'
import { atItsEnd } from '#core/tuning/study-problems.ts'
import { requestOfStudy } from '#core/tuning/study-requests.ts'
import { stopAtRest } from '#core/tuning/trial-end.ts'
import type { PlanOption } from '#shared/contract/index.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import { attempt, type Problem, ProblemError, unwrap } from '#shared/result.ts'
import { type JournalStudy, livingStudies, mostOfStudy } from '#shared/study.ts'
import type { Application } from '../application.ts'
import { followStudy } from '../follow-study.ts'
import { settingOf } from '../setting-flags.ts'
import { type ReadFlags, readStudyFlags, type StudyFlags } from '../study-flags.ts'
import {
  cardHeading,
  cardRow,
  planLines,
  settingFlagsText,
  settingsText,
  studyLines,
} from '../study-report.ts'
import { formatTable } from '../table.ts'
import { readDraft } from './train.ts'

interface OpenSearch {
  readonly planned: PlannedStudy
  readonly flags: ReadFlags
  readonly projectId: string | null
  readonly name: string
}

/** A project by its id or name, else a recipe file, else flags alone. */
export async function planSearch(
  application: Application,
  recipePath: string | undefined,
  given: StudyFlags,
): Promise<void> {
  const { planned } = await openSearch(application, recipePath, given)
  const { view } = planned
  const { output } = application
  if (view.blocking !== null) throw new ProblemError(view.blocking)
  for (const line of planLines(view)) output.line(line)
  output.result(view)
}

export async function startSearch(
  application: Application,
  recipePath: string | undefined,
  given: StudyFlags,
): Promise<void> {
  const { library, output } = application
  const writer = application.writer()
  const reader = application.reader()
  const { planned, flags, projectId, name } = await openSearch(application, recipePath, given)
  await requirePlan(Promise.resolve(planned))
  for (const line of planLines(planned.view)) output.line(line)
  const place = { ...(projectId !== null && { projectId }), name }
  const ports = { library, reader, writer }
  const { studyId, changed } = await startStudy(planned, flags.wishes, place, ports)
  for (const line of changed) output.line(line)
  output.line(`The search (study) ${studyId} begins. Ctrl-C pauses it.`)
  await followToEnd(application, studyId, false)
}

export async function resumeSearch(application: Application, studyId: string): Promise<void> {
  application.writer()
  await followToEnd(application, studyId, true)
}

async function followToEnd(application: Application, studyId: string, isResumed: boolean): Promise<void> {
  const view = await followStudy(application, studyId, isResumed)
  application.output.line()
  for (const line of studyLines(view)) application.output.line(line)
  application.output.result(view)
}

async function openSearch(
  application: Application,
  recipePath: string | undefined,
  given: StudyFlags,
): Promise<OpenSearch> {
  const { library } = application
  const reader = application.reader()
  const flags = readStudyFlags(given)
  const rooms = projectRooms(application)
  const prepare = createPreparedRows()
  const planner = createRunPlanner(
    { library, reader, pinnedDevice: () => readSettings(library).device },
    rooms.projects,
    prepare,
    createPreparedTexts(createPreparedRows()),
  )
  const settings = (given.set ?? []).map(settingOf)
  const search = async (open: OpenPlan, projectId: string | null, changes: PlanOption['changes']) => {
    const { device } = open.recipe(flags.preset, changes)
    const cards = await cardsFor(library, device, open.model.id)
    const wanted = { projectId, preset: flags.preset, changes, wishes: flags.wishes }
    return planStudy(open, wanted, { reader, cards, nowMs: Date.now() })
  }
  if (given.project === undefined) {
    const draft: RecipeDraft = readDraft(recipePath, { settings, columns: given.column ?? [] })
    const name =
      given.name ?? `Search of ${draft.name ?? draft.data.path}`.slice(0, mostOfStudy.nameCharacters)
    return { planned: await search(await planner.ofDraft(draft), null, {}), flags, projectId: null, name }
  }
  const { id, name } = findProject(application, given.project)
  const changes = unwrap(changesOfSettings(settings))
  const planned = await search(await planner.ofProject(id), id, changes)
  return {
    planned,
    flags,
    projectId: id,
    name: given.name ?? `Search of ${name}`.slice(0, mostOfStudy.nameCharacters),
  }
}

function projectRooms({ library, reader }: Application) {
  const store = createProjectStore(library)
  return { store, projects: createProjectSource(reader(), store) }
}

/** By id, or by a name that one project has. */
function findProject(application: Application, text: string): { readonly id: string; readonly name: string } {
  const projects = unwrap(application.reader().projects())
  const found = projects.find(({ id }) => id === text)
  const named = projects.filter(({ name }) => name === text)
  const project = found ?? (named.length === 1 ? named[0] : undefined)
  if (project !== undefined) return project
  throw new ProblemError({
    code: 'project.unknown',
    message: named.length > 1 ? 'Several projects have this name.' : 'There is no such project.',
    where: text,
    remedy: 'Name it by its id: tunewright call projects.list',
  })
}

/** The study that a person means: its id, the beginning or the end of it, or "latest". */
export function findStudy(application: Application, text: string): string {
  if (text.trim() === '')
    throw new ProblemError({
      code: 'usage.invalid',
      message: 'No search is named.',
      where: 'search',
      remedy: 'Name it by its id or write "latest"; tunewright studies list shows all.',
    })
  const studies = unwrap(application.reader().studies())
  if (text === 'latest' && studies[0]) return studies[0].id
  const found = studies.filter(({ id }) => text.length >= 6 && (id.startsWith(text) || id.endsWith(text)))
  return found.length === 1 && found[0] ? found[0].id : text
}

/** Nobody may be at work on it in another program: that cannot be seen from here. */
const waitingOf = ({ status }: JournalStudy): string | null => {
  if (status === 'paused') return 'It is paused.'
  return livingStudies.includes(status) ? 'It goes on by itself while Tunewright is open.' : null
}

/** What only a program that works on it knows is left out. */
const restingFacts = (application: Application, study: JournalStudy): LivingFacts => ({
  ...{ doneShare: null, timeLeftMs: null, waiting: waitingOf(study) },
  stood: application.stoodOf(study.id),
})

export function listSearches(application: Application): void {
  const { output } = application
  const reader = application.reader()
  const cards = unwrap(reader.studies()).map((study) =>
    cardOf(study, trialsNow(reader, study.id), restingFacts(application, study)),
  )
  if (cards.length === 0) output.line('No searches yet. Start one with: tunewright studies start RECIPE.yaml')
  else for (const line of formatTable(cardHeading, cards.map(cardRow))) output.line(line)
  output.result({ studies: cards })
}

export function showSearch(application: Application, studyId: string): void {
  const { output } = application
  const reader = application.reader()
  const study = unwrap(reader.study(studyId))
  const found = viewOf(reader, study, restingFacts(application, study), importanceAtOnce)
  // Of another journal no trial can be made the plan of one's own project, and of a copy none at all.
  const view = reader.path === application.library.journalPath ? found : { ...found, adoptable: null }
  for (const line of studyLines(view)) output.line(line)
  output.result(view)
}

const notHeard = (studyId: string): Problem => ({
  code: 'journal.locked',
  message: 'Another program has the journal open, and it did not answer: it does not look after searches.',
  where: `search ${studyId}`,
  remedy: 'Nothing was changed. Wait until that program is done, or close it, and ask again.',
})

/** One at work is asked through the process that owns it; one at rest is changed in the journal. */
export async function endSearch(
  application: Application,
  studyId: string,
  wish: 'pause' | 'stop',
): Promise<void> {
  const { output, library } = application
  const study = unwrap(application.reader().study(studyId))
  const isLiving = livingStudies.includes(study.status)
  // One that failed can still be gone on with, so it can be stopped too.
  if (!isLiving && (wish === 'pause' || study.status !== 'failed')) throw new ProblemError(atItsEnd(study))
  const writer = attempt(() => application.writer())
  if (!writer.ok && (writer.problem.code !== 'journal.locked' || !isLiving))
    throw new ProblemError(writer.problem)
  if (writer.ok && wish === 'stop') stopAtRest(application.reader(), writer.value, studyId)
  else if (writer.ok) unwrap(writer.value.changeStudy(studyId, { status: 'paused' }))
  else if (!(await requestOfStudy(library, { studyId, kind: wish })))
    throw new ProblemError(notHeard(studyId))
  const done = wish === 'stop' ? 'stopped; what it found stays' : 'paused'
  output.line(
    writer.ok
      ? `The search ${studyId} is ${done}.`
      : `Asked the program that has the journal open to ${wish} the search ${studyId}; a trial at work saves a checkpoint first.`,
  )
  output.result({ studyId, status: writer.ok ? (wish === 'stop' ? 'stopped' : 'paused') : 'asked' })
}

/** `trial`: counted from 1, as the table does; left out, the one that the study recommends. */
export async function adoptSearch(
  application: Application,
  studyId: string,
  trial: number | undefined,
): Promise<void> {
  const { library, output } = application
  const writer = application.writer()
  const reader = application.reader()
  const study = unwrap(reader.study(studyId))
  const trials = unwrap(reader.trials(studyId))
  const number = trial === undefined ? adoptableOf(study, trials) : trial - 1
  if (number === null)
    throw new ProblemError({
      code: 'run.not-finished',
      message: 'This search has no trial that is worth taking over.',
      where: `search ${studyId}`,
      remedy: 'Name one with --trial, or keep the plan as it is.',
    })
  const adopted = await adoptTrial(studyId, number, {
    ...{ library, reader, writer },
    ...projectRooms(application),
  })
  const settings = trials.find((one) => one.number === number)?.settings ?? {}
  if (!adopted.ok && adopted.problem.code === 'project.not-ready') {
    output.line('This search began from a recipe file. Train with these settings:')
    output.line(`  ${settingFlagsText(settings)}`)
  } else {
    unwrap(adopted)
    output.line(`Trial ${number + 1} is the plan of ${study.projectName} now: ${settingsText(settings)}`)
  }
  output.result({ studyId, number, settings, isPlan: adopted.ok })
}
