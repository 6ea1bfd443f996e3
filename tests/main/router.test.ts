// Who may call the program through its window (safety.md, E3), and what a call is answered by.
import { expect, test } from 'vitest'
import { type Asker, createRouter } from '#main/router.ts'
import { ok } from '#shared/result.ts'

const own: Asker = { url: 'app://tunewright/#/models', isMainFrame: true, isOwnWindow: true }
const asked: unknown[] = []
const router = createRouter({
  hostHandlers: { 'host.pickModel': () => ok({ picked: null }) },
  callCore: async (name, input) => {
    asked.push([name, input])
    return ok('core')
  },
})

test('a frame that is gone, a frame inside, another window and another page are refused before anything is done', async () => {
  const strangers: (Asker | null)[] = [
    null,
    { ...own, isMainFrame: false },
    { ...own, isOwnWindow: false },
    { ...own, url: 'https://example.org/' },
    { ...own, url: 'app://tunewright.evil/' },
    { ...own, url: 'data:text/html,x' },
    { ...own, url: 'about:blank' },
    { ...own, url: '' },
  ]
  for (const stranger of strangers)
    for (const name of ['settings.get', 'host.pickModel', 'no.such'])
      expect(await router(stranger, name, {})).toMatchObject({
        ok: false,
        problem: { code: 'host.unavailable' },
      })
  expect(asked).toEqual([])
})

test('calls of the host are answered here, by the contract; all others by the core', async () => {
  expect(await router(own, 'host.pickModel', { kind: 'folder' })).toEqual(ok({ picked: null }))
  expect(await router(own, 'host.pickModel', { kind: 'drive' })).toMatchObject({
    problem: { code: 'contract.invalid-input' },
  })
  expect(await router(own, 'host.openExternal', { url: 'https://example.org' })).toMatchObject({
    problem: { code: 'host.unavailable' },
  })
  expect(await router(own, 'no.such', {})).toMatchObject({ problem: { code: 'contract.unknown-call' } })
  expect(asked).toEqual([])
  expect(await router(own, 'settings.get', {})).toEqual(ok('core'))
  expect(asked).toEqual([['settings.get', {}]])
})
