// A trial that is at its end while its search goes on, and a search at its end: what the terminal says to whoever would
// continue, cancel or pause them, also while another program has the journal open.
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { temporaryFolder } from '../journal/support/folders.ts'
import { addSampleLibrary, good, stepEvent } from '../journal/support/sample.ts'
import { sampleSpec, sampleTrial } from '../journal/support/study.ts'
import { ask } from './own-process.ts'

const work = temporaryFolder()

interface Search {
  readonly run: (...parameters: string[]) => ReturnType<typeof ask>
  readonly writer: JournalWriter
  readonly studyId: string
  readonly pruned: string
  readonly stopped: string
  readonly planned: string
}

/** A search at work with a trial that was given up, one that was stopped by hand, and one to come. */
function search(): Search {
  const home = join(mkdtempSync(join(work, 'home-')), 'library')
  const writer = good(openJournalWriter(openLibrary(home).journalPath))
  const newRun = addSampleLibrary(writer)
  const studyId = 'study-at-work'
  good(writer.createStudy({ id: studyId, projectId: newRun.projectId, name: 'A night', spec: sampleSpec }))
  const [pruned = '', stopped = '', planned = ''] = [0, 1, 2].map(
    (number) =>
      good(writer.addTrial(sampleTrial(studyId, number), { ...newRun, name: `Trial ${number}` })).runId ?? '',
  )
  for (const [number, id] of [pruned, stopped].entries()) {
    good(writer.startAttempt(id))
    good(writer.appendEvents(id, 1, [stepEvent(1, 1)]))
    const status = number === 0 ? 'pruned' : 'stopped'
    if (number === 1) good(writer.setRunStatus(id, 'cancelled'))
    else good(writer.finishRun(id, { reason: 'pruned', bestStep: 1, bestLossNats: 1, adapterSha256: null }))
    const end = { studyId, number, status, lossNats: null, lossStep: null } as const
    good(writer.endTrial({ ...end, rungLosses: [], reason: 'Worse than others.', work: null }))
  }
  good(writer.changeStudy(studyId, { status: 'running' }))
  const run: Search['run'] = (...parameters) => ask({ home, work }, ...parameters)
  return { run, writer, studyId, pruned, stopped, planned }
}

test.each(['open', 'closed'] as const)(
  'journal %s elsewhere: an ended trial is told how it ended, not that it goes on with its search',
  async (how) => {
    const { run, writer, studyId, pruned, stopped, planned } = search()
    if (how === 'closed') good(writer.close())
    for (const [id, words] of [
      [pruned, 'This trial was given up early by its search; its search goes on with other trials.'],
      [stopped, 'This trial was stopped; its search goes on with other trials.'],
    ] as const)
      for (const command of ['resume', 'cancel']) {
        const { code, error } = await run('runs', command, id)
        expect([command, code, error]).toEqual([command, 1, expect.stringContaining(words)])
        expect(error).toContain(`runs retry ${id}`)
        expect(error).toContain(`studies stop ${studyId}`)
      }
    if (how === 'open') return good(writer.close())
    // One to come is another matter.
    expect((await run('runs', 'resume', planned)).error).toContain('It goes on with its search')
    expect((await run('runs', 'cancel', planned)).out).toContain('Its search goes on without it.')
  },
)

test('a run at its end cannot be cancelled, and that is what is said', async () => {
  const { run, writer, studyId, pruned } = search()
  good(writer.changeStudy(studyId, { status: 'stopped' }))
  good(writer.close())
  const { code, error } = await run('runs', 'cancel', pruned)
  expect([code, error]).toEqual([
    1,
    expect.stringContaining('came to its end already, so there is nothing to cancel'),
  ])
})

test.each([
  ['finished', 'This search came to its end.', 'Start a new search'],
  ['stopped', 'This search was stopped for good.', 'Start a new search'],
  ['failed', 'This search failed.', 'studies resume study-at-work'],
] as const)(
  'a search that is %s is told so when it is to be paused, whoever has the journal',
  async (status, words, help) => {
    const { run, writer, studyId } = search()
    good(writer.changeStudy(studyId, { status }))
    const whileOpen = await run('studies', 'pause', studyId)
    good(writer.close())
    const atRest = await run('studies', 'pause', studyId)
    for (const { code, error } of [whileOpen, atRest]) {
      expect([code, error]).toEqual([1, expect.stringContaining(words)])
      expect(error).toContain(help)
    }
    const stopped = await run('studies', 'stop', studyId)
    expect(stopped.code).toBe(status === 'failed' ? 0 : 1)
  },
)
