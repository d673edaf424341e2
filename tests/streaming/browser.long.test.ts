/** Subscriptions in a real browser: what its pages may do, and the examples of the documentation. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { browserPath, noBrowser, startBrowser } from '../support/browser.ts'
import { servePage } from '../support/page-server.ts'
import type { PageServer } from '../support/page-server.ts'
import { until } from '../support/until.ts'
import { openLiveGraph } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'
import { clientSnippets, moduleOf } from './snippets-in-browser.ts'

if (browserPath === undefined) console.log(noBrowser)
const describeInBrowser = browserPath === undefined ? describe.skip : describe

describeInBrowser('in a browser', () => {
  let browser: Browser
  let graph: LiveGraph
  /** The page at the origin of the gateway, one that `http.cors` lists, and one of anybody. */
  let own: PageServer
  let listed: PageServer
  let foreign: PageServer
  beforeAll(async () => {
    listed = await servePage('')
    foreign = await servePage('')
    graph = await openLiveGraph(
      `
  sources: [{ header: authorization, scheme: Bearer }, { cookie: access_token }]
http: { cors: { origins: ['${listed.origin}'], credentials: false } }
`,
    )
    own = await servePage('', graph.gateway.origin)
    browser = await startBrowser()
  })
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()))
    await graph.listening(0)
  })
  afterAll(async () => {
    await browser.close()
    await Promise.all([own, listed, foreign].map((server) => server.close()))
    await graph.close()
  })

  async function open({ page: address }: PageServer): Promise<Page> {
    const page = await browser.newPage()
    await page.goto(address)
    return page
  }

  const cookieOf = async (sub: string) => ({
    name: 'access_token',
    value: await graph.issuer.accessToken({ sub }),
    domain: '127.0.0.1',
    path: '/',
    sameSite: 'Strict' as const,
  })
  const socketUrl = () => graph.gateway.url.replace('http', 'ws')
  const me = (sub: string) => ({ data: { me: sub } })

  describe('a WebSocket', () => {
    test('of a page at the origin of the gateway is of the caller whom the cookie identifies', async () => {
      const page = await open(own)
      await page.context().addCookies([await cookieOf('9')])
      const url = `${own.origin.replace('http', 'ws')}/graphql`
      expect(await overSocket(page, url, '{ me }')).toEqual(me('9'))
    })

    test('of a page of another origin is refused, although the browser sends the cookie', async () => {
      const page = await open(foreign)
      await page.context().addCookies([await cookieOf('9')])
      const refusal = page
        .waitForEvent('websocket')
        .then((socket) => socket.waitForEvent('socketerror'))
      expect(await overSocket(page, socketUrl(), '{ me }')).toEqual({ closed: 1006 })
      expect(await refusal).toMatch(/Unexpected response code: 403/)
    })

    test('of a page whose origin is allowed is of the caller of its token, not of the cookie', async () => {
      const page = await open(listed)
      await page.context().addCookies([await cookieOf('9')])
      expect(await overSocket(page, socketUrl(), '{ me }')).toMatchObject({ data: { me: null } })
      const authorization = await graph.authorization({ sub: '3' })
      expect(await overSocket(page, socketUrl(), '{ me }', { authorization })).toEqual(me('3'))
    })
  })

  describe('an event stream', () => {
    const query = 'subscription { counter(to: 2) }'

    /** Reads it as it comes. */
    async function fetched(page: Page): Promise<unknown> {
      const options = {
        method: 'POST',
        headers: {
          accept: 'text/event-stream',
          'content-type': 'application/json',
          authorization: await graph.authorization(),
        },
        body: JSON.stringify({ query }),
      }
      return page.evaluate(`fetch(${JSON.stringify(graph.gateway.url)}, ${JSON.stringify(options)})
        .then((response) => response.text(), ({ message }) => message)`)
    }

    test('is fetched by a page whose origin is allowed', async () => {
      expect(await fetched(await open(listed))).toMatch(
        /"counter":1.*"counter":2.*event: complete/s,
      )
    })

    test('is not read by a page of another origin, with a token or with a cookie', async () => {
      const page = await open(foreign)
      await page.context().addCookies([await cookieOf('9')])
      expect(await fetched(page)).toBe('Failed to fetch')
      const url = `${graph.gateway.url}?${new URLSearchParams({ query })}`
      const seen = await page.evaluate(`new Promise((resolve) => {
        const events = new EventSource(${JSON.stringify(url)}, { withCredentials: true })
        events.onopen = () => resolve('opened')
        events.addEventListener('next', ({ data }) => resolve(data))
        events.onerror = () => resolve(events.readyState === EventSource.CLOSED ? 'refused' : 'lost')
      })`)
      expect(seen).toBe('refused')
    })
  })

  test('the documentation has examples for these clients', () => {
    const clients = ['graphql-ws', '@apollo/client', '@urql/core', 'graphql-sse', 'EventSource']
    const found = clientSnippets().map(({ client }) => client)
    expect(clients.filter((name) => !found.some((client) => client.startsWith(name)))).toEqual([])
  })

  describe('the example for', () => {
    test.each(clientSnippets())(
      '$client gets events, with one token after another',
      async (snippet) => {
        const results: Shown[] = []
        let tokens = 0
        const token = () => {
          const lifetime = ++tokens === 1 ? 2 : 300
          return graph.issuer.accessToken({ exp: Math.floor(Date.now() / 1000) + lifetime })
        }
        const page = await open(own)
        let sockets = 0
        page.on('websocket', () => sockets++)
        const refreshCookie = async () => {
          const cookie = { name: 'access_token', value: await token(), url: own.origin }
          await page.context().addCookies([cookie])
          return true
        }
        await page.exposeFunction('accessToken', token)
        await page.exposeFunction('refreshCookie', refreshCookie)
        await page.exposeFunction('show', (result: Shown) => void results.push(result))
        const content = await moduleOf(snippet, own.origin)
        if (snippet.client === 'EventSource') await refreshCookie()
        await page.addScriptTag({ type: 'module', content })

        await graph.listening(1)
        graph.changePrice(1)
        await until(() => results.length === 1)
        await until(() => tokens > 1)
        await until(() => {
          graph.changePrice(2)
          return results.length > 1
        })
        expect(results.map(({ data }) => data?.priceChanged).slice(0, 2)).toMatchObject([
          { name: 'Table', price: 1 },
          { name: 'Table', price: 2 },
        ])
        expect(results.filter(({ errors, error }) => errors ?? error)).toEqual([])
        if (snippet.keepsConnection) expect(sockets).toBe(1)
      },
    )
  })
})

/** What a page of that origin gets over a WebSocket: the first result of the query, or how it was closed. */
function overSocket(page: Page, url: string, query: string, payload: object = {}) {
  const [init, subscribe] = [
    { type: 'connection_init', payload },
    { type: 'subscribe', id: '1', payload: { query } },
  ]
  return page.evaluate(`new Promise((resolve) => {
    const socket = new WebSocket(${JSON.stringify(url)}, 'graphql-transport-ws')
    socket.onopen = () => socket.send(${JSON.stringify(JSON.stringify(init))})
    socket.onmessage = ({ data }) => {
      const { type, payload } = JSON.parse(data)
      if (type === 'connection_ack') socket.send(${JSON.stringify(JSON.stringify(subscribe))})
      else resolve(payload), socket.close()
    }
    socket.onclose = ({ code }) => resolve({ closed: code })
  })`)
}

interface Shown {
  readonly data?: { readonly priceChanged: Readonly<Record<string, unknown>> }
  readonly errors?: unknown
  /** Of urql. */
  readonly error?: unknown
}
