// What page and browser host say to each other: once over HTTP to open a session, then over one socket. The calls and
// events themselves are those of the contract.
import { z } from 'zod'
import type { Reply } from './contract/dispatch.ts'

export const sessionPath = '/session'
export const socketPath = '/socket'
/** In the fragment of the address that the program prints: `#ticket=…`. Fragments are never sent to a server. */
export const ticketField = 'ticket'

/** POST `sessionPath`, JSON. The answer sets an HttpOnly cookie; cookie and token count only together. */
export const sessionRequest = z.strictObject({ ticket: z.string().min(1).max(200) })
export const sessionAnswer = z.strictObject({ token: z.string().min(1).max(200) })

/** `hello` is the first message and comes once; a page calls only after it. */
export const fromPage = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('hello'), token: z.string().max(200) }),
  z.strictObject({
    kind: z.literal('call'),
    id: z.int().nonnegative(),
    name: z.unknown(),
    input: z.unknown(),
  }),
])
export type FromPage = z.input<typeof fromPage>

export interface ToldEvent {
  readonly event: string
  readonly payload: unknown
}
export type ToPage =
  | { readonly kind: 'welcome' }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: Reply }
  | { readonly kind: 'events'; readonly events: readonly ToldEvent[] }

/** Why the host closed a socket. After `refused` only a new address helps; after the others a page may try again. */
export const closeCodes = { refused: 4401, notUnderstood: 4400, tooSlow: 4408, ending: 1001 } as const
