// A model that reads a text and writes another (T5), from its folder to the end through the contract with real parts:
// planned, trained, its answers looked at, measured, taken away, tried out; and what it cannot do, in words.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { EventPayload } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyT5 } from '../../processes/tiny-t5.ts'
import { newProject } from './new-project.ts'
import { type OpenWorkstation, openWorkstation } from './open-workstation.ts'

const things = ['bill', 'parcel', 'password', 'refund', 'login', 'courier']
const inGerman = ['rechnung', 'paket', 'kennwort', 'erstattung', 'anmeldung', 'bote']
const openings = ['my', 'the', 'where is the', 'about my', 'trouble with my']
const csv = [
  'english,german',
  ...Array.from({ length: 90 }, (_, i) => {
    const thing = i % things.length
    return `${openings[i % openings.length]} ${things[thing]} ${i},meine ${inGerman[thing]}`
  }),
].join('\n')

const wordsProject = (station: OpenWorkstation, scenario: 'translation' | 'chatbot') => {
  const columns: Record<string, string> =
    scenario === 'translation'
      ? { source: 'english', target: 'german' }
      : { message: 'english', reply: 'german' }
  const draft = { columns, instruction: 'Translate:' }
  return newProject(station, { scenario, csv, writeModel: writeTinyT5, draft })
}

const changes = {
  'duration.epochs': 12,
  'optimizer.learningRate': 0.01,
  'method.topLayers': null,
  'batch.microRows': 8,
  'batch.accumulation': 1,
  'checkpoints.everySeconds': null,
}

/** The next answer of a side to its end. */
function answerOf({ api }: OpenWorkstation, side: 'base' | 'tuned'): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    api.on('chat.piece', (piece: EventPayload<'chat.piece'>) => {
      if (piece.side !== side) return
      text += piece.text
      if (piece.ended !== null) resolve(text)
    })
  })
}

test('a T5 learns to translate, proves it and goes', { timeout: 240_000 }, async () => {
  const station = await openWorkstation()
  const { api, ended } = station
  const { projectId, modelId } = await wordsProject(station, 'translation')
  expect(unwrap(await api.call('models.list', {})).models).toMatchObject([{ family: 't5', way: 'rewrites' }])

  const { options } = unwrap(await api.call('plan.options', { projectId }))
  expect(options.map(({ blocking }) => blocking)).toEqual([null, null, null])

  // ---- should it be trained? A plain source and one with examples before it are measured.
  const advice = await ended(unwrap(await api.call('advice.start', { projectId })).jobId)
  expect(advice).toMatchObject({ status: 'done' })
  expect(unwrap(await api.call('advice.get', { projectId })).advice).not.toBeNull()

  // ---- trained
  const samples: { answer: string; expected: string }[][] = []
  const done = new Promise<void>((resolve) => {
    api.on('training.update', ({ state, samples: more }) => {
      samples.push(...more.map(({ answers }) => answers))
      if (state.status === 'finished') resolve()
    })
  })
  const { runId } = unwrap(await api.call('training.start', { projectId, preset: 'quick', changes }))
  await done
  // How many measurements have answers is a matter of time; what they become is for processes/trainer/t5.test.ts.
  expect(samples.length).toBeGreaterThan(0)
  for (const { expected } of samples.flat()) expect(expected).toMatch(/^meine /)

  // ---- measured: answers are written by base and tuned, and scored
  const proof = await ended(unwrap(await api.call('proof.start', { runId })).jobId)
  expect(proof).toMatchObject({ status: 'done' })
  const { summary } = unwrap(await api.call('proof.get', { runId }))
  const [first] = summary!.comparisons
  expect(first!.metric).toBe('chrF')
  expect(first!.base.value).toBeLessThan(first!.tuned.value)
  expect(summary!.verdict.kind).toBe('better')

  // ---- taken away
  const exported = async (form: 'peft' | 'model' | 'gguf-f16') =>
    ended(unwrap(await api.call('export.start', { runId, form })).jobId)
  for (const form of ['peft', 'model'] as const)
    expect(await exported(form)).toMatchObject({ status: 'done' })
  const { exports } = unwrap(await api.call('export.list', { runId }))
  expect(exports.map(({ check }) => check.isGood)).toEqual([true, true])
  for (const { place, kind } of exports) {
    const readme = readFileSync(join(place, 'README.md'), 'utf8')
    expect(readme).toContain(`${kind === 'adapter' ? 'AutoPeftModelFor' : 'AutoModelFor'}Seq2SeqLM`)
    expect(readme).toContain('INSTRUCTION = "Translate:"')
    expect(readme).not.toMatch(/system message|apply_chat_template/)
  }
  const gguf = await exported('gguf-f16')
  expect(gguf).toMatchObject({ status: 'failed', problem: { code: 'model.unsupported-family' } })

  // ---- tried out: what was said before changes nothing
  const ask = async (...before: { role: 'user' | 'assistant'; content: string }[]): Promise<string> => {
    const answer = answerOf(station, 'tuned')
    const messages = [...before, { role: 'user' as const, content: 'about my parcel 91' }]
    const sides = [{ side: 'tuned' as const, messages }]
    unwrap(await api.call('chat.send', { modelId, runId, sides, maxTokens: 30 }))
    return answer
  }
  const alone = await ask()
  expect(alone).toMatch(/^meine /)
  expect(
    await ask({ role: 'user', content: 'my bill' }, { role: 'assistant', content: 'meine rechnung' }),
  ).toBe(alone)
})

test('a T5 is no chatbot, and says so before anything is read', { timeout: 60_000 }, async () => {
  const station = await openWorkstation()
  const { projectId } = await wordsProject(station, 'chatbot')
  const started = await station.api.call('training.start', { projectId, preset: 'quick', changes })
  expect(started).toMatchObject({ ok: false, problem: { code: 'recipe.invalid', where: 'model' } })
  expect(started.ok ? '' : started.problem.message).toMatch(/reads a text with one half/)
})
