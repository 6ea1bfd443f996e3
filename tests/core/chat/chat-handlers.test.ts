// Talking with a model: however messages come, one process holds one model.
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
      sides: ['base'],
      messages: [{ role: 'user', content }],
      maxTokens: 4,
    })
  const chats = (await Promise.all([send('hello'), send('good morning')])).map(unwrap)
  await expect.poll(() => ended.size, { timeout: 30_000 }).toBe(2)
  expect([...ended].sort()).toEqual(chats.map(({ chatId }) => chatId).sort())
  expect(launched).toEqual(['generator'])
})
