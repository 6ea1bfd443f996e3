// One run as the screen sees it: read once, then followed. A missed update (a lost connection) is read again.
import { onScopeDispose, shallowRef } from 'vue'
import type { EventPayload, TrainingView } from '#shared/contract/index.ts'
import { activeStatuses } from '#shared/journal-types.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'

type Update = EventPayload<'training.update'>

/** Points of the view with those of an update behind them; a step that was run again replaces the earlier one. */
export function joined<P extends { readonly step: number }>(known: readonly P[], added: readonly P[]): P[] {
  if (added.length === 0) return [...known]
  const from = Math.min(...added.map(({ step }) => step))
  return [...known.filter(({ step }) => step < from), ...added]
}

/** Points that a followed curve holds at most; what is read at once is thinned to half of it. */
const mostPoints = 4000

/** A long curve with every second point of its older half left out, so that a run of days costs no more than one of hours. */
export function bounded<P>(points: readonly P[]): readonly P[] {
  if (points.length <= mostPoints) return points
  const half = Math.floor(points.length / 2)
  return points.filter((_, at) => at >= half || at % 2 === 0)
}

/** `about`: of a journal that was opened for looking, where nothing happens any more. */
export function useRun(runId: string, about: { readonly journal?: string } = {}) {
  const view = shallowRef<TrainingView | null>(null)
  const problem = shallowRef<Problem | null>(null)

  async function load(): Promise<void> {
    const reply = await api.call('training.get', { runId, ...about })
    if (reply.ok) view.value = reply.value
    problem.value = reply.ok ? null : reply.problem
  }

  function follow(update: Update): void {
    const known = view.value
    if (known === null || update.state.runId !== runId) return
    view.value = {
      ...known,
      state: update.state,
      train: [...bounded(joined(known.train, update.train))],
      validation: joined(known.validation, update.validation),
      samples: joined(known.samples, update.samples),
      notices: [...known.notices, ...update.notices],
    }
    // Its turn has come.
    const isWoken = known.waiting !== null
    // What computes it is known with its plan, and may change where something happened.
    const hasBegun = known.state.totalSteps === 0 && update.state.totalSteps > 0
    if (isWoken || hasBegun || update.notices.length > 0 || !activeStatuses.includes(update.state.status))
      void load()
  }

  /** Why it waits changes with what is ahead of it; where it waits no more, it is read again. */
  function followQueue({ items }: EventPayload<'queue.changed'>): void {
    const known = view.value
    if (known === null) return
    const waiting = items.find(({ kind, id, state }) => kind === 'run' && id === runId && state === 'waiting')
    if (waiting !== undefined && known.waiting !== null) view.value = { ...known, waiting: waiting.reason }
    else if ((waiting === undefined) !== (known.waiting === null)) void load()
  }

  async function act(name: 'training.pause' | 'training.resume' | 'training.stop' | 'training.continue') {
    const reply = await api.call(name, { runId })
    problem.value = reply.ok ? null : reply.problem
    if (name === 'training.continue' && reply.ok) void load()
  }

  async function takeOut(): Promise<void> {
    const reply = await api.call('queue.remove', { kind: 'run', id: runId })
    problem.value = reply.ok ? null : reply.problem
    void load()
  }

  /** The id of the run that repeats this one; null where it could not begin, and `problem` says why. */
  async function repeat(): Promise<string | null> {
    const reply = await api.call('training.repeat', { runId })
    problem.value = reply.ok ? null : reply.problem
    return reply.ok ? reply.value.runId : null
  }

  /** The project whose plan now has this run's settings; null where that could not be, and `problem` says why. */
  async function adopt(): Promise<string | null> {
    const reply = await api.call('training.adopt', { runId })
    problem.value = reply.ok ? null : reply.problem
    return reply.ok ? reply.value.projectId : null
  }

  if (about.journal === undefined) {
    onScopeDispose(api.on('training.update', follow))
    onScopeDispose(api.on('queue.changed', followQueue))
  }
  void load()
  return { view, problem, act, takeOut, repeat, adopt }
}
