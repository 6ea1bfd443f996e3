// Searches in the terminal that nobody works on: paused ones, and those of another journal.
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { otherJournal } from '../core/archive/other-journal.ts'
import { temporaryFolder } from '../journal/support/folders.ts'
import { addSampleLibrary, good, stepEvent } from '../journal/support/sample.ts'
import { addSampleStudy, sampleTrial } from '../journal/support/study.ts'
import { ask, askJson } from './own-process.ts'

const work = temporaryFolder()

test('the time of a trial that is not at its end counts in the list too', async () => {
  const home = join(mkdtempSync(join(work, 'home-')), 'library')
  const writer = good(openJournalWriter(openLibrary(home).journalPath))
  const newRun = addSampleLibrary(writer)
  addSampleStudy(writer, newRun, 'study-a')
  const trial = good(writer.addTrial(sampleTrial('study-a', 2), { ...newRun, name: 'Under way' }))
  const runId = trial.runId ?? ''
  good(writer.startAttempt(runId))
  good(writer.appendEvents(runId, 1, [stepEvent(1, 1), stepEvent(2, 2)]))
  good(writer.setRunStatus(runId, 'interrupted'))
  good(writer.changeStudy('study-a', { status: 'paused' }))
  good(writer.close())
  const place = { home, work }
  const { studies } = await askJson<{ studies: { workedMs: number }[] }>(place, 'studies', 'list')
  const { study } = await askJson<{ study: { workedMs: number } }>(place, 'studies', 'show', 'latest')
  expect(studies).toEqual([study])
  expect(study.workedMs).toBeGreaterThan(0)
})

// Bug: it was told as stopped, and that its trial was to be adopted into a project that is not here.
test('a search of another journal was not at its end, and none of its trials can be the plan here', async () => {
  const place = { home: join(mkdtempSync(join(work, 'home-')), 'library'), work }
  const { path, studyId } = otherJournal()
  const { out } = await ask(place, 'studies', 'show', studyId, '--journal', path)
  expect(out).toContain(`(${studyId}): was running, 1 trial, `)
  expect(out).toContain('\nThe search was not at its end: trial 1 has the lowest loss, 0.2500 nats.')
  expect(out).toContain('Plan and best settings were not trained again with other seeds yet.')
  expect(out).not.toContain('studies adopt')
})
