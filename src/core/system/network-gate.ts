// The one way to other computers: closed unless a person allowed downloads, and every request through it is counted.
import type { Emit, NetworkUse } from '#shared/contract/index.ts'
import { ProblemError } from '#shared/result.ts'
import type { NetworkGate, SettingsStore } from '../workstation/context.ts'

export interface CountingGate extends NetworkGate {
  use(): NetworkUse
}

export function createNetworkGate(
  settings: SettingsStore,
  emit: Emit,
  fetchNow: typeof fetch = fetch,
): CountingGate {
  let connections = 0
  let last: NetworkUse['last'] = null
  const use = (): NetworkUse => ({ connections, last, isAllowed: settings.get().allowsDownloads })
  function open(host: string, purpose: string): void {
    if (!settings.get().allowsDownloads) throw closed(host)
    connections += 1
    last = { host, atMs: Date.now(), purpose }
    emit('network.changed', use())
  }
  return {
    get connections() {
      return connections
    },
    use,
    open,
    fetchFor: (purpose) => async (input, init) => {
      open(new URL(input instanceof Request ? input.url : String(input)).host, purpose)
      return fetchNow(input, init)
    },
  }
}

const closed = (host: string): ProblemError =>
  new ProblemError({
    code: 'network.off',
    message: 'Downloads are turned off, so nothing was sent.',
    where: host,
    remedy: 'Allow downloads in the settings, or bring the model as a file.',
  })
