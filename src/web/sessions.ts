// Who may talk to the browser host. A ticket is good once and for half a minute; it becomes a cookie and a token, which
// count only together. Only digests are kept, and they are compared in constant time.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const ticketLifeMs = 30_000
/** So many wrong tickets close the door for a while: nobody guesses 256 bits, but somebody may try. */
const wrongTicketsAllowed = 10
const closedForMs = 60_000
const sessionsKept = 8

export interface Session {
  readonly cookie: string
  readonly token: string
}

interface StoredSession {
  readonly cookieDigest: Buffer
  readonly tokenDigest: Buffer
}

export interface Sessions {
  /** A fresh ticket; those before it are no longer good. */
  newTicket(): string
  /** The session that a ticket opens; null for a wrong, used or old one. */
  redeem(ticket: string): Session | null
  hasCookie(cookie: string): boolean
  isSession(cookie: string, token: string): boolean
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
const secret = (): string => randomBytes(32).toString('base64url')

export function createSessions(nowMs: () => number = Date.now): Sessions {
  let ticket: { readonly digest: Buffer; readonly untilMs: number } | null = null
  let wrongTickets = 0
  let closedUntilMs = 0
  const sessions: StoredSession[] = []

  function isGoodTicket(text: string): boolean {
    if (nowMs() < closedUntilMs) return false
    const isGood = ticket !== null && timingSafeEqual(ticket.digest, digest(text)) && nowMs() < ticket.untilMs
    if (isGood) {
      ticket = null
      wrongTickets = 0
      return true
    }
    wrongTickets += 1
    if (wrongTickets >= wrongTicketsAllowed) {
      closedUntilMs = nowMs() + closedForMs
      wrongTickets = 0
    }
    return false
  }

  return {
    newTicket() {
      const text = secret()
      ticket = { digest: digest(text), untilMs: nowMs() + ticketLifeMs }
      return text
    },
    redeem(text) {
      if (!isGoodTicket(text)) return null
      const session = { cookie: secret(), token: secret() }
      sessions.push({ cookieDigest: digest(session.cookie), tokenDigest: digest(session.token) })
      if (sessions.length > sessionsKept) sessions.shift()
      return session
    },
    hasCookie: (cookie) => sessions.some((known) => timingSafeEqual(known.cookieDigest, digest(cookie))),
    isSession: (cookie, token) =>
      sessions.some(
        (known) =>
          timingSafeEqual(known.cookieDigest, digest(cookie)) &&
          timingSafeEqual(known.tokenDigest, digest(token)),
      ),
  }
}
