// A computer without a network, for a Node process and what it starts (`--import`): this computer itself is reached and
// nothing else, and every try is said on standard error.
import dns from 'node:dns'
import { Socket } from 'node:net'

/** What a try is called on standard error. */
export const triedWord = 'NETWORK'

interface Goal {
  readonly host?: string
  readonly path?: string
}

const isOwn = ({ host, path }: Goal): boolean =>
  path !== undefined || host === undefined || ['localhost', '127.0.0.1', '::1'].includes(host)
const say = (host = ''): void => void process.stderr.write(`${triedWord} ${host}\n`)

/** Nobody listens there. */
const nowhere = { host: '127.0.0.1', port: 1 } as const

const connect = Socket.prototype.connect
Socket.prototype.connect = function (this: Socket, ...given: unknown[]): Socket {
  const first = Array.isArray(given[0]) ? given[0][0] : given[0]
  const goal: Goal = typeof first === 'object' ? first : { host: String(given[1] ?? 'localhost') }
  if (isOwn(goal)) return Reflect.apply(connect, this, given)
  say(goal.host)
  if (typeof first === 'object') Object.assign(first, nowhere)
  return Reflect.apply(
    connect,
    this,
    typeof first === 'object' ? given : [nowhere.port, nowhere.host, ...given.slice(2)],
  )
}

const { lookup } = dns
dns.lookup = Object.assign((host: string, ...rest: unknown[]): void => {
  if (isOwn({ host })) {
    Reflect.apply(lookup, dns, [host, ...rest])
    return
  }
  say(host)
  const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' })
  process.nextTick(rest.at(-1) as (error: Error) => void, error)
}, lookup)
