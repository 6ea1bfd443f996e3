// A journal that was opened for looking is asked as one's own is, and nothing of it is changed or mixed with one's own.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournalWriter } from '#journal/writer.ts'
import type { Api } from '#shared/contract/index.ts'
import { temporaryFolder } from '../../journal/support/folders.ts'
import { addSampleLibrary, codeOf, good, stepEvent } from '../../journal/support/sample.ts'
import { forgeRows } from '../../support/forged-rows.ts'
import { falsifyLoss, otherJournal } from '../archive/other-journal.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'
import { recordRun, recordStudy } from './recorded.ts'

test('every reading call reads the named journal; editing ones know its runs not', async () => {
  const { api, picked } = await openWorkstation()
  const other = otherJournal()
  picked.set('stick', other.path)
  const { journalId: journal, runs } = good(await api.call('journal.open', { handle: 'stick' }))
  const { rows, total } = good(
    await api.call('experiments.list', { journal, hasTrials: true, archived: 'with' }),
  )
  expect(total).toBe(runs)
  expect(good(await api.call('experiments.list', {})).total).toBe(0)
  const runIds = rows.slice(0, 2).map(({ id }) => id)
  const [runId = ''] = runIds

  const facets = good(await api.call('experiments.facets', { journal }))
  expect([facets.runs, facets.trials, facets.archived, facets.projects.length]).toEqual([6, 2, 0, 2])
  expect(good(await api.call('experiments.curves', { runIds, journal })).curves).toHaveLength(2)
  expect(good(await api.call('experiments.compare', { runIds, journal })).lockedRows).toHaveLength(2)
  good(await api.call('experiments.answers', { runIds, journal }))
  const { entries } = good(await api.call('experiments.timeline', { journal }))
  expect(entries.find(({ kind }) => kind === 'study')?.learned[1]).toMatch(
    /^The search was not at its end: trial 1 has the lowest loss/,
  )
  const lineage = good(await api.call('experiments.lineage', { runId, journal }))
  expect(lineage.nodes.map(({ id }) => id)).toContain(runId)

  // Nobody works on it here, so it rests; how it stood when that journal was written is told.
  expect(good(await api.call('studies.list', { journal })).studies).toMatchObject([
    { id: other.studyId, status: 'stopped', stood: 'running' },
  ])
  const { study, verdict } = good(await api.call('studies.get', { studyId: other.studyId, journal }))
  expect(study.stood).toBe('running')
  expect(verdict.sentence).toMatch(/^The search was not at its end: trial 1 has the lowest loss/)
  expect(verdict.reasons).toEqual([
    'Plan and best settings were not trained again with other seeds yet.',
    'It was at work when this journal was last written.',
  ])

  expect(codeOf(await api.call('experiments.edit', { runId, rating: 5 }))).toBe('run.unknown')
  good(await api.call('journal.close', { journalId: journal }))
  expect(codeOf(await api.call('experiments.list', { journal }))).toBe('journal.unknown')
})

/** Sent in one piece, as a page does. */
async function send(api: Api, path: string, name: string): Promise<string> {
  const bytes = readFileSync(path)
  const file = { purpose: { kind: 'journal' }, name, sizeBytes: bytes.length } as const
  const { uploadId } = good(await api.call('upload.begin', file))
  good(await api.call('upload.piece', { uploadId, offset: 0, base64: bytes.toString('base64') }))
  good(await api.call('upload.finish', { uploadId }))
  return uploadId
}

test('a run and a search in it open: curve, proof, answers, notes, trials (they led nowhere)', async () => {
  const { api, picked } = await openWorkstation()
  const path = join(temporaryFolder(), 'journal.db')
  const writer = good(openJournalWriter(path))
  const newRun = addSampleLibrary(writer)
  const runId = await recordRun(writer, newRun, { name: 'Proved', right: 45, notes: 'Ana liked it' })
  const studyId = recordStudy(writer, newRun)
  const { id: working } = good(writer.createRun({ ...newRun, name: 'At work' }))
  good(writer.startAttempt(working))
  good(writer.appendEvents(working, 1, [stepEvent(1, 1), stepEvent(2, 2)]))
  good(writer.changeStudy(studyId, { notes: 'over night' }))
  good(writer.close())
  picked.set('stick', path)
  const opened = good(await api.call('journal.open', { handle: 'stick' }))
  expect(opened).toMatchObject({ name: 'journal.db', path })
  const journal = opened.journalId

  const view = good(await api.call('training.get', { runId, journal }))
  expect([view.train.length, view.validation.length, view.run.notes]).toEqual([10, 1, 'Ana liked it'])
  expect(view).toMatchObject({ hasAdapter: false, canContinue: false, waiting: null })
  // Nobody works on it here.
  const rest = good(await api.call('training.get', { runId: working, journal }))
  expect([rest.state.status, rest.state.step]).toEqual(['interrupted', 2])
  expect(good(await api.call('proof.get', { runId, journal })).summary?.rows).toBe(60)
  expect(good(await api.call('proof.answers', { runId, journal, view: 'all' })).total).toBe(60)
  const unproved = good(await api.call('proof.get', { runId: working, journal }))
  expect(unproved).toMatchObject({ summary: null, cannotProve: expect.stringContaining('not measured') })

  expect(good(await api.call('studies.list', {})).studies).toEqual([])
  const { studies } = good(await api.call('studies.list', { journal }))
  expect(studies).toMatchObject([{ id: studyId, notes: 'over night', waiting: null }])
  const study = good(await api.call('studies.get', { studyId, journal }))
  expect([study.trials.length, study.adoptable]).toEqual([1, null])
  expect(codeOf(await api.call('training.get', { runId }))).toBe('run.unknown')

  for (const call of [
    api.call('experiments.edit', { runId, notes: 'mine' }),
    api.call('experiments.remove', { runIds: [runId] }),
  ])
    expect(await call).toMatchObject({
      ok: false,
      problem: { message: expect.stringContaining('another journal that you only look into') },
    })
  expect(good(await api.call('training.get', { runId, journal })).run.notes).toBe('Ana liked it')
})

test('one that a page sent is called by its own name, in what is wrong too (a temporary path stood there)', async () => {
  const { api, home } = await openWorkstation()
  const other = otherJournal()
  const handle = await send(api, other.path, 'Clinic, January.db')
  expect(good(await api.call('journal.open', { handle }))).toMatchObject({
    name: 'Clinic, January.db',
    path: null,
  })
  const text = join(temporaryFolder(), 'notes.db')
  writeFileSync(text, 'no journal '.repeat(50))
  expect(await api.call('journal.open', { handle: await send(api, text, 'notes.db') })).toMatchObject({
    problem: { code: 'journal.foreign-file', where: 'notes.db' },
  })
  // Damage that is met while it is read, too.
  forgeRows(other.path, 'events_never_change', 'UPDATE events SET at_ms = 1 WHERE seq = 2')
  const { journalId: journal } = good(
    await api.call('journal.open', { handle: await send(api, other.path, 'Clinic, May.db') }),
  )
  const [runId = ''] = other.runIds
  expect(await api.call('training.get', { runId, journal })).toMatchObject({
    problem: { code: 'journal.corrupt', where: 'Clinic, May.db' },
  })
  expect(JSON.stringify(good(await api.call('journal.opened', {})))).not.toContain(home)
})

test('a trial there whose loss its run did not measure is shown without it, and with the reason', async () => {
  const { api, picked } = await openWorkstation()
  const other = otherJournal()
  falsifyLoss(other.path)
  picked.set('stick', other.path)
  const { journalId: journal } = good(await api.call('journal.open', { handle: 'stick' }))
  const { trials, study } = good(await api.call('studies.get', { studyId: other.studyId, journal }))
  expect(trials[0]).toMatchObject({
    status: 'failed',
    lossNats: null,
    reason: expect.stringContaining('its run'),
  })
  expect(study.best).toBeNull()
})
