// The frame: every address that it leads to has a screen, and what keys are read as.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { jobPlace, queuePlace } from '#renderer/frame/job-place.ts'
import { goKeys, makeKeyReader } from '#renderer/frame/shortcuts.ts'
import { jobKinds } from '#shared/contract/system.ts'

/** A file of the page as text: components cannot be loaded here. */
const sourceOf = (path: string): string =>
  readFileSync(new URL(`../../src/renderer/${path}`, import.meta.url), 'utf8')
const component = { render: () => null }
const screens = [...sourceOf('routes.ts').matchAll(/screen\(\s*'([^']+)'/g)].map(([, path = '']) => path)
const router = createRouter({
  history: createMemoryHistory(),
  routes: [...screens, '/:rest(.*)*'].map((path) => ({ path, name: path, component })),
})
const hasScreen = (path: string): boolean => router.resolve(path).name !== '/:rest(.*)*'

describe('the way to a screen', () => {
  it('of a job, known by its run, by its project or by nothing, leads somewhere', () => {
    const places = jobKinds.flatMap((kind) => [
      jobPlace({ kind, projectId: 'p', runId: 'r' }),
      jobPlace({ kind, projectId: null, runId: null }),
    ])
    expect(places.filter((place) => !hasScreen(place))).toEqual([])
    expect(hasScreen('/nowhere')).toBe(false)
  })

  it('of what stands in the queue leads to its own screen', () => {
    const places = (['run', 'study'] as const).map((kind) => queuePlace({ kind, id: 'a' }))
    expect(places).toEqual(['/runs/a/training', '/studies/a'])
    expect(places.filter((place) => !hasScreen(place))).toEqual([])
    expect(router.resolve('/studies/new').name).toBe('/studies/new')
  })

  it('of the rail and of the keys is the same, and there', () => {
    const places = [...sourceOf('frame/AppRail.vue').matchAll(/section: '\w+', to: '([^']+)'/g)].map(
      ([, to]) => to,
    )
    expect(places).toEqual(goKeys.map(({ to }) => to))
    expect(places.filter((place) => !hasScreen(place ?? ''))).toEqual([])
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
