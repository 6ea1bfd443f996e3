// A child process that writes 600 steps of one run, one a commit. Usage: step-appender.ts JOURNAL
import { writeSync } from 'node:fs'
import { openJournalWriter } from '#journal/writer.ts'
import { addSampleLibrary, good, stepEvent } from './sample.ts'

const writer = good(openJournalWriter(process.argv[2] ?? ''))
const { id } = good(writer.createRun(addSampleLibrary(writer)))
good(writer.startAttempt(id))
for (let step = 1; step <= 600; step++) {
  good(writer.appendEvents(id, 1, [stepEvent(step, step)]))
  if (step === 1) writeSync(1, `${id}\n`)
}
good(writer.close())
