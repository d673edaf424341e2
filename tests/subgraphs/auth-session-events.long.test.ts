/** `sessionEvents`: two auth processes on one database, one with the listeners, one with the changes. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createClient } from 'graphql-sse'
import { createClient as createWebSocketClient } from 'graphql-ws'
import WebSocket from 'ws'
import { openAuthDatabase } from '../../subgraphs/auth/database.ts'
import type { AuthDatabase } from '../../subgraphs/auth/database.ts'
import { strengths } from '../../subgraphs/auth/sessions/authentication-strength.ts'
import { listenerLimits, sessionEvents } from '../../subgraphs/auth/sessions/session-events.ts'
import type { SessionEvents } from '../../subgraphs/auth/sessions/session-events.ts'
import { sessionStore } from '../../subgraphs/auth/sessions/sessions.ts'
import type { Session, Sessions } from '../../subgraphs/auth/sessions/sessions.ts'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { gatewayHeaders } from '../../subgraphs/kit/testing.ts'
import { asker, claimsKeyOf, gatewaySecret } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'
import {
  authEnvironment,
  cheapHashes,
  loggedIn,
  refresh,
  signedUp,
} from '../support/auth-client.ts'
import type { CallerClaims } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import { gatewayOfAuth } from '../support/gateway-of-auth.ts'
import type { GatewayOfAuth } from '../support/gateway-of-auth.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { gatewaySecret as secretOfGateway } from '../support/running-gateway.ts'
import { until } from '../support/until.ts'

const password = 'purple kangaroo sings'
const subscription = `subscription {
  sessionEvents { kind reason at session { id client address current user { id } } }
}`
const key = deriveClaimsKey(gatewaySecret, 'auth')
const keyOfGateway = Buffer.from(deriveClaimsKey(secretOfGateway, 'auth')).toString('base64url')

interface Event {
  readonly data?: { readonly sessionEvents: any } | null
  readonly errors?: readonly { readonly extensions: Record<string, unknown> }[]
}

describe.each(await testDatabases())('events of sessions on $name', ({ make }) => {
  let scratch: ScratchDatabase
  let listening: RunningProcess
  let changing: RunningProcess
  let ask: Ask
  let count = 0

  beforeAll(async () => {
    scratch = await make()
    const keys = [claimsKeyOf('auth'), keyOfGateway].join()
    const environment = { ...authEnvironment(scratch.url), CLAIMS_KEY: keys }
    const surroundings = { hashParameters: cheapHashes }
    listening = await startAuth(environment, surroundings)
    const statusUrl = { TOKEN_STATUS_URL: new URL(listening.url).origin }
    changing = await startAuth({ ...environment, ...statusUrl }, surroundings)
    ask = asker('auth', changing.url)
  })
  afterAll(async () => {
    await changing.close()
    await listening.close()
    await scratch.drop()
  })

  const account = () => signedUp(ask, `listener${++count}`, password)
  const claimsFor = ({ sub, sid }: CallerClaims) => ({ sub, sid })

  function subscribed(claims: Record<string, unknown> & { sub: string }) {
    const client = createClient({
      url: listening.url,
      headers: gatewayHeaders('auth', key, claims),
      retryAttempts: 0,
    })
    return client.iterate({ query: subscription }) as AsyncIterableIterator<Event>
  }
  /** Returns the events of a session once it is listened to. */
  async function listenersOf({ claims }: { claims: CallerClaims }) {
    const events = subscribed(claimsFor(claims))
    expect((await next(events))!).toMatchObject({
      kind: 'LISTENING',
      session: { id: claims.sid, current: true, user: { id: claims.sub } },
    })
    return events
  }
  async function next(events: AsyncIterator<Event>) {
    const { done, value } = await events.next()
    if (done) return undefined
    expect(value.errors).toBeUndefined()
    return value.data!.sessionEvents
  }

  test('a login, a refresh and a logout elsewhere are events of the account', async () => {
    const credentials = await account()
    const page = await loggedIn(ask, credentials)
    const events = await listenersOf(page)
    const startedAt = Date.now()
    const client = { address: '192.0.2.7', agent: 'Phone' }
    const phone = await loggedIn(ask, credentials, client)
    const session = { id: phone.claims.sid, client: 'Phone', address: '192.0.2.7', current: false }
    const signedIn = await next(events)
    expect(signedIn).toMatchObject({ kind: 'SIGNED_IN', reason: null, session })
    expect(Date.parse(signedIn.at)).toBeGreaterThanOrEqual(startedAt)
    await refresh(ask, phone.refreshToken, client)
    expect(await next(events)).toMatchObject({ kind: 'REFRESHED', reason: null, session })
    await ask(claimsFor(phone.claims), 'mutation { logout }')
    expect(await next(events)).toMatchObject({ kind: 'ENDED', reason: 'LOGOUT', session })
    await events.return?.()
  })

  test('the last event of a page is the end of its own session', async () => {
    const credentials = await account()
    const page = await loggedIn(ask, credentials)
    const phone = await loggedIn(ask, credentials)
    const events = await listenersOf(page)
    await ask(claimsFor(phone.claims), 'mutation ($id: ID!) { revokeSession(id: $id) }', {
      id: page.claims.sid,
    })
    const session = { id: page.claims.sid, current: true }
    expect(await next(events)).toMatchObject({ kind: 'ENDED', reason: 'REVOKED', session })
    expect(await next(events)).toBeUndefined()
  })

  test('whatever ends sessions is reported with its reason', async () => {
    const credentials = await account()
    const page = await loggedIn(ask, credentials)
    const phone = await loggedIn(ask, credentials)
    const events = await listenersOf(page)
    const changed = await ask(
      claimsFor(page.claims),
      `mutation ($old: String!, $new: String!) {
        changePassword(currentPassword: $old, newPassword: $new) { changed }
      }`,
      { old: password, new: 'another kangaroo sings' },
    )
    expect(changed.data.changePassword.changed).toBe(true)
    const ofPhone = { id: phone.claims.sid, current: false }
    const ended = { kind: 'ENDED', reason: 'PASSWORD_CHANGED', session: ofPhone }
    expect(await next(events)).toMatchObject(ended)
    await ask(claimsFor(page.claims), 'mutation { logoutEverywhere }')
    const own = { id: page.claims.sid, current: true }
    expect(await next(events)).toMatchObject({ reason: 'LOGOUT_EVERYWHERE', session: own })
    expect(await next(events)).toBeUndefined()
  })

  test('a session that begins and ends between two reads is reported twice, in order', async () => {
    const credentials = await account()
    const page = await loggedIn(ask, credentials)
    const events = await listenersOf(page)
    const phone = await loggedIn(ask, credentials)
    const rotated = await refresh(ask, phone.refreshToken)
    expect(rotated.errors).toBeUndefined()
    await ask(claimsFor(phone.claims), 'mutation { logout }')
    const kinds: string[] = []
    while (kinds.at(-1) !== 'ENDED') kinds.push((await next(events)).kind)
    expect(kinds).toEqual(['SIGNED_IN', 'REFRESHED', 'ENDED'])
    await events.return?.()
  })

  test('each listener of an account gets what happens after its own beginning', async () => {
    const credentials = await account()
    const page = await loggedIn(ask, credentials)
    const first = await listenersOf(page)
    const phone = await loggedIn(ask, credentials)
    const second = await listenersOf(phone)
    await ask(claimsFor(page.claims), 'mutation { logoutEverywhere }')
    const kindsOf = async (events: AsyncIterator<Event>) => {
      const found: string[] = []
      for (let event = await next(events); event; event = await next(events)) {
        found.push(`${event.kind} ${event.session.current ? 'own' : 'other'}`)
      }
      return found.sort()
    }
    expect((await kindsOf(first)).at(-1)).toBe('SIGNED_IN other')
    const ofSecond = await kindsOf(second)
    expect(ofSecond).toContain('ENDED own')
    expect(ofSecond).not.toContain('SIGNED_IN own')
  })

  test('nothing of another account is ever seen, whatever the caller claims', async () => {
    const page = await loggedIn(ask, await account())
    const stranger = await loggedIn(ask, await account())
    const attacks = [
      { sub: stranger.claims.sub, sid: page.claims.sid },
      { sub: page.claims.sub, sid: stranger.claims.sid },
      { sub: page.claims.sub },
      { sub: page.claims.sub, sid: [page.claims.sid] },
      { ...claimsFor(page.claims), iss: 'https://another.example.com' },
    ]
    for (const claims of attacks) {
      const { value } = await subscribed(claims as never).next()
      expect(value.data ?? null).toBeNull()
      expect(value.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }])
    }
    const events = await listenersOf(stranger)
    await refresh(ask, page.refreshToken)
    await ask(claimsFor(page.claims), 'mutation { logout }')
    await refresh(ask, stranger.refreshToken)
    const seen = await next(events)
    expect(seen).toMatchObject({ kind: 'REFRESHED', session: { id: stranger.claims.sid } })
    await events.return?.()
  })

  test('a session that has ended cannot listen, and an account has a limit of listeners', async () => {
    const page = await loggedIn(ask, await account())
    const all = await Promise.all(
      Array.from({ length: listenerLimits.account }, () => listenersOf(page)),
    )
    const { value } = await subscribed(claimsFor(page.claims)).next()
    expect(value.errors).toMatchObject([{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }])
    await ask(claimsFor(page.claims), 'mutation { logout }')
    for (const events of all) {
      expect(await next(events)).toMatchObject({ kind: 'ENDED' })
      expect(await next(events)).toBeUndefined()
    }
    const late = await subscribed(claimsFor(page.claims)).next()
    expect(late.value.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }])
  })

  describe('as the process reads them', () => {
    let database: AuthDatabase
    let reading: AuthDatabase
    let reads = 0
    let events: SessionEvents
    let ofAnother: SessionEvents
    let sessions: Sessions
    let own: Session
    const lifetimes = { absolute: 1e9, idle: 1e9, accessToken: 3e5 }

    beforeAll(async () => {
      database = await openAuthDatabase(scratch.url)
      sessions = sessionStore(database, lifetimes, Date.now)
      reading = await openAuthDatabase(scratch.url)
      const counted = reading.withPlugin({
        transformQuery: ({ node }) => (reads++, node),
        transformResult: async ({ result }) => result,
      })
      const { log } = recordedLog()
      const parts = { lifetimes, now: Date.now, log }
      events = sessionEvents({ ...parts, database: counted })
      ofAnother = sessionEvents({ ...parts, database: reading })
      const { claims } = await loggedIn(ask, await account())
      own = (await sessions.find(claims.sid, claims.sub))!
    })
    afterAll(async () => {
      await events.close()
      await ofAnother.close()
      await reading.destroy()
      await database.destroy()
    })

    const start = (transaction: AuthDatabase) =>
      sessions.start(transaction, own.accountId, {}, strengths.password)
    const twoReads = async () => {
      const before = reads
      await until(() => reads >= before + 2)
    }

    test('a change that becomes visible late is reported, once', async () => {
      const listener = await events.listen(own)
      expect((await listener.next()).value.kind).toBe('LISTENING')
      const late = await database.transaction().execute(async (transaction) => {
        const session = await start(transaction)
        await twoReads()
        return session
      })
      expect((await listener.next()).value).toMatchObject({ kind: 'SIGNED_IN', session: late })
      await twoReads()
      const another = await database.transaction().execute(start)
      expect((await listener.next()).value).toMatchObject({ kind: 'SIGNED_IN', session: another })
      await listener.return?.()
    })

    test('nothing is read once nobody listens', async () => {
      const listener = await events.listen(own)
      await twoReads()
      const waiting = listener.next().then(() => listener.next())
      await listener.return?.()
      expect(await waiting).toEqual({ done: true, value: undefined })
      const present = await ofAnother.listen(own)
      await present.next()
      const anotherReads = async () => {
        await database.transaction().execute(start)
        await present.next()
      }
      await anotherReads()
      const before = reads
      for (let read = 0; read < 3; read++) await anotherReads()
      expect(reads).toBe(before)
      await present.return?.()
    })

    test('a listener that does not read is ended, and no other', async () => {
      const slow = await events.listen(own)
      const other = await events.listen(own)
      await other.next()
      for (let begun = 0; begun < listenerLimits.events; begun += 25) {
        const ids = new Set<string>()
        for (let one = 0; one < 25; one++) {
          ids.add((await database.transaction().execute(start)).id)
        }
        for (let one = 0; one < 25; one++) ids.delete((await other.next()).value.session.id)
        expect(ids).toEqual(new Set())
      }
      await expect(slow.next()).rejects.toMatchObject({
        extensions: { code: 'SUBSCRIPTION_TOO_SLOW' },
      })
      expect((await slow.next()).done).toBe(true)
      await other.return?.()
    })
  })

  describe('through the gateway', () => {
    let gateway: GatewayOfAuth
    beforeAll(async () => {
      // So rarely that it does not end the streams before their last event.
      gateway = await gatewayOfAuth(listening.url, '1m')
    })
    afterAll(() => gateway.close())

    const transports = {
      'server-sent events': (authorization: string) => {
        const { url } = gateway
        const client = createClient({ url, headers: { authorization }, retryAttempts: 0 })
        return { client, iterate: client.iterate({ query: subscription }) }
      },
      'a WebSocket': (authorization: string) => {
        const client = createWebSocketClient({
          url: gateway.url.replace('http', 'ws'),
          webSocketImpl: WebSocket,
          connectionParams: { authorization },
          retryAttempts: 0,
        })
        return { client, iterate: client.iterate({ query: subscription }) }
      },
    }

    test.each(Object.keys(transports) as (keyof typeof transports)[])(
      'a page learns by %s that it was logged out elsewhere',
      async (transport) => {
        const credentials = await account()
        const page = await loggedIn(ask, credentials)
        const { client, iterate } = transports[transport](`Bearer ${page.token}`)
        const events = iterate as AsyncIterableIterator<Event>
        expect(await next(events)).toMatchObject({ kind: 'LISTENING' })
        const phone = await loggedIn(ask, credentials)
        expect(await next(events)).toMatchObject({
          kind: 'SIGNED_IN',
          session: { id: phone.claims.sid, current: false, user: { id: page.claims.sub } },
        })
        const end = 'mutation ($id: ID!) { revokeSession(id: $id) }'
        await ask(claimsFor(phone.claims), end, { id: page.claims.sid })
        expect(await next(events)).toMatchObject({
          kind: 'ENDED',
          reason: 'REVOKED',
          session: { id: page.claims.sid, current: true },
        })
        expect(await next(events)).toBeUndefined()
        await client.dispose()
      },
    )

    test('a caller without a token gets no stream of events', async () => {
      const client = createClient({ url: gateway.url, retryAttempts: 0 })
      const { value } = await client.iterate({ query: subscription }).next()
      expect(value).toMatchObject({ data: null, errors: [{ path: ['sessionEvents'] }] })
      expect((value as Event).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
    })
  })
})
