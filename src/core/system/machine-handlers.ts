// The self-test and the speed of this computer, for the screens.
import type { SelfTestCheck, SomeHandlers } from '#shared/contract/index.ts'
import { ok } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { runSelfTest } from './self-test.ts'
import { measureSpeed, readSpeed } from './speed.ts'

export function createMachineHandlers(
  context: WorkstationContext,
): SomeHandlers<'system.selfTest' | 'system.speed' | 'system.measureSpeed'> {
  const { library, launcher, jobs, emit } = context
  const ports = { library, launcher, canWrite: () => ok(true) }
  /** Two at a time would tell each screen the other's ticks, and disturb each other. */
  let running: Promise<SelfTestCheck[]> | null = null
  return {
    'system.selfTest': async () => {
      running ??= runSelfTest(ports, (check) => emit('system.selfTestCheck', check)).finally(() => {
        running = null
      })
      return ok({ checks: await running })
    },
    'system.speed': () => ok(readSpeed(library)),
    'system.measureSpeed': () =>
      ok(
        jobs.start({ kind: 'speed', title: 'Speed of this computer', key: 'speed' }, (tools) =>
          measureSpeed(library, launcher, tools),
        ),
      ),
  }
}
