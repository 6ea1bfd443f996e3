// A process that brings a journal into a library and is killed while it does. It says each run that it comes to.
import { importJournal } from '#core/archive/import-journal.ts'
import { openLibrary } from '#core/system/library.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { unwrap } from '#shared/result.ts'

const [home = '', file = ''] = process.argv.slice(2)
const library = openLibrary(home)
const writer = unwrap(openJournalWriter(library.journalPath))
process.stdout.write('open\n')
const report = await importJournal(
  file,
  { library, writer },
  {
    signal: new AbortController().signal,
    tell: (phase, done = 0) => process.stdout.write(`${phase} ${done}\n`),
  },
)
unwrap(report)
unwrap(writer.close())
process.stdout.write('done\n')
