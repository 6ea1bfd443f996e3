// The serving end of the contract: a name and an unknown value in, a Result out, whatever comes. Never throws.
import { describeIssues } from '../recipe.ts'
import { fail, faultOf, type Problem, ProblemError, type Result } from '../result.ts'
import { type CallName, contractCalls } from './contract.ts'

export type Reply = Result<unknown>

/** Handlers by name; a host may bring only some. */
export type AnyHandlers = { readonly [name: string]: ((input: never) => unknown) | undefined }

/** Answers one call. An unknown name, a wrong input, a thrown fault and a wrong output each give a typed Problem. */
export async function dispatch(handlers: AnyHandlers, name: unknown, input: unknown): Promise<Reply> {
  if (!isCallName(name)) return fail(unknownCall(name))
  const parsed = parseInput(name, input)
  if (parsed === null) return fail(endlessInput(name))
  if (!parsed.success) {
    const faults = describeIssues(parsed.error)
    return fail(invalidInput(name, faults))
  }
  const handler = handlers[name]
  if (handler === undefined) return fail(unavailable(name))
  try {
    const reply = (await handler(parsed.data as never)) as Reply
    if (!reply.ok) return reply
    const output = contractCalls[name].output.safeParse(reply.value)
    if (output.success) return { ok: true, value: output.data }
    return fail(faultOf(name, `the answer does not fit the contract: ${output.error.message}`))
  } catch (error) {
    if (error instanceof ProblemError) return fail(error.problem)
    return fail(faultOf(name, error))
  }
}

/** Null for a value that nests without end or deeper than the checks can follow: they give up with a RangeError. */
function parseInput(name: CallName, input: unknown) {
  try {
    return contractCalls[name].input.safeParse(input)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

export const isCallName = (name: unknown): name is CallName =>
  typeof name === 'string' && Object.hasOwn(contractCalls, name)

const shorten = (value: unknown): string =>
  String(typeof value === 'string' ? value : typeof value).slice(0, 60)

const unknownCall = (name: unknown): Problem => ({
  code: 'contract.unknown-call',
  message: 'This was asked of the program, but it knows no such call.',
  where: shorten(name),
  remedy: 'Close this page and open it again from the running program.',
})

export const unavailable = (name: string): Problem => ({
  code: 'host.unavailable',
  message: 'This cannot be done from here.',
  where: name,
  remedy: 'Do it in the desktop program, or bring the file by dropping it on the page.',
})

const invalidInput = (name: string, faults: readonly { where: string; message: string }[]): Problem => ({
  code: 'contract.invalid-input',
  message: `At ${faults[0]?.where ?? 'the input'}: ${faults[0]?.message ?? 'not valid'}.`,
  where: name,
  remedy: 'Change this value and try again.',
  faults,
})

const endlessInput = (name: string): Problem =>
  invalidInput(name, [{ where: 'the input', message: 'nested too deep' }])
