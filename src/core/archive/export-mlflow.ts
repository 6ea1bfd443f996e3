// Runs in the layout of MLflow's file store (mlruns/<experiment>/<run>/meta.yaml, params, metrics, tags): `mlflow ui` shows
// them. A project is an experiment. Artifacts stay in the library: a run bundle carries them.
import { createHash } from 'node:crypto'
import { dump } from 'js-yaml'
import type { CurvePoint } from '#journal/archive-rows.ts'
import type { WriteFile } from './archive-folder.ts'
import { type ExportWork, flatSettings, type ShownRun, shownRuns } from './export-work.ts'

/** MLflow refuses longer values of a parameter. */
const mostParameterCharacters = 6000
/** RunStatus of mlflow/protos/service.proto. */
const statusNumbers: Readonly<Record<string, number>> = {
  ...{ queued: 2, running: 1, paused: 1, finished: 3 },
  ...{ interrupted: 5, cancelled: 5, failed: 4, crashed: 4 },
}
/** SourceType LOCAL. */
const localSource = 4

export async function exportMlflow(work: ExportWork): Promise<void> {
  const { archive, write, signal, tell } = work
  const total = archive.count('runs', work.runIds)
  const experiments = new Set<string>()
  let done = 0
  for (const run of shownRuns(work)) {
    signal.throwIfAborted()
    const experiment = experimentOf(run)
    if (!experiments.has(experiment)) await write(`mlruns/${experiment}/meta.yaml`, experimentMeta(run))
    experiments.add(experiment)
    await writeRun(run, archive.points(run.id), write)
    done += 1
    tell('Writing MLflow files', done, total)
  }
  await write('README.md', readme)
}

async function writeRun(run: ShownRun, points: Iterable<CurvePoint>, write: WriteFile): Promise<void> {
  const folder = `mlruns/${experimentOf(run)}/${runFolder(run.id)}`
  const files = new Map<string, string | readonly Uint8Array[]>([
    ['meta.yaml', runMeta(run)],
    ['artifacts/recipe.json', `${JSON.stringify(run.recipe, null, 2)}\n`],
    ...parametersOf(run).map(([name, value]) => [`params/${name}`, value] as const),
    ...tagsOf(run).map(([name, value]) => [`tags/${name}`, value] as const),
    ...metricFiles(points).map(([name, lines]) => [`metrics/${name}`, lines] as const),
  ])
  // MLflow takes a folder without these for none of its runs.
  for (const part of ['metrics', 'params', 'artifacts']) await write.folder(`${folder}/${part}`)
  // Side by side: each file is flushed to the disk, and a run has dozens of small ones.
  await Promise.all([...files].map(([name, content]) => write(`${folder}/${name}`, content)))
}

/** Digits, as MLflow's own ids, from the project's id. */
const experimentOf = ({ projectId }: ShownRun): string =>
  BigInt(`0x${sha256(projectId).slice(0, 14)}`)
    .toString()
    .padStart(18, '1')

/** MLflow takes letters, digits, "_" and "-"; an id of another kind is named by its hash. */
const runFolder = (id: string): string => (/^[A-Za-z0-9][\w-]*$/.test(id) ? id : sha256(id).slice(0, 32))

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const experimentMeta = (run: ShownRun): string =>
  dump({
    artifact_location: `mlruns/${experimentOf(run)}`,
    creation_time: run.createdAtMs,
    experiment_id: experimentOf(run),
    last_update_time: run.createdAtMs,
    lifecycle_stage: 'active',
    name: run.projectName,
  })

const runMeta = (run: ShownRun): string =>
  dump({
    artifact_uri: `mlruns/${experimentOf(run)}/${runFolder(run.id)}/artifacts`,
    end_time: run.endedAtMs,
    entry_point_name: '',
    experiment_id: experimentOf(run),
    lifecycle_stage: 'active',
    run_id: runFolder(run.id),
    run_name: run.name,
    run_uuid: runFolder(run.id),
    source_name: '',
    source_type: localSource,
    source_version: '',
    start_time: run.startedAtMs ?? run.createdAtMs,
    status: statusNumbers[run.status] ?? 5,
    tags: [],
    user_id: 'tunewright',
  })

/** One line each: MLflow takes a value of several lines for damage. */
const parametersOf = ({ recipe }: ShownRun): [string, string][] =>
  flatSettings(recipe).map(([path, value]) => [
    path,
    (/\p{Cc}|\u2028|\u2029/u.test(value) ? JSON.stringify(value.replace(/\s/g, ' ')) : value).slice(
      0,
      mostParameterCharacters,
    ),
  ])

function tagsOf(run: ShownRun): [string, string][] {
  return [
    ['mlflow.runName', run.name],
    ['mlflow.user', 'tunewright'],
    ['mlflow.source.type', 'LOCAL'],
    ['tunewright.run', run.id],
    ['tunewright.status', run.status],
    ['tunewright.model', run.modelId],
    ['tunewright.dataset', run.datasetFingerprint],
    ['tunewright.backend', run.backend],
    ...(run.notes === '' ? [] : [['mlflow.note.content', run.notes] as [string, string]]),
    ...(run.tags.length === 0 ? [] : [['tunewright.tags', run.tags.join(', ')] as [string, string]]),
    ...Object.entries(run.versions).map(
      ([name, version]) =>
        [`tunewright.version.${name.replace(/[^\w.-]/g, '_')}`, version] as [string, string],
    ),
  ]
}

/** Lines of "time value step". */
function metricFiles(points: Iterable<CurvePoint>): [string, readonly Uint8Array[]][] {
  const files = new Map<string, { text: string; pieces: Uint8Array[] }>()
  const encoder = new TextEncoder()
  const add = (name: string, value: number | null, { atMs, step }: CurvePoint): void => {
    if (value === null) return
    const file = files.get(name) ?? { text: '', pieces: [] }
    files.set(name, file)
    file.text += `${atMs} ${value} ${step}\n`
    if (file.text.length < 1 << 16) return
    file.pieces.push(encoder.encode(file.text))
    file.text = ''
  }
  for (const point of points) {
    add(point.part === 'train' ? 'train_loss' : 'validation_loss', point.lossNats, point)
    add('learning_rate', point.learningRate, point)
    add('grad_norm', point.gradNorm, point)
  }
  return [...files].map(([name, { text, pieces }]) => [name, [...pieces, encoder.encode(text)]])
}

const readme = `# A Tunewright journal for MLflow

Projects are experiments. Show them with

    mlflow ui --backend-store-uri ./mlruns

Newer versions of MLflow keep runs in a database and read folders only where they are told to: set the variable \`MLFLOW_ALLOW_FILE_STORE=true\`, or take the runs over with \`mlflow migrate-filestore\`.

Metrics: \`train_loss\`, \`validation_loss\` (nats), \`learning_rate\`, \`grad_norm\`, by optimizer step; parameters are the recipe's settings by path. Files that runs made are not in it: export a run, or make a run bundle.
`
