// What the page may ask of the application. The preload exposes exactly this, the main process answers exactly this.
import { z } from 'zod'

export const bridgeCalls = {
  'app.about': {
    input: z.strictObject({}),
    output: z.strictObject({ name: z.string(), version: z.string(), home: z.string() }),
  },
} as const

export type BridgeCall = keyof typeof bridgeCalls
export type BridgeInput<C extends BridgeCall> = z.input<(typeof bridgeCalls)[C]['input']>
export type BridgeOutput<C extends BridgeCall> = z.output<(typeof bridgeCalls)[C]['output']>

/** The object the preload puts on the page's window as `tunewright`. */
export interface Bridge {
  call<C extends BridgeCall>(name: C, input: BridgeInput<C>): Promise<BridgeOutput<C>>
}
