// The self-test of this computer, for the screens.
import type { SelfTestCheck, SomeHandlers } from '#shared/contract/index.ts'
import { ok } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { runSelfTest } from './self-test.ts'
import { withTypedCommands } from './typed-command.ts'

export function createMachineHandlers(context: WorkstationContext): SomeHandlers<'system.selfTest'> {
  const { library, launcher, emit } = context
  const ports = { library, launcher, canWrite: () => ok(true) }
  /** Two at a time would tell each screen the other's ticks, and disturb each other. */
  let running: Promise<SelfTestCheck[]> | null = null
  return {
    'system.selfTest': async () => {
      running ??= runSelfTest(ports, (check) =>
        emit('system.selfTestCheck', withTypedCommands(check)),
      ).finally(() => {
        running = null
      })
      return ok({ checks: withTypedCommands(await running) })
    },
  }
}
