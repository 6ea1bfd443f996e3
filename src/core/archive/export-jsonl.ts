// Everything that the journal has as JSON lines: one file for each kind of thing, row by row, so that memory does not grow
// with the journal. For whoever reads it with any program, in ten years too.
import type { ArchiveRow, ArchiveTable } from '#journal/archive-rows.ts'
import type { ExportWork } from './export-work.ts'

const pieceCharacters = 1 << 18

/** What a file holds, in a sentence; the names of its fields are those of the journal's columns (docs/journal.md). */
const kinds: Readonly<Record<ArchiveTable, string>> = {
  projects: 'Projects: `name`, `scenario`, `goal`; `removedAtMs` where a person removed it.',
  models: 'Models that runs began from, with the SHA-256 of their weights.',
  datasets: 'Data sets: their manifest and numbers of rows. The rows themselves are not in the journal.',
  studies: 'Searches over settings; `spec` decides one wholly and never changes.',
  runs: 'Runs: `recipe` decides one wholly; `device`, `versions`; how it ended; a person’s `notes`, `tags` and marks.',
  trials: 'Trials of the searches, by `studyId` and `number`; `runId` is the run that computed it.',
  events:
    'Everything that happened in a run, by `runId` and `seq`. Kind `step`: the training loss (`lossNats`) of an optimizer step; kind `evaluation`: the loss on validation rows.',
  evaluations:
    'Measurements on the locked test rows: `subject` is the model before (`base`) or after (`tuned`).',
  answers: 'The answers of each measurement, row by row.',
  comparisons: 'Base against tuned: the verdict, differences and 95 % intervals.',
  test_set_openings: 'Each look into a locked test set.',
  artifacts:
    'Files that runs made, by their path in the library, with their SHA-256; `removedAtMs` where one was removed, or its run wrote it again.',
  links: 'Where runs and studies come from: `runId` is the later one.',
  saved_views: 'Views of the list of runs that a person saved.',
  queue: 'What waits for its turn.',
  journal_checks: 'What checks of the whole journal found.',
}

export async function exportJsonl({ archive, runIds, write, signal, tell }: ExportWork): Promise<void> {
  const total = archive.tables.reduce((sum, table) => sum + archive.count(table, runIds), 0)
  let done = 0
  for (const table of archive.tables)
    await write(
      `${fileOf(table)}.jsonl`,
      lines(archive.rows(table, runIds), (rows) => {
        signal.throwIfAborted()
        done += rows
        tell('Writing JSON lines', done, total)
      }),
    )
  await write('README.md', readme(archive.tables, archive.schema))
}

const fileOf = (table: ArchiveTable): string => table.replaceAll('_', '-')

function* lines(rows: Iterable<ArchiveRow>, onRows: (rows: number) => void): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  let text = ''
  let waiting = 0
  for (const row of rows) {
    text += `${JSON.stringify(row)}\n`
    waiting += 1
    if (text.length < pieceCharacters) continue
    yield encoder.encode(text)
    onRows(waiting)
    text = ''
    waiting = 0
  }
  if (text !== '') yield encoder.encode(text)
  onRows(waiting)
}

const readme = (
  tables: readonly ArchiveTable[],
  schema: number,
): string => `# A Tunewright journal as JSON lines

Each file holds one kind of thing, one JSON object a line, UTF-8. Names are those of the journal's columns (schema ${schema}) in camelCase. Names that end in \`AtMs\` are UTC milliseconds since 1970; losses are nats. What does not apply is \`null\`.

| file | what a line is |
| --- | --- |
${tables.map((table) => `| \`${fileOf(table)}.jsonl\` | ${kinds[table]} |`).join('\n')}

Lines belong together by their ids: \`runId\`, \`projectId\`, \`modelId\`, \`datasetFingerprint\`, \`evaluationId\`, \`studyId\`.

The events of a run are a chain: \`hash\` is the SHA-256 of \`prevHash\` (32 bytes; zeros before the first) followed by the UTF-8 JSON list \`[runId, seq, attempt, atMs, kind, body]\`, where \`body\` is the body's JSON as a text, keys in the order of the file, without spaces. So a changed line is noticed. A step that was computed again after an interruption stands in it twice; the one with the higher \`attempt\` counts.
`
