// A child process that commits so many events one by one and ends well. Usage: committer.ts FOLDER COMMITS
import { join } from 'node:path'
import { openJournalWriter } from '#journal/writer.ts'
import { addSampleLibrary, good, stepEvent } from './sample.ts'

const [folder = '', commits = '0'] = process.argv.slice(2)
const writer = good(openJournalWriter(join(folder, 'journal.db')))
const { id } = good(writer.createRun(addSampleLibrary(writer)))
good(writer.startAttempt(id))
for (let seq = 1; seq <= Number(commits); seq++) good(writer.appendEvents(id, 1, [stepEvent(seq, seq)]))
good(writer.close())
