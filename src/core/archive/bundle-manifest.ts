// What a run bundle says of itself: a zip file with chosen runs that reopens elsewhere. Everything in it is named here with
// its SHA-256, and nothing else may be in it.
import { z } from 'zod'
import { count, sha256Hex, text, timeMs } from '#shared/fields.ts'
import { tunedFiles } from '../training/tuned-version.ts'

export const manifestName = 'manifest.json'
export const journalName = 'journal.db'
/** Below it lies what goes into a library, at its place there. */
export const libraryPrefix = 'library/'
/** Copies for people and programs that know no SQLite. */
export const readablePrefix = 'readable/'

/** Names of a data set's files, as an import writes them. */
export const datasetFileNames = [
  'manifest.json',
  'train.jsonl',
  'validation.jsonl',
  'test.locked.jsonl',
  'left-out.jsonl',
] as const

const idText = '[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9_-])?'
const tunedPaths = Object.values(tunedFiles).map(
  ({ folder, weights, others }) => `${folder}/(?:${[weights, ...others].map(escaped).join('|')})`,
)
const allowed = new RegExp(
  `^(?:README\\.md|journal\\.db|readable/${idText}/(?:run\\.json|metrics\\.jsonl|answers\\.jsonl)|library/datasets/${idText}/(?:${datasetFileNames.map(escaped).join('|')})|library/runs/${idText}/(?:${tunedPaths.join('|')}))$`,
)

function escaped(name: string): string {
  return name.replaceAll('.', '\\.')
}

const bundleFile = z.strictObject({
  path: z.string().max(500).regex(allowed, 'not a file that belongs into a bundle'),
  bytes: count,
  sha256: sha256Hex,
})
export type BundleFile = z.output<typeof bundleFile>

const bundledRun = z.strictObject({
  id: text.min(1).max(200),
  name: text.max(500),
  scenario: z.string(),
  status: z.string(),
  /** The model that it began from; a bundle does not hold it. */
  model: z.strictObject({ id: z.string(), name: z.string(), weightsSha256: sha256Hex }),
  /** Data sets by fingerprint, and whether their rows are in the bundle. */
  datasets: z.array(z.strictObject({ fingerprint: z.string(), hasRows: z.boolean() })),
  /** What it trained is in the bundle. */
  hasTunedVersion: z.boolean(),
})
export type BundledRun = z.output<typeof bundledRun>

export const bundleManifest = z.strictObject({
  kind: z.literal('tunewright-bundle'),
  version: z.literal(1),
  madeAtMs: timeMs,
  appVersion: z.string(),
  /** Rows of the data sets, and answers to them, are in the bundle where they were there. */
  withRows: z.boolean(),
  runs: z.array(bundledRun).min(1).max(1000),
  files: z
    .array(bundleFile)
    .min(1)
    .max(20_000)
    .refine(
      (files) => new Set(files.map(({ path }) => path.toLowerCase())).size === files.length,
      'a name twice',
    ),
})
export type BundleManifest = z.output<typeof bundleManifest>
