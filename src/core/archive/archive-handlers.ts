// The journal carried out and brought in, for the screens.
import type { JournalForm, SomeHandlers } from '#shared/contract/index.ts'
import { attemptAsync, fail, ok, type Problem } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { listCarriedOut } from './archive-folder.ts'
import { exportJournal } from './export-journal.ts'
import { givenFile } from './given-file.ts'
import { importJournal } from './import-journal.ts'

type ArchiveCallNames = 'journal.export' | 'journal.exports' | 'journal.import'

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
  return {
    'journal.export': ({ form, runIds, withRows }) =>
      ok(
        jobs.start({ kind: 'journal', title: titles[form] }, (tools) =>
          exportJournal({ form, runIds, withRows }, context, tools),
        ),
      ),
    'journal.exports': () =>
      attemptAsync(async () => ({ exports: await listCarriedOut(library.exportsFolder) })),
    'journal.import': async ({ handle }) => {
      if (isImporting) return fail(oneAtATime())
      const given = givenFile(context, handle)
      if (!given.ok) return given
      isImporting = true
      try {
        const never = new AbortController().signal
        const report = await importJournal(given.value.path, context, { signal: never, tell: () => {} })
        // Also after a Problem: runs may have come in before it.
        emit('experiments.changed', { runId: null })
        emit('journal.changed', { isDamaged: false, isExchanged: false })
        return report
      } finally {
        isImporting = false
        await given.value.done()
      }
    },
  }
}

const oneAtATime = (): Problem => ({
  code: 'journal.busy',
  message: 'Another journal is being brought in at the moment.',
  where: 'the journal',
  remedy: 'Wait until it is done.',
})
