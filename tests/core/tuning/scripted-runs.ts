// Runs by a formula, written into a real journal as a trainer's are: measured at the shares of their steps, given up at a
// rung, stopped with a checkpoint, gone on with from there. A test says how the next launches end.
import type { StudyPorts } from '#core/tuning/study-ports.ts'
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import type { NewEvent } from '#shared/journal-commands.ts'
import type { Recipe } from '#shared/recipe.ts'
import { ok, type Problem, unwrap } from '#shared/result.ts'

/** `held`: it stays at its first measurement until it is let go, or stopped. */
export type Ending = 'finished' | 'crashed' | 'diverged' | 'disk-full' | 'held' | 'stopped by hand'

export interface ScriptedRuns {
  readonly port: StudyPorts['runs']
  /** Of the next launches; when they are through, runs finish. */
  readonly endings: Ending[]
  /** In their order, one that was launched again too. */
  readonly launched: string[]
  letGo(): void
}

const totalSteps = 18
const measuredSteps = [0, 2, 6, 18]

/** Lowest at a rate of 5e-4 and a rank of 8; another seed changes it a little. */
export function lossOf({ optimizer, method, seed }: Recipe, step: number): number {
  const rate = Math.log10(optimizer.learningRate) + 3.3
  const noise = ((seed * 2_654_435_761) % 1000) / 1e5
  return 0.5 + 0.3 * rate ** 2 + 0.02 * Math.abs(Math.log2(method.rank) - 3) + noise + (1 - step / totalSteps)
}

const problemOf = (code: Problem['code']): Problem => ({
  code,
  message: `It ended with ${code}.`,
  where: 'the test',
  remedy: 'Nothing.',
})

const codeOf = {
  crashed: 'trainer.crashed',
  diverged: 'training.diverged',
  'disk-full': 'disk.full',
} as const

export function createScriptedRuns(
  writer: JournalWriter,
  reader: JournalReader,
  clock: StudyPorts['clock'],
): ScriptedRuns {
  const endings: Ending[] = []
  const launched: string[] = []
  const working = new Map<string, { stop(): void; letGo(): void; readonly ended: Promise<void> }>()

  /** Step of the last checkpoint: one is saved at each measurement. */
  const savedStep = (runId: string): number => {
    const steps = unwrap(reader.events(runId)).flatMap(({ kind, body }) =>
      kind === 'evaluation' ? [(body as { step: number }).step] : [],
    )
    return steps.length === 0 ? -1 : Math.max(...steps)
  }

  function begin(
    runId: string,
    pruneAt: readonly { share: number; aboveNats: number | null }[],
    notice: string | undefined,
  ): void {
    const { recipe } = unwrap(reader.getRun(runId))
    const { attempt, firstSeq } = unwrap(writer.startAttempt(runId))
    let seq = firstSeq
    const write = (kind: string, body: unknown): void => {
      const event: NewEvent = { seq, atMs: clock.nowMs() + 1000 * seq, kind, body }
      seq += 1
      unwrap(writer.appendEvents(runId, attempt, [event]))
    }
    if (notice !== undefined) write('notice', { text: notice })
    const from = savedStep(runId)
    write('plan', { totalSteps, determinism: 'bit-exact on this machine', backend: 'formula' })
    const ending = endings.shift() ?? 'finished'
    const measure = (step: number): void =>
      write('evaluation', {
        step,
        lossNats: lossOf(recipe, step),
        labelledTokens: 9,
        isBest: true,
        durationMs: 1,
      })
    const isWorse = (step: number): boolean =>
      pruneAt.some(
        ({ share, aboveNats }) =>
          step >= Math.ceil(share * totalSteps) && aboveNats !== null && lossOf(recipe, step) > aboveNats,
      )
    const finish = (reason: 'completed' | 'pruned' | 'cancelled', step: number): void => {
      write('finished', { reason, step, peakResidentBytes: 1000 * recipe.method.rank })
      const best = { bestStep: step, bestLossNats: lossOf(recipe, step), adapterSha256: null }
      unwrap(writer.finishRun(runId, { reason, ...best }))
    }
    const goOn = (): void => {
      for (const step of measuredSteps.filter((one) => one > from)) {
        write('step', { step: Math.max(1, step), lossNats: 1, durationMs: 1 })
        measure(step)
        const isGivenUp = step < totalSteps && isWorse(step)
        if (isGivenUp || step === totalSteps) finish(isGivenUp ? 'pruned' : 'completed', step)
        if (isGivenUp) break
      }
    }
    const stop = (): void => finish('cancelled', Math.max(0, from))
    if (ending !== 'finished' && from < 0) measure(0)
    if (ending === 'finished') goOn()
    else if (ending === 'held') hold(runId, { goOn, stop })
    else if (ending === 'stopped by hand') stop()
    else {
      const status = ending === 'crashed' ? 'crashed' : 'failed'
      unwrap(writer.failRun(runId, { status, problem: problemOf(codeOf[ending]) }))
    }
  }

  function hold(runId: string, { goOn, stop }: { goOn(): void; stop(): void }): void {
    let end = (): void => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const over = (how: () => void) => (): void => {
      if (!working.delete(runId)) return
      how()
      end()
    }
    working.set(runId, { stop: over(stop), letGo: over(goOn), ended })
  }

  return {
    endings,
    launched,
    letGo: () => {
      for (const { letGo } of [...working.values()]) letGo()
    },
    port: {
      launch: async (runId, _card, trial) => {
        launched.push(runId)
        begin(runId, trial?.pruneAt ?? [], trial?.notice)
        return ok({})
      },
      stop(runId) {
        working.get(runId)?.stop()
        return ok({})
      },
      resume: () => ok({}),
      stateOf: () => null,
      ended: async (runId) => working.get(runId)?.ended,
    },
  }
}
