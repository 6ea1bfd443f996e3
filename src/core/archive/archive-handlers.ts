// The journal carried out and brought in, for the screens.
import {
  type ImportReport,
  type JournalForm,
  journalJobs,
  type SomeHandlers,
} from '#shared/contract/index.ts'
import { attemptAsync, fail, ok, type Problem } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { listCarriedOut } from './archive-folder.ts'
import { exportJournal } from './export-journal.ts'
import { givenFile, namedFor } from './given-file.ts'
import { importJournal } from './import-journal.ts'

type ArchiveCallNames = 'journal.export' | 'journal.exports' | 'journal.import' | 'journal.imported'

const titles: Readonly<Record<JournalForm, string>> = {
  jsonl: 'Journal as JSON lines',
  parquet: 'Journal as Parquet',
  tensorboard: 'Journal for TensorBoard',
  mlflow: 'Journal for MLflow',
  bundle: 'Run bundle',
}

export function createArchiveHandlers(context: WorkstationContext): SomeHandlers<ArchiveCallNames> {
  const { library, jobs, emit } = context
  let isImporting = false
  const reports = new Map<string, ImportReport>()
  return {
    'journal.export': ({ form, runIds, withRows }) =>
      ok(
        jobs.start({ kind: 'journal', title: titles[form] }, (tools) =>
          exportJournal({ form, runIds, withRows }, context, tools),
        ),
      ),
    'journal.exports': () =>
      attemptAsync(async () => ({ exports: await listCarriedOut(library.exportsFolder) })),
    'journal.import': ({ handle }) => {
      if (isImporting) return fail(oneAtATime())
      const given = givenFile(context, handle)
      if (!given.ok) return given
      isImporting = true
      const file = given.value
      const { jobId } = jobs.start({ kind: 'journal', title: journalJobs.import }, async (tools) => {
        try {
          const report = namedFor(file, await importJournal(file.path, context, tools))
          if (!report.ok) return report
          reports.set(jobId, report.value)
          emit('experiments.changed', { runId: null })
          emit('journal.changed', { isDamaged: false, isExchanged: false })
          return report
        } finally {
          isImporting = false
          await file.done()
        }
      })
      return ok({ jobId })
    },
    'journal.imported': ({ jobId }) => ok({ report: reports.get(jobId) ?? null }),
  }
}

const oneAtATime = (): Problem => ({
  code: 'journal.busy',
  message: 'Another journal is being brought in at the moment.',
  where: 'the journal',
  remedy: 'Wait until it is done.',
})
