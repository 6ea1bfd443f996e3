// The queue of runs and studies, for the screens.
import type { SomeHandlers } from '#shared/contract/index.ts'
import { ok } from '#shared/result.ts'
import type { RunQueue } from './run-queue-port.ts'

export function createQueueHandlers(
  queue: RunQueue,
): SomeHandlers<'queue.list' | 'queue.move' | 'queue.remove'> {
  return {
    'queue.list': () => ok({ items: queue.list() }),
    'queue.move': ({ kind, id, by }) => queue.move(kind, id, by),
    'queue.remove': ({ kind, id }) => queue.remove(kind, id),
  }
}
