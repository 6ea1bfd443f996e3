// Chosen runs as one file, to be opened and run again elsewhere: their part of the journal, data sets, what they trained,
// readable copies, and a manifest with the SHA-256 of everything.
import { mkdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { openJournalArchive } from '#journal/archive-rows.ts'
import { openOwnSource } from '#journal/import-source.ts'
import { openJournalWriter } from '#journal/writer.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { attemptAsync, unwrap } from '#shared/result.ts'
import { datasetFolder, loadManifest } from '../data/dataset-folder.ts'
import { safeFolderName } from '../export/export-folder.ts'
import { bundleEnding } from '../export/export-place.ts'
import { appVersion } from '../system/app-version.ts'
import { asDiskProblem, renameDurably, sha256File, writeNewFile } from '../system/durable-files.ts'
import { hasTunedVersion, requireTunedUnchanged, tunedFiles } from '../training/tuned-version.ts'
import { type CarriedOut, freePlace } from './archive-folder.ts'
import {
  type BundledRun,
  type BundleFile,
  type BundleManifest,
  datasetFileNames,
  journalName,
  libraryPrefix,
  manifestName,
  readablePrefix,
} from './bundle-manifest.ts'
import { bundleReadme } from './bundle-readme.ts'
import { type ArchivePorts, type ExportRequest, noRuns, type Telling } from './export-work.ts'
import { putTogether } from './put-together.ts'
import { type PackedFile, zipped } from './zip-file.ts'

interface Packing extends Telling, ArchivePorts {
  readonly work: string
  readonly runs: readonly RunDetail[]
  readonly withRows: boolean
}

export async function exportBundle(
  { runIds, withRows, exportsFolder }: ExportRequest & { readonly exportsFolder: string },
  ports: ArchivePorts,
  telling: Telling,
): Promise<CarriedOut> {
  if (runIds === null || runIds.length === 0) throw noRuns()
  const runs = [...new Set(runIds)].map((id) => unwrap(ports.reader.getRun(id)))
  return putTogether(exportsFolder, async (folder) => {
    const work = join(folder, 'files')
    await mkdir(work)
    const { packed, manifest } = await collect({ ...ports, ...telling, work, runs, withRows })
    const total = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
    const whole = join(folder, 'bundle')
    const { sizeBytes: bytes } = await writeNewFile(
      whole,
      zipped(packed, (done) => {
        telling.signal.throwIfAborted()
        telling.tell('Packing', done, Math.max(total, done))
      }),
    )
    const [first] = runs
    const name = runs.length === 1 && first ? first.name : `${runs.length} runs`
    const place = await freePlace(exportsFolder, safeFolderName(name), bundleEnding)
    await renameDurably(whole, place)
    return { name: basename(place), place, form: 'bundle', bytes, createdAtMs: manifest.madeAtMs }
  })
}

async function collect(packing: Packing): Promise<{ packed: PackedFile[]; manifest: BundleManifest }> {
  const { runs, work, withRows, tell, signal } = packing
  tell('Reading what belongs to the runs')
  const tuned = new Map<string, readonly BundleSource[]>()
  for (const run of runs) tuned.set(run.id, await tunedSources(packing, run))
  const datasets = await datasetSources(packing)
  const inLibrary = [...[...tuned.values()].flat(), ...[...datasets.values()].flat()]
  signal.throwIfAborted()
  writeJournal(packing, new Set(inLibrary.map(({ path }) => path.slice(libraryPrefix.length))))
  const readable = await writeReadable(packing)
  const journal = await hashed({ path: journalName, source: join(work, journalName) })
  const about = {
    kind: 'tunewright-bundle',
    version: 1,
    madeAtMs: Date.now(),
    appVersion,
    withRows,
    runs: runs.map((run) => bundledRunOf(run, tuned, datasets)),
  } as const
  const readmeText = bundleReadme(about)
  const readme = await writtenAs(work, 'README.md', [new TextEncoder().encode(readmeText)])
  const sources = [readme, journal, ...readable, ...inLibrary]
  const files: BundleFile[] = sources.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }))
  const manifest = { ...about, files }
  await writeNewFile(join(work, manifestName), [
    new TextEncoder().encode(`${JSON.stringify(manifest, null, 1)}\n`),
  ])
  const packed = [{ path: manifestName, source: join(work, manifestName) }, ...sources]
  return { packed, manifest }
}

interface BundleSource extends BundleFile {
  /** Where it lies on this computer. */
  readonly source: string
}

async function hashed({ path, source }: Pick<BundleSource, 'path' | 'source'>): Promise<BundleSource> {
  return { path, source, bytes: (await stat(source)).size, sha256: await sha256File(source) }
}

/** What the run trained, where it is there and unchanged; a run without it can still be read and run again. */
async function tunedSources({ library, reader }: Packing, run: RunDetail): Promise<readonly BundleSource[]> {
  if (!hasTunedVersion(run)) return []
  const tuned = await requireTunedUnchanged(library, reader, run.id)
  if (!tuned.ok) return []
  const { folder, weights, others } = tunedFiles[tuned.value.kind]
  const paths = [weights, ...others].map((name) => `runs/${run.id}/${folder}/${name}`)
  return Promise.all(
    paths.map((path) =>
      hashed({ path: `${libraryPrefix}${path}`, source: join(library.home, ...path.split('/')) }),
    ),
  )
}

/** Files of every data set that is whole; none where rows stay here. */
async function datasetSources({
  library,
  runs,
  withRows,
}: Packing): Promise<Map<string, readonly BundleSource[]>> {
  const found = new Map<string, readonly BundleSource[]>()
  for (const fingerprint of new Set(runs.flatMap(fingerprintsOf))) {
    const folder = datasetFolder(library, fingerprint)
    const manifest = withRows ? await attemptAsync(() => loadManifest(folder)) : null
    if (manifest === null || !manifest.ok) continue
    const known = new Map(Object.values(manifest.value.files).map(({ name, sha256 }) => [name, sha256]))
    const files = await attemptAsync(() =>
      Promise.all(
        datasetFileNames.map((name) =>
          hashed({
            path: `${libraryPrefix}datasets/${fingerprint}/${name}`,
            source: join(folder, name),
          }).catch((error: unknown) => {
            throw asDiskProblem(error, folder)
          }),
        ),
      ),
    )
    const isWhole =
      files.ok && files.value.every(({ path, sha256 }) => (known.get(basename(path)) ?? sha256) === sha256)
    if (isWhole) found.set(fingerprint, files.value)
  }
  return found
}

const fingerprintsOf = ({ datasetFingerprint, beforeFingerprint }: RunDetail): string[] => [
  datasetFingerprint,
  ...(beforeFingerprint === null ? [] : [beforeFingerprint]),
]

/** A journal of its own with these runs only: any SQLite program opens it. */
function writeJournal({ reader, runs, work, withRows }: Packing, files: ReadonlySet<string>): void {
  const source = unwrap(openOwnSource(reader.path))
  try {
    const writer = unwrap(openJournalWriter(join(work, journalName)))
    try {
      const importing = unwrap(
        writer.importing(source, {
          origin: null,
          hasFile: (path) => files.has(path),
          bringsBack: false,
          isWithoutTexts: !withRows,
        }),
      )
      for (const { id } of runs) unwrap(importing.run(id))
    } finally {
      unwrap(writer.close())
    }
  } finally {
    source.close()
  }
}

/** What each run is, measured and answered, for whoever has no SQLite. */
async function writeReadable({ work, runs, withRows, signal }: Packing): Promise<BundleSource[]> {
  const archive = unwrap(openJournalArchive(join(work, journalName)))
  try {
    const written: BundleSource[] = []
    for (const run of runs) {
      signal.throwIfAborted()
      const folder = `${readablePrefix}${run.id}`
      const { id, name, status, recipe, device, versions, determinism, endReason, notes, tags } = run
      const about = { id, name, status, recipe, device, versions, determinism, endReason, notes, tags }
      const comparisons = [...archive.rows('comparisons', [id])]
      written.push(
        await writtenAs(work, `${folder}/run.json`, lines([{ ...about, comparisons }], 1)),
        await writtenAs(work, `${folder}/metrics.jsonl`, lines(archive.points(id))),
        ...(withRows
          ? [await writtenAs(work, `${folder}/answers.jsonl`, lines(archive.rows('answers', [id])))]
          : []),
      )
    }
    return written
  } finally {
    archive.close()
  }
}

function* lines(values: Iterable<unknown>, indent?: number): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  for (const value of values) yield encoder.encode(`${JSON.stringify(value, null, indent)}\n`)
}

async function writtenAs(work: string, path: string, chunks: Iterable<Uint8Array>): Promise<BundleSource> {
  const source = join(work, ...path.split('/'))
  await mkdir(dirname(source), { recursive: true })
  const { sizeBytes, sha256 } = await writeNewFile(source, chunks)
  return { path, source, bytes: sizeBytes, sha256 }
}

const bundledRunOf = (
  run: RunDetail,
  tuned: ReadonlyMap<string, readonly BundleSource[]>,
  datasets: ReadonlyMap<string, readonly BundleSource[]>,
): BundledRun => ({
  id: run.id,
  name: run.name,
  scenario: run.scenario,
  status: run.status,
  model: { id: run.modelId, name: run.modelName, weightsSha256: run.recipe.model.weightsSha256 },
  datasets: fingerprintsOf(run).map((fingerprint) => ({ fingerprint, hasRows: datasets.has(fingerprint) })),
  hasTunedVersion: (tuned.get(run.id) ?? []).length > 0,
})
