// A data set in the library: what its manifest says, and what is recorded when its locked test set is opened.
import { z } from 'zod'
import { fixId } from './data-fixes.ts'
import { count, sha256Hex } from './fields.ts'
import { scenarioId } from './recipe.ts'

/** On fewer locked rows nothing can be proved. */
export const fewestTestRows = 20

/** One file of the data set's folder. */
export const datasetFile = z.strictObject({
  name: z.string(),
  rows: count,
  sizeBytes: count,
  sha256: sha256Hex,
})
export type DatasetFile = z.output<typeof datasetFile>

/** What an instruction can be written from, sorted. */
export const dataFacts = z.strictObject({
  /** Labels, or kinds of entity. */
  labels: z.array(z.string()),
  /** Languages of a translation's two sides, as the file names them. */
  sourceLanguages: z.array(z.string()),
  targetLanguages: z.array(z.string()),
})
export type DataFacts = z.output<typeof dataFacts>

export const datasetManifest = z.strictObject({
  version: z.literal(1),
  /** Name of the folder: the first 16 hex digits of `contentSha256`. */
  fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
  /** SHA-256 over the rows used and left out, the scenario, the columns and the split's settings. */
  contentSha256: sha256Hex,
  scenario: scenarioId,
  /** The file it came from: its name without folders, and its bytes. */
  source: z.strictObject({ name: z.string(), sizeBytes: count, sha256: sha256Hex }),
  /** How the file was read. */
  format: z.strictObject({
    format: z.enum(['csv', 'json', 'jsonl', 'text', 'conll']),
    encoding: z.string(),
    encodingFrom: z.enum(['byte order mark', 'valid UTF-8', 'guess', 'choice']),
    delimiter: z.enum([',', ';', '\t', '|']).nullable(),
    hasQuotes: z.boolean(),
    hasHeader: z.boolean(),
    listName: z.string().nullable(),
  }),
  /** Column of the file for each role that has one. */
  columns: z.record(z.string(), z.string()),
  /** Every label, sorted; null where answers are free text. */
  labels: z.array(z.string()).nullable(),
  /** What the scenario's own instruction is written from; null in data sets from before it was kept. */
  facts: dataFacts.nullable().default(null),
  split: z.strictObject({ seed: count, validationShare: z.number(), testShare: z.number() }),
  /** Repairs that were done before the split; what they took out stands among the rows left out. */
  fixes: z.array(fixId).default([]),
  /** Column whose equal values lie on one side of the split. */
  groupColumn: z.string().nullable().default(null),
  counts: z.strictObject({ train: count, validation: count, test: count, leftOut: count }),
  /** Rows whose text occurs in an earlier row too, and texts that occur with more than one answer. */
  duplicateRows: count,
  contradictions: count,
  files: z.strictObject({
    train: datasetFile,
    validation: datasetFile,
    test: datasetFile,
    leftOut: datasetFile,
  }),
})
export type DatasetManifest = z.output<typeof datasetManifest>

/** Handed to whoever opens the locked test set's rows, before a row is read: an entry for the journal. */
export interface TestSetOpening {
  readonly datasetFingerprint: string
  readonly rows: number
  readonly sha256: string
}
