// Commands for the journal of all runs: keeping it safe, carrying it out and bringing it in.
import { Argument, type Command } from 'commander'
import { type JournalForm, journalForms } from '#shared/contract/index.ts'
import { addCommand, addReadingCommand, type Run } from './program-command.ts'

export function addJournalCommands(program: Command, run: Run): void {
  const journal = program.command('journal').description('the journal of all runs')
  addJournalKeeping(journal, run)
  addArchiveCommands(journal, run)
}

function addJournalKeeping(journal: Command, run: Run): void {
  const load = () => import('./commands/journal.ts')
  addCommand(journal, 'restore', 'after damage: put the newest verified backup in its place')
    .option('--backup <name>', 'this backup instead, by its name in: journal backups')
    .action((options: { backup?: string }, command: Command) =>
      run(command, async (application) => (await load()).restoreJournal(application, options)),
    )
  addCommand(journal, 'backups', 'the backups there are, newest first').action((_options, command: Command) =>
    run(command, async (application) => (await load()).showBackups(application)),
  )
  addReadingCommand(journal, 'check', 'read every entry again, and keep what was found').action(
    (_options, command: Command) =>
      run(command, async (application) => (await load()).checkJournal(application)),
  )
  addCommand(
    journal,
    'accept',
    'take a journal that something else changed since it was closed as it is',
  ).action((_options, command: Command) =>
    run(command, async (application) => (await load()).acceptJournal(application)),
  )
}

function addArchiveCommands(journal: Command, run: Run): void {
  const load = () => import('./commands/archive.ts')
  addReadingCommand(journal, 'export', 'carry it out in an open form, or chosen runs as one bundle')
    .addArgument(new Argument('<form>').choices([...journalForms]))
    .option('--runs <run...>', 'of these runs only; a bundle wants some')
    .option('--to <folder>', "where it is put; left out, the library's exports")
    .option('--without-rows', 'of a bundle: rows of the data sets, and answers to them, stay here')
    .action(
      (
        form: JournalForm,
        options: { runs?: string[]; to?: string; withoutRows?: boolean },
        command: Command,
      ) =>
        run(command, async (application) =>
          (await load()).exportArchive(application, form, {
            runs: options.runs ?? [],
            rows: options.withoutRows !== true,
            ...(options.to === undefined ? {} : { to: options.to }),
          }),
        ),
    )
  addCommand(journal, 'exports', 'what was carried out before, and where it lies').action(
    (_options, command: Command) =>
      run(command, async (application) => (await load()).printExports(application)),
  )
  addCommand(
    journal,
    'import',
    "bring in another computer's journal (a journal.db, a backup) or a run bundle",
  )
    .argument('<file>')
    .action((file: string, _options: unknown, command: Command) =>
      run(command, async (application) => (await load()).importArchive(application, file)),
    )
}
