// Whether this page reaches the program. Under Electron it always does; in a browser the socket can break.
import { ref } from 'vue'

export type ConnectionState = 'connected' | 'lost' | 'ended'

/** `lost`: tries again by itself. `ended`: the address is no longer good, only a new one helps. */
export const connectionState = ref<ConnectionState>('connected')

let retry: () => void = () => {}

/** The transport says how a person's "connect now" is done. */
export const onReconnectNow = (action: () => void): void => {
  retry = action
}
export const reconnectNow = (): void => retry()
