import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { runChildJob } from '#core/proof/child-job.ts'
import type { ChildExit, ChildPort, Launcher } from '#core/system/launcher.ts'
import { type ScorerEvent, scorerEvent } from '#shared/proof-protocol.ts'

/** A child whose behaviour a test writes down. */
function scripted(behave: (child: ScriptedChild) => void): {
  launcher: Launcher
  child: () => ScriptedChild
} {
  let made: ScriptedChild | null = null
  const launcher: Launcher = {
    launch() {
      made = new ScriptedChild()
      behave(made)
      return made
    },
  }
  return { launcher, child: () => made! }
}

class ScriptedChild implements ChildPort {
  readonly pid = 1
  readonly sent: unknown[] = []
  killed = false
  onSend: (message: { kind: string }) => void = () => {}
  #message: (message: unknown) => void = () => {}
  #exit: (exit: ChildExit) => void = () => {}
  send(message: unknown): void {
    this.sent.push(message)
    this.onSend(message as { kind: string })
  }
  onMessage(listener: (message: unknown) => void): void {
    this.#message = listener
  }
  onExit(listener: (exit: ChildExit) => void): void {
    this.#exit = listener
  }
  kill(): void {
    this.killed = true
    this.end({ code: null, signal: 'SIGKILL', lastWords: '' })
  }
  say(message: unknown): void {
    this.#message(message)
  }
  end(exit: ChildExit): void {
    queueMicrotask(() => this.#exit(exit))
  }
}

const cleanExit = { code: 0, signal: null, lastWords: '' }

function run(launcher: Launcher, more: { signal?: AbortSignal; silenceMs?: number } = {}) {
  const events: ScorerEvent[] = []
  const result = runChildJob(launcher, {
    process: 'scorer',
    job: { some: 'job' },
    eventSchema: scorerEvent,
    onEvent: (event) => events.push(event),
    failure: { code: 'scorer.failed', what: 'The measuring process', remedy: 'Try again.' },
    ...more,
  })
  return { result, events }
}

describe('a job in a child process', () => {
  test('gets the job, passes events on in order, ends well after `finished`', async () => {
    const { launcher, child } = scripted((made) => {
      made.onSend = () => {
        made.say({ kind: 'phase', phase: 'loading' })
        made.say({ kind: 'heartbeat' })
        made.say({ kind: 'finished', rows: 3 })
        made.end(cleanExit)
      }
    })
    const { result, events } = run(launcher)
    expect(await result).toEqual({ ok: true, value: undefined })
    expect(events.map((event) => event.kind)).toEqual(['phase', 'heartbeat', 'finished'])
    expect(child().sent).toEqual([{ kind: 'start', job: { some: 'job' } }])
  })

  test("the child's own Problem is the result", async () => {
    const problem = { code: 'model.damaged', message: 'm', where: 'w', remedy: 'r' }
    const { launcher } = scripted((made) => {
      made.onSend = () => {
        made.say({ kind: 'failed', problem })
        made.end(cleanExit)
      }
    })
    expect(await run(launcher).result).toEqual({ ok: false, problem })
  })

  test('a child that says its Problem and stays is ended', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const problem = { code: 'scorer.failed', message: 'm', where: 'w', remedy: 'r' }
    const { launcher, child } = scripted((made) => {
      made.onSend = () => made.say({ kind: 'failed', problem })
    })
    const { result } = run(launcher)
    await vi.advanceTimersByTimeAsync(6_000)
    expect(child().killed).toBe(true)
    expect(await result).toEqual({ ok: false, problem })
  })

  test('a child that dies says what it last wrote', async () => {
    const { launcher } = scripted((made) => {
      made.onSend = () => made.end({ code: null, signal: 'SIGSEGV', lastWords: 'bad access' })
    })
    const result = await run(launcher).result
    expect(result).toMatchObject({
      ok: false,
      problem: { code: 'scorer.failed', message: 'The measuring process ended unexpectedly.' },
    })
    expect(result.ok || result.problem.details).toContain('SIGSEGV\nbad access')
  })

  test('a clean exit without `finished` is a failure too', async () => {
    const { launcher } = scripted((made) => {
      made.onSend = () => made.end(cleanExit)
    })
    expect(await run(launcher).result).toMatchObject({ ok: false, problem: { code: 'scorer.failed' } })
  })

  test('a silent child is killed', async () => {
    const { launcher, child } = scripted((made) => {
      made.onSend = () => made.say({ kind: 'phase', phase: 'loading' })
    })
    const result = await run(launcher, { silenceMs: 20 }).result
    expect(result).toMatchObject({
      ok: false,
      problem: { code: 'scorer.failed', message: 'The measuring process stopped answering.' },
    })
    expect(child().killed).toBe(true)
  })

  test('a child that talks nonsense is killed, and nothing of it is passed on', async () => {
    const { launcher, child } = scripted((made) => {
      made.onSend = () => made.say({ kind: 'scores', rows: 'many' })
    })
    const { result, events } = run(launcher)
    expect(await result).toMatchObject({ ok: false, problem: { code: 'scorer.failed' } })
    expect(child().killed).toBe(true)
    expect(events).toEqual([])
  })

  test('cancel asks the child to stop; its late events are dropped', async () => {
    const controller = new AbortController()
    const { launcher, child } = scripted((made) => {
      made.onSend = ({ kind }) => {
        if (kind !== 'cancel') return
        made.say({ kind: 'finished', rows: 3 })
        made.end(cleanExit)
      }
    })
    const { result, events } = run(launcher, { signal: controller.signal })
    controller.abort()
    expect(await result).toMatchObject({ ok: false, problem: { code: 'proof.cancelled' } })
    expect(child().sent.at(-1)).toEqual({ kind: 'cancel' })
    expect(events).toEqual([])
  })

  test('already cancelled: no child is started', async () => {
    const launcher: Launcher = {
      launch: () => {
        throw new Error('no child may start')
      },
    }
    const result = await run(launcher, { signal: AbortSignal.abort() }).result
    expect(result).toMatchObject({ ok: false, problem: { code: 'proof.cancelled' } })
  })
})
