// The questions that every request answers before anything is done for it, in this order: method, host, origin. A page of
// another site that found the port, by a name of its own or from a foreign origin, ends here.
import type { IncomingMessage } from 'node:http'

export type Refusal =
  | 'method'
  | 'host'
  | 'origin'
  | 'path'
  | 'session'
  | 'ticket'
  | 'size'
  | 'clients'
  | 'message'

export interface GateRules {
  readonly methods: readonly string[]
  /** Required for everything that changes something, and for the socket. */
  readonly needsOrigin: boolean
}

/** Only these two spellings of this computer, with the very port. */
const ownHosts = (port: number): readonly string[] => [`127.0.0.1:${port}`, `localhost:${port}`]

/** Null where the request may go on. Headers that come twice are refused: which one counts is anybody's guess. */
export function refusalOf(request: IncomingMessage, port: number, rules: GateRules): Refusal | null {
  if (!rules.methods.includes(request.method ?? '')) return 'method'
  const [host] = onlyValue(request, 'host')
  if (host === undefined || !ownHosts(port).includes(host)) return 'host'
  const origins = valuesOf(request, 'origin')
  if (origins.length === 0) return rules.needsOrigin ? 'origin' : null
  return origins.length === 1 && origins[0] === `http://${host}` ? null : 'origin'
}

/** The value of one cookie; null where it is missing or comes twice. */
export function cookieOf(request: IncomingMessage, name: string): string | null {
  const found = valuesOf(request, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
  return found.length === 1 && found[0] !== undefined ? found[0].slice(name.length + 1) : null
}

const onlyValue = (request: IncomingMessage, name: string): string[] => {
  const values = valuesOf(request, name)
  return values.length === 1 ? values : []
}

/** As they came over the wire; Node's `headers` would already have thrown repeated ones away. */
function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  const values: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? '')
  return values
}
