import type { Transport } from '#shared/contract/api.ts'

declare global {
  interface Window {
    /** Put there by Electron's preload; a browser has none and uses the socket. */
    readonly tunewright?: Transport
  }
}
