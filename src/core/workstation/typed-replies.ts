// What screens are told when something does not work names commands as this person has to type them.
import type { AnyHandlers } from '#shared/contract/index.ts'
import { fail, type Result } from '#shared/result.ts'
import { withTypedCommands } from '../system/typed-command.ts'

/** The same handlers; of their Problems every hint is rewritten. */
export const withTypedProblems = (handlers: AnyHandlers): AnyHandlers =>
  Object.fromEntries(Object.entries(handlers).map(([name, handler]) => [name, handler && typed(handler)]))

const typed =
  (handler: NonNullable<AnyHandlers[string]>) =>
  async (input: never): Promise<unknown> => {
    const reply = (await handler(input)) as Result<unknown>
    return reply.ok ? reply : fail(withTypedCommands(reply.problem))
  }
