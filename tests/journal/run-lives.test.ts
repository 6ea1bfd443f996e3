// Which status of a run may follow which: random lives against the table of transitions, and what a dead process left behind.
import { expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { type RunStatus, runStatuses } from '#shared/journal-types.ts'
import { randomFrom } from '../support/seeded.ts'
import { openSample } from './support/folders.ts'
import { good, stepEvent } from './support/sample.ts'

test('random lives of runs follow the table of transitions', { timeout: 300_000 }, () => {
  const { writer, path, newRun } = openSample()
  const reader = good(openJournalReader(path))
  const random = randomFrom(99)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const allowed: Record<RunStatus, RunStatus[]> = {
    queued: ['running', 'interrupted', 'cancelled', 'failed', 'crashed'],
    running: ['paused', 'interrupted', 'finished', 'cancelled', 'failed', 'crashed'],
    paused: ['running', 'interrupted', 'finished', 'cancelled', 'failed', 'crashed'],
    interrupted: ['running', 'cancelled'],
    cancelled: ['running'],
    failed: ['running', 'cancelled'],
    crashed: ['running', 'cancelled'],
    finished: [],
  }
  const reached = new Set<string>()
  for (let life = 0; life < 50; life++) {
    const { id } = good(writer.createRun(newRun))
    let status: RunStatus = 'queued'
    let attempts = 0
    let headSeq = 0
    for (let turn = 0; turn < 15; turn++) {
      const legalNow: RunStatus[] = allowed[status]
      const fresh = legalNow.filter((to) => !reached.has(`${status} -> ${to}`))
      const wanted: RunStatus = fresh.length > 0 && random() < 0.6 ? pick(fresh) : pick(runStatuses)
      const problem = { code: 'trainer.crashed', message: 'm', where: 'w', remedy: 'r' } as const
      let answer: { ok: boolean }
      let isLegal = allowed[status].includes(wanted)
      if (wanted === 'running' && status === 'paused' && random() < 0.5) {
        answer = writer.setRunStatus(id, 'running')
      } else if (wanted === 'running') {
        answer = writer.startAttempt(id)
        if (answer.ok) attempts += 1
      } else if (wanted === 'finished') {
        answer = writer.finishRun(id, {
          reason: 'completed',
          bestStep: 1,
          bestLossNats: 1,
          adapterSha256: null,
        })
      } else if ((wanted === 'failed' || wanted === 'crashed') && random() < 0.5) {
        answer = writer.failRun(id, { status: wanted, problem })
      } else {
        isLegal ||= status === wanted
        answer = writer.setRunStatus(id, wanted)
      }
      expect(answer.ok, `${status} -> ${wanted}`).toBe(isLegal)
      if (isLegal) {
        reached.add(`${status} -> ${wanted}`)
        status = wanted
      }
      const appended = writer.appendEvents(id, attempts, [stepEvent(headSeq + 1, headSeq + 1)])
      expect(appended.ok).toBe(attempts > 0 && status !== 'finished')
      if (appended.ok) headSeq += 1
      const run = good(reader.getRun(id))
      expect(run).toMatchObject({ status, attempts, headSeq })
      expect(run.endedAtMs === null).toBe(['queued', 'running', 'paused'].includes(status))
    }
  }
  const legal = runStatuses.flatMap((from) => allowed[from].map((to) => `${from} -> ${to}`))
  expect([...reached].filter((step) => legal.includes(step)).sort()).toEqual([...legal].sort())
  reader.close()
  good(writer.close())
})

test('orphans of a dead process become interrupted; runs of this one do not', () => {
  const { writer, path, newRun } = openSample()
  const make = (status: RunStatus) => {
    const { id } = good(writer.createRun({ ...newRun, name: status }))
    if (status === 'running' || status === 'paused') good(writer.startAttempt(id))
    if (status === 'paused') good(writer.setRunStatus(id, 'paused'))
    if (status === 'cancelled') good(writer.setRunStatus(id, 'cancelled'))
    return id
  }
  const orphans = (['queued', 'running', 'paused'] as const).map(make)
  const cancelled = make('cancelled')
  expect(good(writer.markOrphansInterrupted())).toEqual([])
  good(writer.close())

  const next = openSample({ path })
  const own = good(next.writer.createRun(next.newRun)).id
  expect(good(next.writer.markOrphansInterrupted())).toEqual(orphans)
  expect(good(next.writer.markOrphansInterrupted())).toEqual([])
  const reader = good(openJournalReader(path))
  expect(orphans.map((id) => good(reader.getRun(id)).status)).toEqual([
    'interrupted',
    'interrupted',
    'interrupted',
  ])
  expect(good(reader.getRun(own)).status).toBe('queued')
  expect(good(reader.getRun(cancelled)).status).toBe('cancelled')
  reader.close()
  good(next.writer.close())
})
