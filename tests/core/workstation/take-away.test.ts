// What a trained run is good for, through the contract with real parts: taken away and checked, talked with.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { EventPayload } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { newProject } from './new-project.ts'
import { type OpenWorkstation, openWorkstation } from './open-workstation.ts'

const changes = {
  'batch.maxTokens': 256,
  'checkpoints.everySeconds': null,
  'optimizer.learningRate': 0.01,
  'duration.epochs': 6,
}

async function trainTiny(station: OpenWorkstation): Promise<{ runId: string; modelId: string }> {
  const { api } = station
  const { projectId, modelId } = await newProject(station)
  const done = new Promise<void>((resolve) => {
    api.on('training.update', ({ state }) => {
      if (state.status === 'finished') resolve()
    })
  })
  const { runId } = unwrap(await api.call('training.start', { projectId, preset: 'quick', changes }))
  await done
  return { runId, modelId }
}

type Piece = EventPayload<'chat.piece'>

/** Collects the pieces of every answer from now on. */
function listen({ api }: OpenWorkstation) {
  const pieces: Piece[] = []
  const waiting = new Set<() => void>()
  api.on('chat.piece', (piece) => {
    pieces.push(piece)
    for (const check of waiting) check()
  })
  return {
    ended: (chatId: string, sides: number): Promise<{ text: string; last: Piece }[]> =>
      new Promise((resolve) => {
        const check = () => {
          const own = pieces.filter((piece) => piece.chatId === chatId)
          const lasts = own.filter(({ ended }) => ended !== null)
          if (lasts.length < sides) return
          waiting.delete(check)
          const textOf = (side: string) => own.flatMap((p) => (p.side === side ? p.text : [])).join('')
          resolve(
            lasts
              .sort((a, b) => (a.side < b.side ? -1 : 1))
              .map((last) => ({ text: textOf(last.side), last })),
          )
        }
        waiting.add(check)
        check()
      }),
  }
}

const asking = (content: string, ...only: ('base' | 'tuned')[]) =>
  (only.length === 0 ? (['base', 'tuned'] as const) : only).map((side) => ({
    side,
    messages: [{ role: 'user' as const, content }],
  }))

test('a run is taken away, checked and talked with beside its base', { timeout: 180_000 }, async () => {
  const station = await openWorkstation()
  const { api, ended } = station
  const { runId, modelId } = await trainTiny(station)

  // ---- the adapter
  expect(unwrap(await api.call('export.list', { runId })).exports).toEqual([])
  const job = await ended(unwrap(await api.call('export.start', { runId, form: 'peft' })).jobId)
  expect(job).toMatchObject({ kind: 'export', status: 'done', runId })
  const [item] = unwrap(await api.call('export.list', { runId })).exports
  expect(item).toMatchObject({ runId, name: 'Teams', isThere: true, check: { isGood: true } })
  expect(item!.check.sentence).toMatch(/^All 3 files were read again .* 3 rows .* to the last digit\.$/)
  expect(item!.files.map(({ name }) => name).sort()).toEqual([
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
  ])
  expect(item!.bytes).toBe(item!.files.reduce((sum, { bytes }) => sum + bytes, 0))

  // ---- whom to talk with, and what to ask first
  const partners = unwrap(await api.call('chat.partners', {}))
  expect(partners.runs).toMatchObject([
    { modelId, isModelHere: true, way: 'talks', run: { id: runId, hasAdapter: true } },
  ])
  expect(partners.models).toMatchObject([{ modelId, run: null }])
  const { partner, suggestions } = unwrap(await api.call('chat.ofRun', { runId }))
  expect([partner]).toEqual(partners.runs)
  expect(suggestions).toHaveLength(3)
  expect(suggestions[0]!.answer).not.toBe(suggestions[1]!.answer)
  expect(unwrap(await api.call('models.list', {})).models).toMatchObject([{ id: modelId, runs: 1 }])

  // ---- the conversation
  const { ended: answered } = listen(station)
  const question = {
    modelId,
    runId,
    sides: asking('where is the parcel'),
    maxTokens: 12,
  }
  const ask = async (more: object = {}) => {
    const { chatId } = unwrap(await api.call('chat.send', { ...question, ...more }))
    return answered(chatId, 2)
  }
  const [base, tuned] = await ask()
  expect([base!.last.side, tuned!.last.side]).toEqual(['base', 'tuned'])
  for (const { last } of [base!, tuned!]) expect(last.ended).toMatch(/^(end-of-turn|token-limit)$/)
  expect(base!.text).not.toBe(tuned!.text)
  expect((await ask()).map(({ text }) => text)).toEqual([base!.text, tuned!.text])
  const warm = { temperature: 1.5, seed: 3 }
  const drawn = (await ask(warm)).map(({ text }) => text)
  expect((await ask(warm)).map(({ text }) => text)).toEqual(drawn)
  expect((await ask({ ...warm, seed: 4 })).map(({ text }) => text)).not.toEqual(drawn)

  const long = unwrap(
    await api.call('chat.send', {
      ...question,
      sides: asking('hello', 'base'),
      maxTokens: 400,
      temperature: 2,
    }),
  )
  unwrap(await api.call('chat.stop', long))
  expect((await answered(long.chatId, 1))[0]!.last.ended).toMatch(/^(stopped|end-of-turn)$/)
  expect(await api.call('chat.stop', long)).toMatchObject({ ok: false, problem: { code: 'chat.failed' } })

  const tooLong = unwrap(
    await api.call('chat.send', {
      ...question,
      sides: asking('long '.repeat(200), 'base'),
    }),
  )
  const [refused] = await answered(tooLong.chatId, 1)
  expect(refused!.last).toMatchObject({ ended: 'failed', text: '' })
  expect(refused!.last.sentence).toMatch(/has \d+ tokens; the model can read 512/)
  for (const [wrong, reason] of [
    [{ runId: null }, /no trained version/],
    [{ modelId: 'm-0000000000000000' }, /another model/],
    [{ sides: [{ side: 'base', messages: [{ role: 'assistant', content: 'hello' }] }] }, /not yours/],
    [{ sides: asking('hello', 'base', 'base') }, /the same one/],
    [{ runId: 'nothing' }, /./],
  ] as const) {
    const reply = await api.call('chat.send', { ...question, ...wrong } as never)
    expect(reply.ok).toBe(false)
    if (!reply.ok) expect(reply.problem.message).toMatch(reason)
  }

  // Each side goes on from its own answers.
  const own = (side: 'base' | 'tuned', content: string) => ({
    side,
    messages: [
      { role: 'user' as const, content: 'hello' },
      { role: 'assistant' as const, content },
      { role: 'user' as const, content: 'where is the parcel' },
    ],
  })
  // The base's words tell: what a few steps make of so small a model may say the same to everything.
  const [afterShop] = await ask({ sides: [own('base', 'shop'), own('tuned', 'office')] })
  const [afterOffice] = await ask({ sides: [own('base', 'office'), own('tuned', 'shop')] })
  expect(afterShop!.last.ended).toMatch(/^(end-of-turn|token-limit)$/)
  expect(afterShop!.text).not.toBe(afterOffice!.text)

  // ---- an export that somebody changed or moved away, and an adapter that is not the run's
  const readme = join(item!.place, 'README.md')
  const words = readFileSync(readme, 'utf8')
  writeFileSync(readme, words.replace('T', 't'))
  const listed = async () => unwrap(await api.call('export.list', { runId })).exports
  expect(await listed()).toMatchObject([{ isThere: true, changed: ['README.md'] }])
  writeFileSync(readme, words)
  expect(await listed()).toMatchObject([{ isThere: true, changed: [] }])
  rmSync(readme)
  expect(await listed()).toMatchObject([{ isThere: true, changed: ['README.md'] }])
  const weights = join(station.home, 'runs', runId, 'adapter', 'adapter_model.safetensors')
  const bytes = readFileSync(weights)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(weights, bytes)
  expect(await api.call('export.start', { runId, form: 'peft' })).toMatchObject({
    ok: false,
    problem: { code: 'checkpoint.damaged' },
  })
  rmSync(item!.place, { recursive: true })
  expect(await listed()).toMatchObject([{ isThere: false, changed: [] }])
})

test('run, model, data, project: nothing is taken away from under a proof that is being made', {
  timeout: 60_000,
}, async () => {
  const station = await openWorkstation()
  const { api, ended } = station
  const { runId, modelId } = await trainTiny(station)
  const { projectId } = unwrap(await api.call('training.get', { runId })).run
  const { jobId } = unwrap(await api.call('proof.start', { runId }))
  const removeRun = () => api.call('experiments.remove', { runIds: [runId] })
  expect(unwrap(await removeRun())).toMatchObject({
    removed: 0,
    failed: [{ problem: { code: 'run.active' } }],
  })
  for (const refused of [
    await api.call('models.remove', { modelId }),
    await api.call('projects.remove', { projectId }),
  ])
    expect(refused).toMatchObject({ ok: false, problem: { code: 'run.active' } })
  const { items } = unwrap(await api.call('storage.list', {}))
  const kept = items.filter(({ kind }) => ['model', 'dataset', 'run'].includes(kind))
  expect(kept.map(({ isRemovable }) => isRemovable)).toEqual([false, false, false])
  expect(await ended(jobId)).toMatchObject({ status: 'done' })
  expect(unwrap(await removeRun())).toMatchObject({ removed: 1, failed: [] })
  unwrap(await api.call('models.remove', { modelId }))
})
