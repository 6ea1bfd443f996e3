// `tunewright call NAME [JSON]`: the contract from the command line, for scripts and for looking closely. Work that the
// call starts is waited for; events are not shown.
import { moveToSystemBin } from '#core/system/system-bin.ts'
import { createWorkstation } from '#core/workstation/workstation.ts'
import { dispatch } from '#shared/contract/index.ts'
import { attempt, ProblemError, unwrap } from '#shared/result.ts'
import type { Application } from '../application.ts'

export async function runCall(application: Application, name: string, json: string): Promise<void> {
  const input = unwrap(attempt(() => parseInput(json)))
  const workstation = unwrap(
    createWorkstation({
      home: application.library.home,
      launcher: application.launcher,
      host: { kind: 'direct', moveToBin: moveToSystemBin, pickedPath: () => null },
    }),
  )
  try {
    const value = unwrap(await dispatch(workstation.handlers, name, input))
    for (const line of JSON.stringify(value, null, 2).split('\n')) application.output.line(line)
    application.output.result(value)
  } finally {
    await workstation.close()
  }
}

function parseInput(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new ProblemError({
      code: 'usage.invalid',
      message: 'The input of the call is not JSON.',
      where: json.slice(0, 100),
      remedy: 'Give it in single quotes, e.g. \'{"projectId": "…"}\'.',
      details: String(error),
    })
  }
}
