/**
 * The third page: streams of events, the expiry of their access token, its renewal on an open connection
 * and on a new one, and their end by logout.
 */
import { randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import { expiringToken } from './aged-token.ts'
import { eventStream, webSocketEvents } from './live-events.ts'
import type { LiveEvents } from './live-events.ts'
import { codeOf, finding, row } from './rows.ts'
import type { Finding, Row } from './rows.ts'
import { send } from './send.ts'
import { revocationLag, untilRefused } from './until-refused.ts'
import type { WalkThroughParts } from './walk-through.ts'

const password = 'purple kangaroo sings'
const subscription =
  'subscription { sessionEvents { kind reason session { id current user { id } } } }'

/** How long the first access token of the page is valid once the page listens, in seconds. */
const left = 6

/** What is kept open while its access token is replaced. */
const laptopsName = "laptop's WebSocket"

/** How late an event may be, in milliseconds: it is read four times a second. */
const eventLag = 2_000

const transports = { SSE: eventStream, WebSocket: webSocketEvents }

/** Returns one row per step. */
export async function thirdPage({ urls, environment }: WalkThroughParts): Promise<Row[]> {
  const username = `listener-${randomBytes(4).toString('hex')}`
  const ask = (query: string, variables: Record<string, unknown> = {}, token?: string) =>
    send(urls.gateway, { query, variables }, token)
  const login = async () => {
    const { data } = await ask(
      `mutation ($username: String!, $password: String!) {
        login(username: $username, password: $password) { token refreshToken }
      }`,
      { username, password },
    )
    return tokensIn(data?.login)
  }
  const refresh = (refreshToken: string) =>
    ask(
      `mutation ($refreshToken: String!) {
        refresh(refreshToken: $refreshToken) { token refreshToken }
      }`,
      { refreshToken },
    )
  const listen = (token: string) =>
    Object.entries(transports).map(([name, events]) => ({
      name,
      events: events(urls.gateway, subscription, token),
    }))

  await ask(
    `mutation ($username: String!, $password: String!) {
      signUp(username: $username, password: $password) { problems { code } }
    }`,
    { username, password },
  )
  const page = await login()
  const phone = await login()
  const laptop = await login()
  // The first one expires no later than the second one.
  const laptopsExpiring = await expiringToken(laptop.token, environment, left)
  const expiring = await expiringToken(page.token, environment, left)
  const first = listen(expiring)
  let renew!: (token: string) => void
  const renewal = new Promise<string>((resolve) => (renew = resolve))
  const kept = {
    name: laptopsName,
    events: webSocketEvents(urls.gateway, subscription, laptopsExpiring, renewal),
  }
  const listening = await nextOf([...first, kept])
  const tablet = await login()
  const signedIn = await nextOf([...first, kept])
  const laptopsNext = tokensIn((await refresh(laptop.refreshToken)).data?.refresh)
  renew(laptopsNext.token)
  const renewing = await nextOf([...first, kept])
  const expired = await nextOf(first)
  const refused = await nextOf(listen(expiring))

  const renewed = tokensIn((await refresh(page.refreshToken)).data?.refresh)
  const second = listen(renewed.token)
  const again = await nextOf(second)
  const outlived = await nextOf([kept])
  await refresh(phone.refreshToken)
  const refreshed = await nextOf([...second, kept])

  const revoked = await ask(
    'mutation ($id: ID!) { revokeSession(id: $id) }',
    { id: page.session },
    phone.token,
  )
  const ended = await nextOf(second)
  const completed = await nextOf(second)
  const refusal = await untilRefused(() => ask('{ userData { id } }', {}, renewed.token))
  const late = await nextOf(listen(renewed.token))
  const dead = await refresh(renewed.refreshToken)
  await kept.events.return('')

  return [
    row(1, 'client', 'a page, a phone and a laptop log in; the page and the laptop subscribe', [
      finding(page.session !== phone.session, `POST ${subscription}`),
      ...each(listening, ({ name, event }) => event === `LISTENING ${sessionOf(name)} current`),
    ]),
    row(2, 'auth', 'reports the login of a tablet', [
      ...each(
        signedIn,
        ({ event, after }) => event === `SIGNED_IN ${tablet.session}` && after <= eventLag,
      ),
    ]),
    row(3, 'client', 'the laptop refreshes, and sends its new token on the open WebSocket', [
      finding(laptopsNext.session === laptop.session, 'a new access token, of the same session'),
      ...each(renewing, ({ name, event }) =>
        event.startsWith(`REFRESHED ${laptop.session}${name === laptopsName ? ' current' : ''}`),
      ),
    ]),
    row(4, 'gateway', 'ends the streams whose access token expires, and no other', [
      ...each(expired, ({ name, event }) => event === expiryOf[name]),
      ...each(refused, ({ event }) => event.endsWith('TOKEN_EXPIRED')),
      ...each(outlived, ({ event }) => event === `REFRESHED ${page.session}`),
    ]),
    row(5, 'client', 'the page refreshes, and subscribes again, as client libraries do', [
      finding(renewed.token !== page.token, 'a new access token, of the same session'),
      ...each(again, (seen) => seen.event === `LISTENING ${page.session} current`),
    ]),
    row(6, 'auth', 'reports that the phone refreshes', [
      ...each(refreshed, ({ event }) => event === `REFRESHED ${phone.session}`),
    ]),
    row(7, 'client', 'the phone logs the page out; the page learns it at once', [
      finding(revoked.data?.revokeSession === true, 'mutation { revokeSession }'),
      // The gateway may have read the revocation first: then it delivers no event.
      ...each(ended, ({ event }) => isLast(event) || event.includes('TOKEN_REVOKED')),
      ...each(completed, ({ event }) => /^(complete|nothing more)$|TOKEN_REVOKED/.test(event)),
    ]),
    row(8, 'gateway', 'refuses the page from then on', [
      finding(
        refusal.reason === 'TOKEN_REVOKED' && refusal.after <= revocationLag,
        `refused after ${(refusal.after / 1000).toFixed(1)} s: ${refusal.reason}`,
      ),
      ...each(late, ({ event }) => event.endsWith('TOKEN_REVOKED')),
      finding(codeOf(dead) === 'SESSION_ENDED', `refresh: ${codeOf(dead)}`),
    ]),
  ]

  function sessionOf(stream: string): string {
    return stream === laptopsName ? laptop.session : page.session
  }

  function isLast(event: string): boolean {
    return event === `ENDED ${page.session} current REVOKED`
  }
}

/** How each stream ends when its access token expires. */
const expiryOf: Readonly<Record<string, string>> = {
  SSE: 'its end without `complete`',
  WebSocket: 'close 4403 TOKEN_EXPIRED',
}

interface Stream {
  readonly name: string
  readonly events: LiveEvents
}

/** What a stream sent next. */
interface Seen {
  readonly name: string
  /** In words: the event, an error, or how the stream ended. */
  readonly event: string
  /** In milliseconds. */
  readonly after: number
}

/** Returns the next event of each stream. */
function nextOf(streams: readonly Stream[]): Promise<Seen[]> {
  const startedAt = Date.now()
  return Promise.all(
    streams.map(async ({ name, events }) => {
      const event = await inWords(events)
      return { name, event, after: Date.now() - startedAt }
    }),
  )
}

async function inWords(events: LiveEvents): Promise<string> {
  const { done, value } = await events.next()
  if (done) return value ?? 'nothing more'
  const { data, errors = [] } = value
  if (!data?.sessionEvents) return errors.map(({ extensions }) => describe(extensions)).join()
  const { kind, reason, session } = data.sessionEvents
  return [kind, session.id, session.current && 'current', reason].filter(Boolean).join(' ')
}

function describe({ code, reason }: { code?: string; reason?: string } = {}): string {
  return `${code} ${reason ?? ''}`.trim()
}

function each(seen: readonly Seen[], holds: (seen: Seen) => boolean): Finding[] {
  return seen.map((one) =>
    finding(holds(one), `${one.name}, after ${(one.after / 1000).toFixed(1)} s: ${one.event}`),
  )
}

function tokensIn({ token = '', refreshToken = '' } = {}) {
  return { token, refreshToken, session: token === '' ? '' : String(decodeJwt(token).sid) }
}
