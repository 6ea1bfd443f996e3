// Past runs as the screens ask for them: curves over three axes, figures and answers side by side, what a run comes from,
// what was tried and what came of it, marks and saved views. A real journal, and nothing running.
import { beforeEach, describe, expect, test } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import type { Api } from '#shared/contract/index.ts'
import type { NewRun } from '#shared/journal-commands.ts'
import { addSampleLibrary, codeOf, good, sampleRecipe, stepEvent } from '../../journal/support/sample.ts'
import { openWorkstation, temporaryHome } from '../workstation/open-workstation.ts'
import { recordRun, recordStudy } from './recorded.ts'

let api: Api
/** Writes a journal of the past, and asks of it. */
async function openPast<T>(write: (writer: JournalWriter, newRun: NewRun) => Promise<T>): Promise<T> {
  const home = await temporaryHome()
  let nowMs = Date.UTC(2025, 5, 15, 12)
  const writer = good(openJournalWriter(openLibrary(home).journalPath, { now: () => (nowMs += 60_000) }))
  const made = await write(writer, addSampleLibrary(writer))
  good(writer.close())
  api = (await openWorkstation(home)).api
  return made
}

const strong = { optimizer: { ...sampleRecipe().optimizer, learningRate: 1e-3 } }

describe('curves', () => {
  test('stand over steps, tokens, and seconds at work: what a run waited, and the time between two attempts, left out', async () => {
    const runId = await openPast(async (writer, newRun) => {
      const { id } = good(writer.createRun(newRun))
      const at = (seq: number, step: number, atMs: number) => ({ ...stepEvent(seq, step), atMs })
      const event = (seq: number, kind: string, atMs: number) => ({ seq, atMs, kind, body: { step: 2 } })
      good(writer.startAttempt(id))
      good(
        writer.appendEvents(id, 1, [
          at(1, 1, 10_000),
          at(2, 2, 12_000),
          event(3, 'paused', 12_500),
          event(4, 'resumed', 72_500),
          at(5, 3, 74_000),
        ]),
      )
      const problem = { code: 'trainer.crashed', message: 'm', where: 'w', remedy: 'r' } as const
      good(writer.failRun(id, { status: 'interrupted', problem }))
      good(writer.startAttempt(id))
      const measured = { step: 4, lossNats: 0.7, labelledTokens: 1, isBest: true, durationMs: 1 }
      good(
        writer.appendEvents(id, 2, [
          at(6, 4, 900_000),
          { seq: 7, atMs: 900_500, kind: 'evaluation', body: measured },
          at(8, 5, 901_000),
        ]),
      )
      return id
    })
    const of = async (axis: 'step' | 'tokens' | 'time') => {
      const { curves } = good(await api.call('experiments.curves', { runIds: [runId], axis }))
      return { train: curves[0]?.train.map(([x]) => x), validation: curves[0]?.validation }
    }
    expect(await of('step')).toEqual({ train: [1, 2, 3, 4, 5], validation: [[4, 0.7]] })
    expect((await of('tokens')).train).toEqual([512, 1024, 1536, 2048, 2560])
    // The first step took 120.5 ms; then 2 s; then 62 s of which it waited 60; then a step of another attempt; then 1 s.
    const { train, validation } = await of('time')
    const expected = [0.1205, 2.1205, 4.1205, 4.241, 5.241]
    expect(train?.map((x) => Number(x.toFixed(4)))).toEqual(expected)
    expect(validation?.[0]?.[0]).toBeCloseTo(4.241)
  })
})

describe('proofs of several runs', () => {
  test('stand side by side with their intervals, those on the same locked rows marked as such', async () => {
    const [first, second, others, none] = await openPast(async (writer, newRun) => [
      await recordRun(writer, newRun, { name: 'First', right: 40 }),
      await recordRun(writer, newRun, { name: 'Second', right: 52 }),
      await recordRun(writer, newRun, { name: 'Fewer rows', right: 30, rows: 50 }),
      await recordRun(writer, newRun, { name: 'Not measured' }),
    ])
    const runIds = [first!, second!, others!, none!]
    const { metrics, lockedRows } = good(await api.call('experiments.compare', { runIds }))
    const [rows, sameRows, otherRows, noRows] = lockedRows
    expect([typeof rows, sameRows, noRows]).toEqual(['string', rows, null])
    expect(otherRows).not.toBe(rows)
    // The deciding one first; a metric without a better direction is compared by nobody.
    expect(metrics.map(({ metric, isHigherBetter }) => [metric, isHigherBetter])).toEqual([
      ['accuracy', true],
      ['lossNats', false],
    ])
    expect(metrics[0]?.values.map((value) => value && Number(value.value.toFixed(3)))).toEqual([
      0.667,
      0.867,
      0.6,
      null,
    ])
  })

  test('one that this version cannot read counts as none, and keeps nothing else from being shown', async () => {
    const [known = '', newer = ''] = await openPast(async (writer, newRun) => {
      const ids = [
        await recordRun(writer, newRun, { name: 'Known', right: 40 }),
        await recordRun(writer, newRun, { name: 'Newer' }),
      ]
      const side = {
        runId: ids[1]!,
        datasetFingerprint: newRun.recipe.data.fingerprint,
        metrics: {},
        answers: [],
      }
      const comparison = { runId: ids[1]!, body: { version: 9 } }
      good(
        writer.addProof({
          base: { ...side, subject: 'base' },
          tuned: { ...side, subject: 'tuned' },
          comparison,
        }),
      )
      return ids
    })
    const compared = good(await api.call('experiments.compare', { runIds: [known, newer] }))
    expect(compared.lockedRows).toEqual([expect.any(String), null])
    expect(good(await api.call('experiments.timeline', {})).entries).toHaveLength(2)
    expect(good(await api.call('experiments.lineage', { runId: newer })).nodes).toHaveLength(2)
  })

  test('answers are joined by row, those that differ first; pages and words narrow them', async () => {
    const [first, other, none] = await openPast(async (writer, newRun) => [
      await recordRun(writer, newRun, { name: 'First', right: 10, rows: 12 }),
      await recordRun(writer, newRun, { name: 'Second', right: 7, rows: 12 }),
      await recordRun(writer, newRun, { name: 'Not measured' }),
    ])
    const runIds = [first!, other!, none!]
    const all = good(await api.call('experiments.answers', { runIds }))
    expect([all.total, all.different]).toEqual([12, 3])
    expect(all.leftOut).toEqual([{ runId: none, reason: 'not-measured' }])
    expect(all.answers.slice(0, 4).map(({ rowId, isDifferent }) => [rowId, isDifferent])).toEqual([
      ['row-7', true],
      ['row-8', true],
      ['row-9', true],
      ['row-0', false],
    ])
    expect(all.answers[0]?.answers).toEqual([
      { text: 'money', score: 1 },
      { text: 'shipping', score: 0 },
    ])
    const second = good(await api.call('experiments.answers', { runIds, columnOffset: 1, limit: 1 }))
    expect([second.read, second.answers[0]?.answers]).toEqual([3, [{ text: 'shipping', score: 0 }]])
    const page = good(await api.call('experiments.answers', { runIds, offset: 2, limit: 2 }))
    expect(page.answers.map(({ rowId }) => rowId)).toEqual(['row-9', 'row-0'])
    const found = good(await api.call('experiments.answers', { runIds, text: 'SHIPPING' }))
    expect([found.total, found.different]).toEqual([5, 3])
  })
})

describe('what was tried', () => {
  test('names what differs from the run before, and claims nothing without an interval', async () => {
    await openPast(async (writer, newRun) => {
      await recordRun(writer, newRun, { name: 'First', right: 30 })
      await recordRun(writer, newRun, {
        name: 'Stronger',
        settings: strong,
        right: 52,
        notes: 'Much better!',
      })
      await recordRun(writer, newRun, { name: 'Other seed', settings: { ...strong, seed: 7 }, right: 53 })
      await recordRun(writer, newRun, { name: 'Not measured', settings: { ...strong, seed: 7 } })
      await recordRun(writer, newRun, { name: 'Weak', right: 30 })
    })
    const { entries, total } = good(await api.call('experiments.timeline', {}))
    expect([total, entries.map(({ title }) => title)]).toEqual([
      5,
      ['Weak', 'Not measured', 'Other seed', 'Stronger', 'First'],
    ])
    const [weak, unmeasured, seed, stronger, first] = entries
    expect(first).toMatchObject({ beside: null, changes: [] })
    expect(stronger).toMatchObject({ beside: { name: 'First' }, words: 'Much better!', isOtherData: false })
    expect(stronger?.changes).toEqual([
      { path: 'optimizer.learningRate', values: [2e-4, 1e-3], isDifferent: true },
    ])
    expect(stronger?.learned).toEqual([
      'better on 60 rows',
      expect.stringMatching(
        /^Against “First” on the same 60 locked rows it is better: right answers \(accuracy\) \+37 points \(95 % interval \+\d+ to \+\d+\)\.$/,
      ),
    ])
    expect(seed?.changes.map(({ path }) => path)).toEqual(['seed'])
    expect(seed?.learned[1]).toMatch(
      /there is no measurable difference: .* \(95 % interval −[\d.]+ to \+[\d.]+\)\.$/,
    )
    // The run before was measured, this one was not: no word of better or worse.
    expect(unmeasured?.learned).toEqual([
      'Its lowest loss on rows not seen was 0.50, at step 10. It was not measured on the locked rows, so this says nothing about better or worse.',
    ])
    expect(unmeasured?.changes).toEqual([])
    // Set beside one that was not measured, it says what its own proof says, and no more.
    expect(weak?.learned).toEqual(['no-measurable-difference on 60 rows'])
  })

  test('sets a run against the one that it came from, and says whether a repeat gave the same bits', async () => {
    await openPast(async (writer, newRun) => {
      const first = await recordRun(writer, newRun, { name: 'First', right: 30 })
      await recordRun(writer, newRun, { name: 'Between', settings: strong, right: 40 })
      const again = await recordRun(writer, newRun, { name: 'Again', right: 30 })
      good(writer.addLink({ runId: again, kind: 'repeats', parent: first }))
      const other = await recordRun(writer, newRun, { name: 'Other bits', adapterSha256: 'c'.repeat(64) })
      good(writer.addLink({ runId: other, kind: 'repeats', parent: first }))
    })
    const { entries } = good(await api.call('experiments.timeline', {}))
    expect(entries.slice(0, 2).map(({ beside }) => beside?.name)).toEqual(['First', 'First'])
    expect(entries[0]?.learned).toContain('It did not come to the same bits as “First”.')
    expect(entries[1]?.learned).toContain('It came to the same bits as “First”.')
    expect(entries[1]?.learned.at(-1)).toContain('there is no measurable difference')
  })

  test('sets a run that takes over what a search found against that trial (it was called the first of its project)', async () => {
    await openPast(async (writer, newRun) => {
      const study = await recordStudy(writer, newRun)
      const settings = { method: { ...sampleRecipe().method, rank: 16 } }
      const taken = await recordRun(writer, newRun, { name: 'Taken over', settings })
      good(writer.addLink({ runId: taken, kind: 'winner-of', parent: study }))
      good(writer.addLink({ runId: 'run-trial-0', kind: 'winner-of', parent: study }))
    })
    const { entries } = good(await api.call('experiments.timeline', {}))
    expect(entries[0]?.beside).toEqual({ runId: 'run-trial-0', name: 'trial 1 of “Night search”' })
    expect(entries[0]?.changes.map(({ path }) => path)).toEqual(['method.rank'])
    expect(entries[1]).toMatchObject({ kind: 'study', beside: null })
  })

  test('has a search as one entry, in its place, and each page its part', async () => {
    const studyId = await openPast(async (writer, newRun) => {
      await recordRun(writer, newRun, { name: 'One' })
      const study = await recordStudy(writer, newRun)
      await recordRun(writer, newRun, { name: 'Two' })
      return study
    })
    const whole = good(await api.call('experiments.timeline', {}))
    expect(whole.entries.map(({ title }) => title)).toEqual(['Two', 'Night search', 'One'])
    expect(whole.entries[1]).toMatchObject({ kind: 'study', id: studyId, searched: ['method.rank'] })
    expect(whole.entries[1]?.learned[0]).toBe('1 trial: 1 to the end.')
    for (const [offset, title] of ['Two', 'Night search', 'One'].entries()) {
      const page = good(await api.call('experiments.timeline', { offset, limit: 1 }))
      expect([page.total, page.entries.map((entry) => entry.title)]).toEqual([3, [title]])
    }
    // The run before is found beyond the page too.
    const { entries } = good(await api.call('experiments.timeline', { offset: 0, limit: 1 }))
    expect(entries[0]?.beside?.name).toBe('One')
  })
})

describe('where a run comes from', () => {
  test('its rows, the run it repeats, its search, its exports, another journal; what was removed is gone', async () => {
    const ids = await openPast(async (writer, newRun) => {
      const first = await recordRun(writer, newRun, { name: 'First' })
      const again = await recordRun(writer, newRun, { name: 'Again' })
      const gone = await recordRun(writer, newRun, { name: 'Gone' })
      good(writer.addLink({ runId: again, kind: 'repeats', parent: first }))
      good(writer.addLink({ runId: gone, kind: 'retried-from', parent: first }))
      good(writer.removeRuns([gone]))
      good(writer.addLink({ runId: first, kind: 'imported-from', parent: 'Anna’s laptop' }))
      const study = await recordStudy(writer, newRun)
      good(writer.addLink({ runId: again, kind: 'winner-of', parent: study }))
      const file = { path: 'exports/again.gguf', bytes: 2048, sha256: 'e'.repeat(64) }
      const { id: exported } = good(writer.addArtifact({ runId: again, kind: 'gguf', ...file }))
      return { first, again, study, exported }
    })
    const { nodes, edges, isCut } = good(await api.call('experiments.lineage', { runId: ids.first }))
    expect(isCut).toBe(false)
    expect(nodes.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
      'dataset mail.csv',
      'export again.gguf',
      'foreign Anna’s laptop',
      'run Again',
      'run First',
      'study Night search',
    ])
    const { first, again, study, exported } = ids
    expect(edges.map(({ from, kind, to }) => [from, kind, to])).toEqual(
      expect.arrayContaining([
        [first, 'trained-on', sampleRecipe().data.fingerprint],
        [first, 'imported-from', 'Anna’s laptop'],
        [again, 'repeats', first],
        [again, 'winner-of', study],
        [again, 'exported-as', exported],
      ]),
    )
    expect(edges).toHaveLength(6)
    const trial = good(await api.call('experiments.lineage', { runId: 'run-trial-0' }))
    expect(trial.edges).toContainEqual({ from: 'run-trial-0', to: study, kind: 'trial-of' })
    expect(codeOf(await api.call('experiments.lineage', { runId: 'run-none' }))).toBe('run.unknown')
  })
})

describe('what a person says of a run', () => {
  let runId: string
  beforeEach(async () => {
    runId = await openPast((writer, newRun) => recordRun(writer, newRun, { name: 'First' }))
  })

  test('stars, pin and archive are kept, each by itself, and are what lists are asked by', async () => {
    const row = good(await api.call('experiments.edit', { runId, rating: 4, isPinned: true }))
    expect(row).toMatchObject({ rating: 4, isPinned: true, isArchived: false })
    const count = async (query: object) => good(await api.call('experiments.list', query)).total
    expect(await count({ minRating: 4 })).toBe(1)
    expect(await count({ minRating: 5 })).toBe(0)
    expect(good(await api.call('experiments.edit', { runId, isArchived: true }))).toMatchObject({ rating: 4 })
    expect([await count({}), await count({ archived: 'only' })]).toEqual([0, 1])
    expect(good(await api.call('experiments.edit', { runId, rating: null })).rating).toBeNull()
  })

  test('views are kept under their names, the newest of a name alone', async () => {
    const view = (sort: string) => ({ name: 'By loss', query: { sort, columns: ['seed'] } })
    good(await api.call('experiments.saveView', view('bestLoss')))
    const { views } = good(await api.call('experiments.saveView', view('created')))
    expect(views).toEqual([view('created')])
    expect(good(await api.call('experiments.views', {})).views).toEqual(views)
    expect(good(await api.call('experiments.removeView', { name: 'By loss' })).views).toEqual([])
  })

  test('pinned runs stand first in whatever order, page by page, in a list of everything and of some', async () => {
    const names = ['A', 'B', 'C', 'D', 'E']
    const ids = await openPast(async (writer, newRun) => {
      const made: string[] = []
      for (const name of names) made.push(await recordRun(writer, newRun, { name }))
      for (const at of [0, 2]) good(writer.markRun(made[at]!, { isPinned: true }))
      return made
    })
    const listed = async (query: Parameters<typeof api.call<'experiments.list'>>[1]) =>
      good(await api.call('experiments.list', query)).rows.map(({ name }) => name)
    expect(await listed({})).toEqual(['C', 'A', 'E', 'D', 'B'])
    expect(await listed({ sort: 'name', order: 'ascending' })).toEqual(['A', 'C', 'B', 'D', 'E'])
    const pages = await Promise.all([0, 1, 2, 3, 4].map((offset) => listed({ offset, limit: 2 })))
    expect(pages).toEqual([['C', 'A'], ['A', 'E'], ['E', 'D'], ['D', 'B'], ['B']])
    expect(await listed({ isPinned: false })).toEqual(['E', 'D', 'B'])
    expect(await listed({ runIds: ids.slice(1, 4) })).toEqual(['C', 'D', 'B'])
  })

  test('runs of one name are told apart by their number, which stays when another one is renamed or removed', async () => {
    const ids = await openPast(async (writer, newRun) => {
      const made: string[] = []
      for (const name of ['Mail', 'Other', 'Mail', 'Mail'])
        made.push(await recordRun(writer, newRun, { name, right: 40 }))
      recordStudy(writer, newRun)
      good(writer.addLink({ runId: made[2]!, kind: 'retried-from', parent: made[0]! }))
      return made
    })
    const numbers = async () =>
      good(await api.call('experiments.list', { sort: 'created', order: 'ascending' })).rows.map(
        ({ name, number }) => [name, number],
      )
    expect(await numbers()).toEqual([
      ['Mail', 1],
      ['Other', null],
      ['Mail', 3],
      ['Mail', 4],
    ])
    const { nodes } = good(await api.call('experiments.lineage', { runId: ids[2]! }))
    expect(nodes.filter(({ kind }) => kind === 'run').map(({ name }) => name)).toEqual(['Mail #3', 'Mail #1'])
    const { curves } = good(await api.call('experiments.curves', { runIds: [ids[3]!, ids[1]!] }))
    expect(curves.map(({ name }) => name)).toEqual(['Mail #4', 'Other'])
    const { entries } = good(await api.call('experiments.timeline', {}))
    expect(entries.map(({ title, beside }) => [title, beside?.name])).toContainEqual(['Mail #3', 'Mail #1'])
    good(await api.call('experiments.edit', { runId: ids[0]!, name: 'The first' }))
    good(await api.call('experiments.remove', { runIds: [ids[2]!] }))
    expect(await numbers()).toEqual([
      ['The first', null],
      ['Other', null],
      ['Mail', 4],
    ])
  })

  test('the list, trials of searches and archived runs are counted apart', async () => {
    const first = await openPast(async (writer, newRun) => {
      const id = await recordRun(writer, newRun, { name: 'First' })
      await recordRun(writer, newRun, { name: 'Second' })
      recordStudy(writer, newRun)
      return id
    })
    const counts = async () => {
      const { runs, trials, archived } = good(await api.call('experiments.facets', {}))
      return [runs, trials, archived]
    }
    expect(await counts()).toEqual([2, 1, 0])
    good(await api.call('experiments.edit', { runId: first, isArchived: true }))
    expect(await counts()).toEqual([1, 1, 1])
    expect(good(await api.call('experiments.list', {})).total).toBe(1)
  })

  test('a journal that is not open is asked for nothing', async () => {
    expect(codeOf(await api.call('experiments.list', { journal: 'none' }))).toBe('journal.unknown')
  })
})
