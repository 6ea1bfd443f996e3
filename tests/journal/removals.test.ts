// Removed runs and projects are in no list and keep everything that was measured; what is under way is not removed.
import { afterEach, expect, test } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { openSample } from './support/folders.ts'
import { codeOf, good, stepEvent } from './support/sample.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

function open() {
  const { writer, path, newRun } = openSample()
  const reader = good(openJournalReader(path))
  closers.push(() => {
    reader.close()
    good(writer.close())
  })
  const addRun = (name: string, isActive: boolean) => {
    const { id } = good(writer.createRun({ ...newRun, name, tags: [name] }))
    good(writer.startAttempt(id))
    good(writer.appendEvents(id, 1, [stepEvent(1, 1)]))
    if (!isActive)
      good(writer.finishRun(id, { reason: 'completed', bestStep: 1, bestLossNats: 1, adapterSha256: null }))
    return id
  }
  return { writer, reader, projectId: newRun.projectId, addRun }
}

test('removed runs vanish from lists, counts, tags and single reads, and their events still verify', () => {
  const { writer, reader, addRun } = open()
  const kept = addRun('kept', false)
  const gone = addRun('gone', false)
  expect(good(writer.removeRuns([gone]))).toEqual({ removed: 1 })
  expect(good(writer.removeRuns([gone]))).toEqual({ removed: 0 })
  expect(good(reader.listRuns()).runs.map(({ id }) => id)).toEqual([kept])
  expect(good(reader.experiments()).total).toBe(1)
  expect(good(reader.facets()).tags).toEqual(['kept'])
  expect(codeOf(reader.getRun(gone))).toBe('run.unknown')
  expect(good(reader.verifyChain(gone))).toMatchObject({ intact: true, events: 1 })
  expect(good(reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
})

test('of several runs none is removed where one is under way', () => {
  const { writer, reader, addRun } = open()
  const rest = addRun('at rest', false)
  const active = addRun('active', true)
  expect(codeOf(writer.removeRuns([rest, active]))).toBe('run.active')
  expect(good(reader.listRuns()).total).toBe(2)
})

test('a removed project takes its runs along, and its name is free again', () => {
  const { writer, reader, projectId, addRun } = open()
  const runId = addRun('only', false)
  expect(good(writer.removeProject(projectId))).toEqual({ runIds: [runId] })
  expect(good(reader.projects())).toEqual([])
  expect(codeOf(reader.project(projectId))).toBe('project.unknown')
  expect(good(reader.listRuns()).total).toBe(0)
  expect(codeOf(writer.renameProject(projectId, 'Again', ''))).toBe('project.unknown')
  const again = good(writer.addProject({ name: 'Support mail', scenario: 'classification' }))
  expect(good(reader.projects()).map(({ id }) => id)).toEqual([again.id])
})

test('a project gets another name, but not that of another project', () => {
  const { writer, reader, projectId } = open()
  good(writer.addProject({ name: 'Taken', scenario: 'classification' }))
  expect(codeOf(writer.renameProject(projectId, 'Taken', ''))).toBe('journal.conflict')
  good(writer.renameProject(projectId, 'Post', 'Sort letters.'))
  expect(good(reader.projects()).map(({ name, goal }) => [name, goal])).toContainEqual([
    'Post',
    'Sort letters.',
  ])
})
