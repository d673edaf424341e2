/** Who is logged in at the page, and in which tabs: with tokens in cookies, or in one tab alone. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { expiringToken } from '../../scripts/walkthrough/aged-token.ts'
import { browserPath, noBrowser, startBrowser } from '../support/browser.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'
import { endsByCtrlC, startedSystem } from '../system/support/started-system.ts'
import type { StartedSystem } from '../system/support/started-system.ts'
import {
  accessibilityFindings,
  keepPicture,
  logIn,
  openedBy,
  openPage,
  openTab,
  showsLogout,
  writeOperation,
} from './opened-page.ts'
import type { OpenedPage } from './opened-page.ts'

if (browserPath === undefined) console.log(noBrowser)
const describeInBrowser = browserPath === undefined ? describe.skip : describe

const stay = 'Stay logged in, in all tabs'

/** In the page: the access token is renewed with the next request. */
const endSessionSoon = `{
  const session = JSON.parse(localStorage.getItem('portcullis.session'))
  session.expiresAt = Date.now() + 5_000
  localStorage.setItem('portcullis.session', JSON.stringify(session))
}`

/** In the page: whether a tab waits until another one has used the cookies. */
const waitsForTurn =
  'navigator.locks.query().then(({ pending }) => pending.some(({ name }) => name === "portcullis.cookies"))'

describeInBrowser('a login at the page', () => {
  const systems = new Map<'on' | 'off', StartedSystem>()
  const folders = { on: scratchFolder(), off: scratchFolder() }
  let browser: Browser
  const opened: OpenedPage[] = []
  beforeAll(async () => {
    for (const cookies of ['on', 'off'] as const) {
      // What `npm start` does by itself is not said.
      const settings = cookies === 'on' ? {} : { SESSION_COOKIES: cookies }
      systems.set(cookies, await startedSystem(folders[cookies], settings))
    }
    browser = await startBrowser()
  })
  afterEach(async () => {
    for (const { complaints, close } of opened.splice(0).reverse()) {
      expect(complaints).toEqual([])
      await close()
    }
  })
  afterAll(async () => {
    await browser?.close()
    for (const system of systems.values()) await endsByCtrlC(system)
  })

  const address = (cookies: 'on' | 'off' = 'on') =>
    new URL('/', systems.get(cookies)!.urls.gateway).href.replace('127.0.0.1', 'localhost')
  async function open(cookies: 'on' | 'off' = 'on'): Promise<OpenedPage> {
    const page = await openPage(browser, address(cookies))
    opened.push(page)
    return page
  }
  /** Opens the page in another tab of the same browser. */
  async function another(page: Page): Promise<OpenedPage> {
    const tab = await openTab(page.context(), address())
    opened.push(tab)
    return tab
  }

  const cookiesOf = async (page: Page) => {
    const cookies = await page.context().cookies()
    return new Map(cookies.map(({ name, value }) => [name, value]))
  }
  const run = (page: Page) => page.getByRole('button', { name: 'Run', exact: true }).click()
  const asks = async (page: Page, query: string) => {
    await writeOperation(page, query)
    await run(page)
  }
  const response = (page: Page) => page.getByRole('region', { name: 'JSON of the response' })
  const isAlice = (page: Page) => response(page).getByText('"username": "alice"').waitFor()
  const own = '{ me { username } }'

  test('stays in the browser, for all tabs and out of reach of scripts, until it is ended', async () => {
    const { page } = await open()
    await logIn(page, 'alice', 'secret')
    await page.getByText('logged in, in this browser').waitFor()
    const cookies = await page.context().cookies()
    expect(cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }))).toEqual(
      ['__Host-access', '__Host-refresh'].map((name) => ({
        name,
        httpOnly: true,
        sameSite: 'Strict',
      })),
    )
    const readable = (await page.evaluate(
      'JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])',
    )) as string
    for (const { value } of cookies) expect(readable).not.toContain(value)
    await asks(page, own)
    await isAlice(page)
    await page.reload()
    await run(page)
    await isAlice(page)
    await keepPicture(page, 'cookies')
    expect(await accessibilityFindings(page)).toEqual([])

    const { page: other } = await another(page)
    await asks(other, own)
    await isAlice(other)
    await other.locator('.checks li').filter({ hasText: 'signature' }).waitFor()
    expect(await other.locator('.checks .failed').count()).toBe(0)
    await other.getByRole('button', { name: 'Log out alice' }).click()
    for (const tab of [page, other]) {
      await until(async () => (await tab.getByRole('radio').count()) === 1)
    }
    expect(await cookiesOf(page)).toEqual(new Map())
  })

  test('in cookies answers for nobody, and for no token', async () => {
    const { page } = await open()
    await logIn(page, 'alice', 'secret')
    await asks(page, own)
    await isAlice(page)
    await page.keyboard.press('F2')
    await page.getByText('nobody: HTTP 401 in').waitFor()
    await asks(page, 'subscription { sessionEvents { kind } }')
    await response(page).getByText('"errors"').waitFor()

    await page.locator('summary', { hasText: 'Use a token' }).click()
    const use = page.getByRole('button', { name: 'Use it' })
    await page.getByLabel('Token or key').fill('x'.repeat(16_385))
    await use.click()
    await page.getByRole('alert').getByText('This is too long for a header').waitFor()
    await page.getByLabel('Token or key').fill('not.a.token')
    await use.click()
    await asks(page, own)
    await page.getByText('key: HTTP 401 in').waitFor()
    await page.locator('.checks .failed').first().waitFor()
    await asks(page, 'subscription { sessionEvents { kind } }')
    await page.getByText('0 events, ended after').waitFor()
    expect((await cookiesOf(page)).size).toBe(2)

    await page.getByRole('radio', { name: 'alice' }).check()
    await asks(page, 'subscription { sessionEvents { kind } }')
    await response(page).getByText('LISTENING').waitFor()
  })

  test('is renewed by one of its tabs, before the access token expires', async () => {
    const one = await open()
    await logIn(one.page, 'alice', 'secret')
    const other = await another(one.page)
    for (const { page } of [one, other]) await writeOperation(page, own)
    const refreshes: string[] = []
    let bothHaveRun = () => {}
    const both = new Promise<void>((resolve) => (bothHaveRun = resolve))
    await one.page.context().route('**/graphql', async (route, request) => {
      if (request.postData()?.includes('mutation Refresh')) {
        refreshes.push(request.url())
        await both
      }
      await route.continue()
    })
    const before = await cookiesOf(one.page)
    await one.page.evaluate(endSessionSoon)
    await run(one.page)
    await until(() => refreshes.length > 0)
    await run(other.page)
    await until(
      async () => refreshes.length > 1 || Boolean(await other.page.evaluate(waitsForTurn)),
    )
    bothHaveRun()
    for (const { page } of [one, other]) await isAlice(page)
    expect(refreshes).toHaveLength(1)
    const after = await cookiesOf(one.page)
    for (const [name, value] of before) expect(after.get(name)).not.toBe(value)
  })

  test('waits for a renewal in another tab: none puts an ended session in its place', async () => {
    const one = await open()
    await logIn(one.page, 'alice', 'secret')
    const other = await another(one.page)
    await writeOperation(one.page, own)
    const sent: string[] = []
    let letGo = () => {}
    const held = new Promise<void>((resolve) => (letGo = resolve))
    await one.page.context().route('**/graphql', async (route, request) => {
      const name = /mutation (Refresh|LogOut)/.exec(request.postData() ?? '')?.[1]
      if (name) sent.push(name)
      if (name === 'Refresh') await held
      await route.continue()
    })
    await one.page.evaluate(endSessionSoon)
    await run(one.page)
    await until(() => sent.length > 0)
    await other.page.getByRole('button', { name: 'Log out alice' }).click()
    await until(async () => sent.length > 1 || Boolean(await other.page.evaluate(waitsForTurn)))
    expect(sent).toEqual(['Refresh'])
    letGo()
    await until(async () => (await other.page.getByRole('radio').count()) === 1)
    expect(await cookiesOf(one.page)).toEqual(new Map())
  })

  test('is renewed, too, when the gateway has ended what its access token opened', async () => {
    const { page } = await open()
    await logIn(page, 'alice', 'secret')
    const cookies = await page.context().cookies()
    const access = cookies.find(({ name }) => name === '__Host-access')!
    const environment = { NODE_ENV: 'development', DATA_DIR: folders.on }
    // The gateway accepts it for a few seconds more; the page expects five minutes.
    const value = await expiringToken(access.value, environment, 3)
    await page.context().addCookies([{ ...access, value }])
    const renewed = page.waitForRequest((sent) => sent.postData()?.includes('Refresh') ?? false)
    await page.reload()
    await page.getByRole('tab', { name: 'Sessions' }).click()
    await page.getByText('LISTENING').waitFor()
    await renewed
    await until(async () => (await page.getByText('LISTENING').count()) === 2)
    expect((await cookiesOf(page)).get('__Host-access')).not.toBe(value)
    await asks(page, own)
    await isAlice(page)
  })

  test('gets past an access token of another system on the same host', async () => {
    const { page } = await open()
    const place = { domain: 'localhost', path: '/', secure: true }
    const cookie = { name: '__Host-access', value: 'of.another.system', ...place }
    await page.context().addCookies([cookie])
    await logIn(page, 'alice', 'secret')
    await page.getByText('logged in, in this browser').waitFor()
  })

  test('says if the browser has not kept the cookies, and goes on without', async () => {
    const { page } = await open()
    await page.route('**/graphql', async (route, request) => {
      // As Safari does with those of http://localhost.
      if (request.postData()?.includes('{ me {')) await page.context().clearCookies()
      await route.continue()
    })
    await page.getByLabel('Username').fill('alice')
    await page.getByLabel('Password').fill('secret')
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await page.getByRole('alert').getByText('The browser has not kept the cookies').waitFor()
    await page.getByLabel(stay).uncheck()
    await logIn(page, 'alice', 'secret')
    await page.getByText('logged in, in this tab').waitFor()
  })

  test('that the page cannot name leaves no cookies behind', async () => {
    const { page } = await open()
    await page.route('**/graphql', (route, request) =>
      request.postData()?.includes('{ me {')
        ? route.fulfill({ json: { data: { me: null } } })
        : route.continue(),
    )
    await page.getByLabel('Username').fill('alice')
    await page.getByLabel('Password').fill('secret')
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await page.getByRole('alert').getByText('The browser has not kept the cookies').waitFor()
    expect(await cookiesOf(page)).toEqual(new Map())
  })

  test('works where the tab has no more room, and operations take only a part of it', async () => {
    const { page } = await open()
    await page.evaluate(`{
      const long = ['a', 'b', 'c'].map((letter) => '# ' + letter.repeat(400_000))
      sessionStorage.setItem('portcullis.history', JSON.stringify(long))
    }`)
    await page.reload()
    await asks(page, '{ __typename }')
    await response(page).getByText('"Query"').waitFor()
    const kept = await page.evaluate('sessionStorage.getItem("portcullis.history").length')
    expect(Number(kept)).toBeGreaterThan(400_000)
    expect(Number(kept)).toBeLessThan(501_000)

    await page.evaluate(`{
      let size = 2 ** 23
      for (let count = 0; size >= 1; count++) {
        try {
          sessionStorage.setItem('full' + count, 'x'.repeat(size))
        } catch {
          size = Math.floor(size / 2)
        }
      }
    }`)
    await page.getByLabel(stay).uncheck()
    await logIn(page, 'alice', 'secret')
    await asks(page, own)
    await isAlice(page)
    expect(await page.evaluate('sessionStorage.getItem("portcullis.identities")')).toBeNull()
  })

  test('is not offered where the browser keeps nothing: the page says what it needs', async () => {
    const context = await browser.newContext()
    await context.addInitScript(`Object.defineProperty(window, 'sessionStorage', {
      get() { throw new DOMException('blocked', 'SecurityError') },
    })`)
    const page = await context.newPage()
    await page.goto(address())
    await page.getByText('This page needs cookies and site data').waitFor()
    await context.close()
  })

  test('is asked for where nobody may subscribe, in the words of the gateway', async () => {
    const { page } = await open()
    await page.route('**/graphql', (route, request) =>
      request.headers()['accept'] === 'text/event-stream'
        ? route.fulfill({ status: 401, json: { errors: [{ message: 'Send an access token' }] } })
        : route.continue(),
    )
    await asks(page, 'subscription { sessionEvents { kind } }')
    await response(page).getByText('Send an access token').waitFor()
  })

  test('in cookies sees that it is ended elsewhere, in every tab', async () => {
    const { page } = await open()
    await logIn(page, 'alice', 'secret')
    const { page: other } = await another(page)
    const { page: elsewhere } = await open()
    await logIn(elsewhere, 'alice', 'secret')
    for (const tab of [page, other]) {
      await tab.getByRole('tab', { name: 'Sessions' }).click()
      await tab.getByText('LISTENING').waitFor()
    }
    await elsewhere.getByRole('tab', { name: 'Sessions' }).click()
    const everywhere = { name: 'Log out everywhere' }
    await elsewhere.getByRole('button', everywhere).click()
    await elsewhere.getByRole('dialog').getByRole('button', everywhere).click()
    for (const tab of [page, other]) await showsLogout(tab, 'LOGOUT_EVERYWHERE')
    await run(page)
    await page.getByRole('alert').getByText('alice is logged out').waitFor()
    await logIn(page, 'alice', 'secret')
    await other.getByText('logged in, in this browser').waitFor()
  })

  test('can be left when the cookies have gone, but not while the graph cannot be reached', async () => {
    const { page } = await open()
    await logIn(page, 'alice', 'secret')
    const logOut = page.getByRole('button', { name: 'Log out alice' })
    await page.route('**/graphql', (route) => route.abort('addressunreachable'))
    await logOut.click()
    await page.getByRole('alert').getByText('The graph cannot be reached').waitFor()
    opened[0]!.complaints.length = 0
    await page.unroute('**/graphql')
    await page.context().clearCookies()
    await logOut.click()
    await until(async () => (await page.getByRole('radio').count()) === 1)
  })

  test('stays in its tab if that is wanted: a duplicate has no refresh token to use up', async () => {
    const { page } = await open()
    await page.getByLabel(stay).uncheck()
    await logIn(page, 'alice', 'secret')
    await page.getByText('logged in, in this tab').waitFor()
    expect(await cookiesOf(page)).toEqual(new Map())
    await writeOperation(page, own)
    await page.evaluate(`{
      const [alice] = JSON.parse(sessionStorage.getItem('portcullis.identities'))
      sessionStorage.setItem('portcullis.identities', JSON.stringify([{ ...alice, expiresAt: 0 }]))
    }`)

    const duplicate = await openedBy(page, () => page.evaluate('void window.open(location.href)'))
    opened.push(duplicate)
    const editor = duplicate.page.getByRole('textbox', { name: 'Operation' })
    await editor.getByText('username').waitFor()
    expect(await duplicate.page.getByRole('radio').count()).toBe(1)
    const ofDuplicate = await duplicate.page.evaluate('JSON.stringify({ ...sessionStorage })')
    expect(ofDuplicate).not.toContain('refreshToken')
    await duplicate.page.reload()
    await editor.getByText('username').waitFor()
    expect(await duplicate.page.getByRole('radio').count()).toBe(1)

    await page.reload()
    await run(page)
    await isAlice(page)
    const { page: other } = await another(page)
    expect(await other.getByRole('radio').count()).toBe(1)
  })

  test('is in the tab where auth writes no cookies', async () => {
    const { page } = await open('off')
    await page.getByLabel(stay).waitFor()
    await logIn(page, 'alice', 'secret')
    await page.getByText('logged in, in this tab').waitFor()
    await asks(page, own)
    await isAlice(page)
    expect(await cookiesOf(page)).toEqual(new Map())
  })
})
