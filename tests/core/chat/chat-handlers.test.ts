// Talking with a model: however messages come, one process holds one model.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import { openLibrary } from '#core/system/library.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'

test('two messages at one moment are answered by one process', { timeout: 60_000 }, async () => {
  const { api, home, launched } = await openWorkstation()
  const model = unwrap(await importModel(openLibrary(home), writeTinyModel(join(home, 'cache', 'tiny'))))
  const ended = new Set<string>()
  api.on('chat.piece', ({ chatId, ended: how }) => {
    if (how !== null) ended.add(chatId)
  })
  const send = (content: string) =>
    api.call('chat.send', {
      modelId: model.id,
      runId: null,
      sides: [{ side: 'base', messages: [{ role: 'user', content }] }],
      maxTokens: 4,
    })
  const chats = (await Promise.all([send('hello'), send('good morning')])).map(unwrap)
  await expect.poll(() => ended.size, { timeout: 30_000 }).toBe(2)
  expect([...ended].sort()).toEqual(chats.map(({ chatId }) => chatId).sort())
  expect(launched).toEqual(['generator'])
})

test('an answer is stopped at once, also while its model is still being loaded', {
  timeout: 60_000,
}, async () => {
  const { api, home } = await openWorkstation()
  const model = unwrap(await importModel(openLibrary(home), writeTinyModel(join(home, 'cache', 'tiny'))))
  const told: unknown[] = []
  api.on('chat.piece', ({ chatId: _, ...piece }) => told.push(piece))
  const chat = unwrap(
    await api.call('chat.send', {
      modelId: model.id,
      runId: null,
      sides: [{ side: 'base', messages: [{ role: 'user', content: 'hello' }] }],
    }),
  )
  unwrap(await api.call('chat.stop', chat))
  expect(told).toEqual([{ side: 'base', text: '', ended: 'stopped', sentence: null }])
})

test('a model without a chat template goes on with the text', { timeout: 60_000 }, async () => {
  const { api, home } = await openWorkstation()
  const folder = writeTinyModel(join(home, 'cache', 'tiny'))
  const path = join(folder, 'tokenizer_config.json')
  const { chat_template: _, ...config } = JSON.parse(readFileSync(path, 'utf8'))
  writeFileSync(path, JSON.stringify(config))
  const model = unwrap(await importModel(openLibrary(home), folder))
  expect(unwrap(await api.call('chat.partners', {}))).toEqual({
    runs: [],
    models: [{ modelId: model.id, modelName: 'tiny', isModelHere: true, way: 'goes-on', run: null }],
  })
  const ended = new Promise((resolve) => {
    api.on('chat.piece', ({ ended: how }) => how !== null && resolve(how))
  })
  unwrap(
    await api.call('chat.send', {
      modelId: model.id,
      runId: null,
      sides: [{ side: 'base', messages: [{ role: 'user', content: 'Once upon a time' }] }],
      maxTokens: 4,
    }),
  )
  expect(await ended).toMatch(/^(end-of-turn|token-limit)$/)
})
