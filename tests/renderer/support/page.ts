/// <reference path="../../../src/renderer/env.d.ts" />
// A page without a browser: what the renderer asks of the program is answered by the test, and events come when it says.
import { createPinia, setActivePinia } from 'pinia'
import { vi } from 'vitest'
import type { Transport } from '#shared/contract/api.ts'
import type { CallInput, CallName } from '#shared/contract/contract.ts'
import { attemptAsync, type Result } from '#shared/result.ts'

/** An answer gets what the contract says that the call takes; a ProblemError that it throws is a refusal. */
type Answers = { readonly [C in CallName]?: (input: CallInput<C>) => unknown }

/** Call before the module under test is imported: `api.ts` looks for its transport once. */
export function openTestPage(answers: Answers) {
  const listeners = new Set<(event: string, payload: unknown) => void>()
  const calls: { readonly name: string; readonly input: unknown }[] = []
  const transport: Transport = {
    call: async (name, input): Promise<Result<unknown>> => {
      calls.push({ name, input })
      const answer = answers[name as CallName] as ((input: unknown) => unknown) | undefined
      if (answer === undefined) throw new Error(`the test has no answer to ${name}`)
      return attemptAsync(async () => answer(input))
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  vi.stubGlobal('window', { tunewright: transport })
  setActivePinia(createPinia())
  return {
    calls,
    tell: (event: string, payload: unknown): void => {
      for (const listener of listeners) listener(event, payload)
    },
  }
}
