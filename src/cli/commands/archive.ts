// journal export FORM | exports | import FILE
import { resolve } from 'node:path'
import { listCarriedOut } from '#core/archive/archive-folder.ts'
import { exportJournal } from '#core/archive/export-journal.ts'
import type { Telling } from '#core/archive/export-work.ts'
import { importJournal } from '#core/archive/import-journal.ts'
import type { JournalForm } from '#shared/contract/index.ts'
import { type Problem, ProblemError, unwrap } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import type { Application } from '../application.ts'
import { formatTable } from '../table.ts'

export interface ExportOptions {
  readonly runs: readonly string[]
  readonly to?: string
  /** False after --without-rows. */
  readonly rows: boolean
}

const formWords: Readonly<Record<JournalForm, string>> = {
  jsonl: 'as JSON lines',
  parquet: 'as Parquet',
  tensorboard: "as TensorBoard's event files",
  mlflow: "in the layout of MLflow's file store",
  bundle: 'as a run bundle',
}

const noFolder: Problem = {
  code: 'usage.invalid',
  message: '--to names no folder.',
  where: '--to',
  remedy: "Name a folder, or leave --to out: then it goes into the library's exports.",
}

/** Ctrl-C ends the work with nothing left behind. */
function tellingOf({ output, onInterrupt }: Application): { telling: Telling; away: () => void } {
  const cancel = new AbortController()
  const away = onInterrupt(() => cancel.abort())
  const tell: Telling['tell'] = (phase, done = 0, total = 0) =>
    output.progress(total > 0 ? `${phase}: ${Math.floor((100 * done) / total)} %` : `${phase}…`)
  return { telling: { signal: cancel.signal, tell }, away }
}

export async function exportArchive(
  application: Application,
  form: JournalForm,
  { runs, to, rows }: ExportOptions,
): Promise<void> {
  if (to?.trim() === '') throw new ProblemError(noFolder)
  const { output } = application
  const reader = application.reader('as-written')
  const folder = to === undefined ? undefined : resolve(to)
  const runIds = runs.length === 0 ? null : runs.map((text) => application.findRun(text))
  const request = { form, runIds, withRows: rows, ...(folder !== undefined && { folder }) }
  const { telling, away } = tellingOf(application)
  try {
    const made = unwrap(await exportJournal(request, { library: application.library, reader }, telling))
    output.line(`The journal ${formWords[form]} (${formatBytes(made.bytes)}): ${made.place}`)
    output.result(made)
  } finally {
    away()
  }
}

export async function printExports({ library, output }: Application): Promise<void> {
  const exports = await listCarriedOut(library.exportsFolder)
  if (exports.length === 0) output.line('Nothing was carried out yet. Try: tunewright journal export jsonl')
  else
    for (const line of formatTable(
      ['made (UTC)', 'form', 'size', 'place'],
      exports.map(({ createdAtMs, form, bytes, place }) => [
        new Date(createdAtMs).toISOString().slice(0, 16).replace('T', ' '),
        form,
        formatBytes(bytes),
        place,
      ]),
    ))
      output.line(line)
  output.result({ exports })
}

export async function importArchive(application: Application, file: string): Promise<void> {
  const { library, output } = application
  const ports = { library, writer: application.writer() }
  const { telling, away } = tellingOf(application)
  try {
    const report = unwrap(await importJournal(resolve(file), ports, telling))
    const { projects, runs, studies, known, refused, notices } = report
    output.line(
      `Brought in: ${counted(runs, 'run')}, ${counted(studies, 'search', 'searches')}, ${counted(projects, 'project')}.`,
    )
    if (known > 0) output.line(`Here already, with the same contents: ${known}.`)
    for (const notice of notices) output.line(`! ${notice}`)
    for (const { what, reason } of refused) output.line(`Not brought in: ${what}. ${reason}`)
    output.result(report)
    application.backUpJournal()
  } finally {
    away()
  }
}

const counted = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`
