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

  describe('the example for', () => {
    test.each(clientSnippets())(
      '$client gets events, with one token after another',
      async (snippet) => {
        const results: Shown[] = []
        let tokens = 0
        const token = () => {
          tokens++
          return graph.issuer.accessToken({ exp: Math.floor(Date.now() / 1000) + 2 })
        }
        const page = await open(own)
        const refreshCookie = async () => {
          const cookie = { name: 'access_token', value: await token(), url: own.origin }
          await page.context().addCookies([cookie])
          return true
        }
        await page.exposeFunction('accessToken', token)
        await page.exposeFunction('refreshCookie', refreshCookie)
        await page.exposeFunction('show', (result: Shown) => void results.push(result))
        if (snippet.client === 'EventSource') await refreshCookie()
        const content = await moduleOf(snippet, own.origin)
        await page.addScriptTag({ type: 'module', content })

        await graph.listening(1)
        graph.changePrice(1)
        await until(() => results.length === 1)
        await until(() => tokens === 2)
        await until(() => {
          graph.changePrice(2)
          return results.length > 1
        })
        expect(results.map(({ data }) => data?.priceChanged).slice(0, 2)).toMatchObject([
          { name: 'Table', price: 1 },
          { name: 'Table', price: 2 },
        ])
        expect(results.filter(({ errors, error }) => errors ?? error)).toEqual([])
      },
    )
  })
})

interface Shown {
  readonly data?: { readonly priceChanged: Readonly<Record<string, unknown>> }
  readonly errors?: unknown
  /** Of urql. */
  readonly error?: unknown
}
