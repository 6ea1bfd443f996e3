// Takes a snapshot of a person's examples into the library: split, hashed, never changed again. The same content with
// the same settings is the same data set, and importing it again does nothing.
import { createHash } from 'node:crypto'
import { chmod, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetFile, DatasetManifest } from '#shared/dataset.ts'
import type { RecipeDraft, ScenarioId } from '#shared/recipe.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { DatasetRow, SplitName } from '#shared/rows.ts'
import { writeFolderDurably, writeNewFile } from '../system/durable-files.ts'
import type { Library } from '../system/library.ts'
import { type PreparedData, prepareData } from './check-data.ts'
import { damaged, datasetFolder, loadManifest, manifestName, readVerified } from './dataset-folder.ts'
import { countParts } from './split.ts'

const fileNames = {
  train: 'train.jsonl',
  validation: 'validation.jsonl',
  /** Not a name that anybody opens by habit; see test-set.ts. */
  test: 'test.locked.jsonl',
  leftOut: 'left-out.jsonl',
} as const

/** Imports `data.path` for a scenario. Problems: those of reading the file, `data.columns`, `data.too-few-rows`. */
export function importDataset(
  library: Library,
  data: RecipeDraft['data'],
  scenario: ScenarioId,
): Promise<Result<DatasetManifest>> {
  return attemptAsync(async () => {
    const { path, ...settings } = data
    return keepDataset(library, await prepareData(path, { scenario, ...settings }), scenario)
  })
}

/** What the data set of these rows is called, without keeping it. */
export const fingerprintOf = (prepared: PreparedData, scenario: ScenarioId): string =>
  hashContent(prepared, scenario).slice(0, 16)

/** Puts rows that were read into the library. Throws a ProblemError, `data.too-few-rows` where they could not be split. */
export async function keepDataset(
  library: Library,
  prepared: PreparedData,
  scenario: ScenarioId,
): Promise<DatasetManifest> {
  const parts = unwrap(prepared.split)
  const contentSha256 = hashContent(prepared, scenario)
  const fingerprint = contentSha256.slice(0, 16)
  const folder = datasetFolder(library, fingerprint)
  if (await exists(folder)) return confirmKnown(folder, contentSha256)
  const manifest = describe(prepared, scenario, parts, contentSha256)
  try {
    return await writeFolderDurably(folder, (temporary) => fill(temporary, prepared, parts, manifest))
  } catch (error) {
    // Another process imported the same content at the same moment.
    if (await exists(folder)) return confirmKnown(folder, contentSha256)
    throw error
  }
}

type ManifestHead = Omit<DatasetManifest, 'files'>

function describe(
  { read, fixes, groupColumn, repeats, labels, facts, settings }: PreparedData,
  scenario: ScenarioId,
  parts: readonly SplitName[],
  contentSha256: string,
): ManifestHead {
  return {
    version: 1,
    fingerprint: contentSha256.slice(0, 16),
    contentSha256,
    scenario,
    source: read.source,
    format: read.shape,
    columns: { ...read.match.columns },
    labels: labels === null ? null : [...labels],
    facts,
    split: { ...settings },
    fixes: fixes.map(({ id }) => id),
    groupColumn,
    counts: { ...countParts(parts), leftOut: read.leftOutCount },
    duplicateRows: repeats.duplicateRows,
    contradictions: repeats.contradictions.length,
  }
}

/** Everything the parts are a function of. Rows are hashed with their place, so equal texts elsewhere are another set. */
function hashContent(
  { read, fixes, groupColumn, near, settings }: PreparedData,
  scenario: ScenarioId,
): string {
  const hash = createHash('sha256')
  const add = (value: unknown): void => {
    hash.update(`${JSON.stringify(value)}\n`)
  }
  add(['tunewright data set', 1, scenario, Object.entries(read.match.columns)])
  add([settings.seed, settings.validationShare, settings.testShare, read.leftOutCount])
  // Only where they say something: data sets from before they were known keep their fingerprints.
  if (near.isKeptTogether) add(['near repeats together'])
  if (fixes.length > 0) add(['fixes', fixes.map(({ id }) => id)])
  if (groupColumn !== null) add(['groups', groupColumn, read.groups])
  for (const { line, reason, excerpt } of read.leftOut) add([line, reason, excerpt])
  for (const { rowId, line, fields } of read.rows) add([rowId, line, Object.entries(fields)])
  return hash.digest('hex')
}

async function fill(
  folder: string,
  { read }: PreparedData,
  parts: readonly SplitName[],
  head: ManifestHead,
): Promise<DatasetManifest> {
  const rowsOf = (part: SplitName): DatasetRow[] => read.rows.filter((_, i) => parts[i] === part)
  const write = async (name: string, values: readonly unknown[]): Promise<DatasetFile> => {
    const written = await writeNewFile(join(folder, name), jsonLines(values))
    return { name, rows: values.length, ...written }
  }
  const files = {
    train: await write(fileNames.train, rowsOf('train')),
    validation: await write(fileNames.validation, rowsOf('validation')),
    test: await write(fileNames.test, rowsOf('test')),
    leftOut: await write(fileNames.leftOut, read.leftOut),
  }
  for (const { name } of Object.values(files)) await chmod(join(folder, name), 0o400)
  const manifest: DatasetManifest = { ...head, files }
  const text = `${JSON.stringify(manifest, null, 2)}\n`
  await writeNewFile(join(folder, manifestName), [new TextEncoder().encode(text)])
  return manifest
}

function* jsonLines(values: readonly unknown[]): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  let text = ''
  for (const value of values) {
    text += `${JSON.stringify(value)}\n`
    if (text.length < 1 << 18) continue
    yield encoder.encode(text)
    text = ''
  }
  if (text !== '') yield encoder.encode(text)
}

async function confirmKnown(folder: string, contentSha256: string): Promise<DatasetManifest> {
  const manifest = await loadManifest(folder).catch((error: unknown) => {
    // To import the file again would lead here again.
    if (error instanceof ProblemError && error.problem.code === 'data.unknown')
      throw damaged(folder, `${manifestName} is missing`)
    throw error
  })
  if (manifest.contentSha256 !== contentSha256)
    throw damaged(folder, `it holds another data set: ${manifest.contentSha256}`)
  for (const file of Object.values(manifest.files)) await readVerified(folder, file)
  return manifest
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
