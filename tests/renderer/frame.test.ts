import { describe, expect, it } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { hasScreen, notFound } from '#renderer/frame/has-screen.ts'
import { jobPlace } from '#renderer/frame/job-place.ts'
import { makeKeyReader } from '#renderer/frame/shortcuts.ts'

const component = { render: () => null }
const router = createRouter({
  history: createMemoryHistory(),
  routes: [
    { path: '/', component },
    { path: '/runs/:runId/proof', component },
    { path: '/:rest(.*)*', name: notFound, component },
  ],
})

describe('the way to a screen', () => {
  it('is there for what is built, and not for what is not', () => {
    const place = (kind: 'proof' | 'export') =>
      hasScreen(router, jobPlace({ kind, projectId: 'p', runId: 'r' }))
    expect({ proof: place('proof'), export: place('export'), start: hasScreen(router, '/') }).toEqual({
      proof: true,
      export: false,
      start: true,
    })
  })
})

describe('keys', () => {
  it('are read one after the other, within a moment', () => {
    const read = makeKeyReader()
    expect(read('p', 0)).toBe(null)
    expect(read('g', 100)).toBe(null)
    expect(read('p', 900)).toBe('/')
    expect(read('p', 950)).toBe(null)
    expect(read('g', 1000)).toBe(null)
    expect(read('p', 9000)).toBe(null)
    expect(read('?', 9100)).toBe('help')
  })
})
