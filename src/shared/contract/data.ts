// A person's rows: uploaded in pieces, read, judged and repaired. Nothing is dropped without a reason that can be read.
import { z } from 'zod'
import { count } from '../fields.ts'
import { problem } from '../problem-schema.ts'
import { leftOutRow } from '../rows.ts'
import { call, id, nothing, page } from './define.ts'
import { fixId, projectFile } from './projects.ts'

/** Largest piece of an upload, in bytes before base64. */
export const uploadPieceBytes = 512 * 1024

export const dataColumn = z.strictObject({
  name: z.string(),
  role: z.string().nullable(),
  isGuessed: z.boolean(),
})

/** A row as the table shows it: long cells are cut at 300 characters. */
export const previewRow = z.strictObject({
  line: z.int(),
  cells: z.array(z.string()),
  /** Why it is left out or worth a look; null for a plain row. */
  note: z.string().nullable(),
  isLeftOut: z.boolean(),
})

export const scoreIds = [
  'split-leaks',
  'repeats',
  'near-repeats',
  'label-spellings',
  'contradictions',
  'personal-data',
  'labels',
  'lengths',
  'empty',
  'languages',
  'damaged-characters',
  'test-size',
] as const
export const scoreItem = z.strictObject({
  id: z.enum(scoreIds),
  state: z.enum(['good', 'look', 'bad']),
  /** The number on the card. */
  count: z.number(),
  /** One short line: what was counted. */
  title: z.string(),
  /** One real example, or what the number means; may hold the person's text. */
  detail: z.string(),
  /** Lines of the file that show it, at most ten. */
  lines: z.array(z.int()),
  fix: fixId.nullable(),
  isFixed: z.boolean(),
})
export type ScoreItem = z.output<typeof scoreItem>

export const dataCheck = z.strictObject({
  files: z.array(projectFile),
  /** "CSV, UTF-8", for the line below the heading. */
  form: z.string(),
  columns: z.array(dataColumn),
  preview: z.array(previewRow),
  usableRows: count,
  leftOutRows: count,
  split: z.strictObject({ train: count, validation: count, test: count }).nullable(),
  labels: z.array(z.strictObject({ label: z.string(), rows: count })).nullable(),
  score: z.array(scoreItem),
  /** What most of the rows are written in, by a guess: English names; empty where they do not tell. */
  languages: z.array(z.string()),
  /** With so many locked rows "90 % right" means from low to high; null without a split, with too few locked rows to prove
   * anything, and where the verdict is no share of right answers. */
  ninetyMeans: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
  /** What the model is told before every example, as it stands now. */
  instruction: z.string(),
  /** The first row as the model meets it: the rendered messages and the answer. */
  example: z.strictObject({ prompt: z.string(), answer: z.string() }).nullable(),
  /** Why one cannot go on yet; null where one can. */
  blocking: problem.nullable(),
})
export type DataCheck = z.output<typeof dataCheck>

/** Texts of the field for a first stage, as they would be read. */
export const stageCheck = z.strictObject({
  /** Texts of a size that fits into a training row. */
  texts: count,
  /** A plain text was cut: these are passages of it. */
  isCut: z.boolean(),
  leftOut: count,
  /** Why texts are left out, the most frequent reason first; at most three. */
  reasons: z.array(z.strictObject({ reason: z.string(), count })),
  /** The file is, byte for byte, one that the rows stand in. */
  isOwnRows: z.boolean(),
  /** Columns of the file, and the one that holds the text; none of a plain text. */
  columns: z.array(z.string()),
  column: z.string().nullable(),
  /** Why they cannot be read; null where they can. */
  problem: problem.nullable(),
})
export type StageCheck = z.output<typeof stageCheck>

export const dataCalls = {
  'upload.begin': call(
    z.strictObject({
      purpose: z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('data'), projectId: id }),
        /** Texts of the field for a first stage: one file, which takes the place of an earlier one. */
        z.strictObject({ kind: z.literal('before'), projectId: id }),
        z.strictObject({ kind: z.literal('model') }),
        /** Another computer's journal, or a run bundle: taken by \`journal.import\` or \`journal.open\`. */
        z.strictObject({ kind: z.literal('journal') }),
      ]),
      name: z.string().min(1).max(300),
      sizeBytes: count,
    }),
    z.strictObject({ uploadId: id }),
  ),
  /** Pieces come in order; `offset` is the number of bytes sent before. */
  'upload.piece': call(
    z.strictObject({ uploadId: id, offset: count, base64: z.string().max(uploadPieceBytes * 1.4) }),
    z.strictObject({ receivedBytes: count }),
  ),
  'upload.finish': call(z.strictObject({ uploadId: id }), z.strictObject({ name: z.string() })),
  'upload.cancel': call(z.strictObject({ uploadId: id }), nothing),
  /** Reads the project's files by its draft and judges them. Problems of reading are in `blocking` where a file is there. */
  'data.check': call(z.strictObject({ projectId: id }), dataCheck),
  /** Null where the project has no such file. */
  'data.checkBefore': call(
    z.strictObject({ projectId: id }),
    z.strictObject({ check: stageCheck.nullable() }),
  ),
  'data.leftOut': call(
    z.strictObject({ projectId: id, ...page }),
    z.strictObject({ rows: z.array(leftOutRow), total: count }),
  ),
} as const
