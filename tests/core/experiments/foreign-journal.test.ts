// A journal that was opened for looking is asked as one's own is, and nothing of it is changed or mixed with one's own.
import { expect, test } from 'vitest'
import { codeOf, good } from '../../journal/support/sample.ts'
import { otherJournal } from '../archive/other-journal.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'

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
  expect([facets.total, facets.projects.length]).toEqual([total, 2])
  expect(good(await api.call('experiments.curves', { runIds, journal })).curves).toHaveLength(2)
  expect(good(await api.call('experiments.compare', { runIds, journal })).lockedRows).toHaveLength(2)
  good(await api.call('experiments.answers', { runIds, journal }))
  expect(good(await api.call('experiments.timeline', { journal })).total).toBeGreaterThan(0)
  const lineage = good(await api.call('experiments.lineage', { runId, journal }))
  expect(lineage.nodes.map(({ id }) => id)).toContain(runId)

  expect(codeOf(await api.call('experiments.edit', { runId, rating: 5 }))).toBe('run.unknown')
  good(await api.call('journal.close', { journalId: journal }))
  expect(codeOf(await api.call('experiments.list', { journal }))).toBe('journal.unknown')
})
