// A project's rows for the screens: sent in pieces, read as the scenario reads them, judged.
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { CallInput, DataCheck, SomeHandlers, StageCheck } from '#shared/contract/index.ts'
import { fewestTestRows } from '#shared/dataset.ts'
import { metricFacts } from '#shared/metrics.ts'
import { attemptAsync, type Problem, type Result, unwrap } from '#shared/result.ts'
import { wilsonInterval } from '#shared/wilson-interval.ts'
import { dataOf, type FilledProject, type ProjectSource, stageDataOf } from '../projects/project-source.ts'
import type { ProjectStore } from '../projects/project-store.ts'
import { type Scenario, scenarioOf } from '../scenarios/scenarios.ts'
import { isTemporaryName, temporaryPath } from '../system/durable-files.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import type { PreparedData } from './check-data.ts'
import { type DataReport, reportOn } from './data-report.ts'
import type { PrepareRows } from './prepared-rows.ts'
import { type Preview, readPreview } from './preview.ts'
import { scoreData } from './score-card.ts'
import { mainLanguages } from './score-texts.ts'
import { type LaterExamples, type PrepareTexts, reasonsOf } from './stage-texts.ts'
import type { Uploads } from './uploads.ts'
import { asRead } from './value-excerpt.ts'

type DataCallNames =
  | 'upload.begin'
  | 'upload.piece'
  | 'upload.finish'
  | 'upload.cancel'
  | 'data.check'
  | 'data.checkBefore'
  | 'data.leftOut'

const exampleCharacters = 2000
const cellCharacters = 300
/** Reasons of texts left out that are told apart. */
const mostReasons = 3
/** Largest file of rows, of a model, and of a journal or bundle. */
const mostBytes = { data: 2e9, before: 2e9, model: 16e9, journal: 16e9 } as const

export function createDataHandlers(
  {
    library,
    reader,
    host,
    sent,
    emit,
  }: Pick<WorkstationContext, 'library' | 'reader' | 'host' | 'sent' | 'emit'>,
  projects: ProjectSource,
  store: Pick<
    ProjectStore,
    'files' | 'folderOf' | 'beforeFolderOf' | 'beforePath' | 'readDraft' | 'writeDraft'
  >,
  prepare: PrepareRows,
  prepareTexts: PrepareTexts,
  uploads: Uploads,
): SomeHandlers<DataCallNames> {
  /** Where a finished upload belongs: the project that is told of it. */
  const projectOfUpload = new Map<string, string>()

  const folderFor = (purpose: CallInput<'upload.begin'>['purpose']): string => {
    if (!('projectId' in purpose)) return temporaryPath(join(library.cacheFolder, 'upload'))
    const { kind, projectId } = purpose
    return kind === 'before' ? store.beforeFolderOf(projectId) : join(store.folderOf(projectId), 'files')
  }

  /** A first stage has one file: the newest. */
  async function clearBeside(path: string): Promise<void> {
    const others = (await readdir(dirname(path))).filter((name) => name !== basename(path))
    for (const name of others.filter((one) => !isTemporaryName(one)))
      unwrap(await host.moveToBin(join(dirname(path), name)))
  }

  /** What was chosen for the file before it stays only where this one has such a column too. */
  async function keepColumn(projectId: string, path: string): Promise<void> {
    const draft = store.readDraft(projectId)
    if (draft.beforeColumn === null) return
    const preview = await attemptAsync(() => readPreview(path, scenarioOf('domain')))
    if (preview.ok && preview.value.columns.includes(draft.beforeColumn)) return
    await store.writeDraft(projectId, { ...store.readDraft(projectId), beforeColumn: null })
  }

  /** The project where it has rows; null where it has none yet. */
  async function filled(projectId: string): Promise<FilledProject | null> {
    const source = await projects.sourceOf(projectId)
    return !source.ok && source.problem.code === 'project.not-ready' ? null : unwrap(source)
  }

  async function check(projectId: string): Promise<DataCheck> {
    const source = await filled(projectId)
    if (source === null) return { ...nothingRead, blocking: noFile() }
    const files = await store.files(projectId)
    const { project, paths } = source
    const preview = await attemptAsync(() => readPreview(paths[0], scenarioOf(project.scenario)))
    if (!preview.ok) return { ...nothingRead, files, blocking: preview.problem }
    const prepared = await attemptAsync(() => prepare(dataOf(source), project.scenario))
    if (!prepared.ok)
      return { ...nothingRead, files, ...previewed(preview.value, {}, []), blocking: prepared.problem }
    return { ...judged(source, prepared.value, preview.value), files }
  }

  /** What is read before them needs rows for nothing, but what is locked among them. */
  async function checkBefore(projectId: string): Promise<StageCheck | null> {
    const data = await stageDataOf(store, projectId)
    if (data === null) return null
    const columns = await attemptAsync(
      async () => (await readPreview(data.path, scenarioOf('domain'))).columns,
    )
    const later = await laterExamples(projectId)
    const texts = await attemptAsync(() => prepareTexts(data, later))
    return stageCheckOf(columns.ok ? columns.value : [], texts, later)
  }

  /** Null where there are none that can be read: what is wrong with them is said with them. */
  async function laterExamples(projectId: string): Promise<LaterExamples | null> {
    const source = await filled(projectId)
    if (source === null) return null
    const { scenario } = source.project
    const prepared = await attemptAsync(() => prepare(dataOf(source), scenario))
    return prepared.ok ? { prepared: prepared.value, scenario } : null
  }

  return {
    'upload.begin': ({ purpose, name, sizeBytes }) =>
      attemptAsync(async () => {
        if ('projectId' in purpose) unwrap(reader.project(purpose.projectId))
        const begun = unwrap(
          await uploads.begin(folderFor(purpose), name, sizeBytes, mostBytes[purpose.kind]),
        )
        if ('projectId' in purpose) projectOfUpload.set(begun.uploadId, purpose.projectId)
        return begun
      }),
    'upload.piece': ({ uploadId, offset, base64 }) => uploads.piece(uploadId, offset, base64),
    'upload.finish': ({ uploadId }) =>
      attemptAsync(async () => {
        const { name, path } = unwrap(await uploads.finish(uploadId))
        const projectId = projectOfUpload.get(uploadId)
        projectOfUpload.delete(uploadId)
        if (projectId === undefined) sent.add(uploadId, path)
        else {
          if (dirname(path) === store.beforeFolderOf(projectId)) {
            await clearBeside(path)
            await keepColumn(projectId, path)
          }
          emit('projects.changed', { projectId })
        }
        return { name }
      }),
    'upload.cancel': ({ uploadId }) => {
      projectOfUpload.delete(uploadId)
      return uploads.cancel(uploadId)
    },
    'data.check': ({ projectId }) => attemptAsync(() => check(projectId)),
    'data.checkBefore': ({ projectId }) =>
      attemptAsync(async () => {
        unwrap(reader.project(projectId))
        return { check: await checkBefore(projectId) }
      }),
    'data.leftOut': ({ projectId, offset, limit }) =>
      attemptAsync(async () => {
        const source = await filled(projectId)
        if (source === null) return { rows: [], total: 0 }
        const { read } = await prepare(dataOf(source), source.project.scenario)
        return { rows: read.leftOut.slice(offset, offset + limit), total: read.leftOutCount }
      }),
  }
}

function stageCheckOf(
  columns: readonly string[],
  texts: Result<PreparedData>,
  later: LaterExamples | null,
): StageCheck {
  const found = { isCut: false, leftOut: 0, reasons: [], isOwnRows: false, columns: [...columns] }
  if (!texts.ok) return { ...found, texts: 0, column: null, problem: texts.problem }
  const { rows, leftOut, leftOutCount, match, shape, source } = texts.value.read
  return {
    texts: rows.length,
    isCut: shape.format === 'text',
    leftOut: leftOutCount,
    reasons: reasonsOf(leftOut).slice(0, mostReasons),
    isOwnRows: later?.prepared.read.fileSums.includes(source.sha256) ?? false,
    columns: [...columns],
    column: match.columns.text ?? null,
    problem: null,
  }
}

const nothingRead: DataCheck = {
  files: [],
  form: '',
  columns: [],
  preview: [],
  usableRows: 0,
  leftOutRows: 0,
  split: null,
  labels: null,
  score: [],
  languages: [],
  ninetyMeans: null,
  instruction: '',
  example: null,
  blocking: null,
}

const previewed = (
  { form, columns, rows }: Preview,
  roleColumns: Readonly<Record<string, string>>,
  guessed: readonly string[],
): Pick<DataCheck, 'form' | 'columns' | 'preview'> => {
  const roleOf = new Map(Object.entries(roleColumns).map(([role, column]) => [column, role]))
  return {
    form,
    columns: columns.map((name) => {
      const role = roleOf.get(name) ?? null
      return { name, role, isGuessed: role !== null && guessed.includes(role) }
    }),
    preview: rows.map(({ line, values, note, isLeftOut }) => ({
      line,
      cells: columns.map((column) => {
        const marked = column === roleColumns.entities ? values.get(roleColumns.text ?? '') : undefined
        return asRead(values.get(column) ?? '', marked).slice(0, cellCharacters)
      }),
      note,
      isLeftOut,
    })),
  }
}

function judged(
  { project, draft, paths }: FilledProject,
  prepared: PreparedData,
  preview: Preview,
): Omit<DataCheck, 'files'> {
  const scenario = scenarioOf(project.scenario)
  const { read, repeats, facts, split } = prepared
  const report = reportOn(read, scenario, repeats, split)
  // Lines of several files cannot be told apart.
  const reasons = new Map(paths.length > 1 ? [] : read.leftOut.map(({ line, reason }) => [line, reason]))
  const instruction = draft.instruction ?? scenario.defaultInstruction({ ...facts, language: draft.language })
  const [first] = read.rows
  const example = first && scenario.toExamples(first, instruction)[0]
  const shown = previewed(preview, read.match.columns, read.match.guessed)
  return {
    ...shown,
    preview: shown.preview.map((row) => {
      const reason = reasons.get(row.line)
      return reason === undefined ? row : { ...row, note: reason, isLeftOut: true }
    }),
    usableRows: report.usableRows,
    leftOutRows: report.leftOutRows,
    split: report.split,
    labels: report.labels?.map(({ label, rows }) => ({ label, rows })) ?? null,
    score: scoreData(prepared, report, scenario),
    languages: mainLanguages(read.rows, scenario),
    ninetyMeans: ninetyMeans(report, scenario),
    instruction,
    example: example
      ? {
          prompt: example.prompt
            .map(({ content }) => content)
            .join('\n\n')
            .slice(0, exampleCharacters),
          answer: example.answer.slice(0, exampleCharacters),
        }
      : null,
    blocking: split.ok ? null : split.problem,
  }
}

/** Only where the verdict is a share, and on enough rows to say anything. */
function ninetyMeans({ split }: DataReport, { metrics: [decides] }: Scenario): DataCheck['ninetyMeans'] {
  if (split === null || split.test < fewestTestRows) return null
  return decides !== undefined && metricFacts[decides].unit === 'share'
    ? wilsonInterval(0.9, split.test)
    : null
}

const noFile = (): Problem => ({
  code: 'project.not-ready',
  message: 'There are no rows yet.',
  where: 'this project',
  remedy: 'Add a file, or take the sample.',
})
