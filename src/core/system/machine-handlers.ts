// The self-test and the speed of this computer, for the screens.
import type { SomeHandlers } from '#shared/contract/index.ts'
import { ok } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { runSelfTest } from './self-test.ts'
import { measureSpeed, readSpeed } from './speed.ts'

export function createMachineHandlers(
  context: WorkstationContext,
): SomeHandlers<'system.selfTest' | 'system.speed' | 'system.measureSpeed'> {
  const { library, launcher, reader, jobs, emit } = context
  return {
    'system.selfTest': async () => {
      const ports = { library, launcher, reader: () => reader, canWrite: () => ok(true) }
      const checks = await runSelfTest(ports, (check) => emit('system.selfTestCheck', check))
      return ok({ checks, isGood: checks.every(({ isGood }) => isGood) })
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
