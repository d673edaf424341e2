/** The third page of the walk-through as a person meets it: two browsers, one account, cookies. */
import { readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { startSystem } from '../../scripts/start/start-system.ts'
import { supervisor } from '../../scripts/start/supervisor.ts'
import { expiringToken } from '../../scripts/walkthrough/aged-token.ts'
import { browserPath, noBrowser, startBrowser } from '../support/browser.ts'
import { servePage } from '../support/page-server.ts'
import type { PageServer } from '../support/page-server.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'

if (browserPath === undefined) console.log(noBrowser)
const describeInBrowser = browserPath === undefined ? describe.skip : describe

const html = readFileSync(new URL('support/sessions.html', import.meta.url), 'utf8')

describeInBrowser('a page that shows the sessions of an account', () => {
  const environment = {
    PATH: process.env.PATH,
    NODE_ENV: 'development',
    DATA_DIR: scratchFolder(),
    LOG_LEVEL: 'silent',
    SESSION_COOKIES: 'on',
    GATEWAY_PORT: '0',
    AUTH_PORT: '0',
    USERS_PORT: '0',
  }
  const processes = supervisor({ output: new PassThrough().resume() })
  let site: PageServer
  let browser: Browser
  beforeAll(async () => {
    const { urls } = await startSystem({ environment, supervisor: processes })
    site = await servePage(html, new URL(urls.gateway).origin)
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
    await processes.stop()
  })

  /** A person opens the page on a device, and logs in. */
  async function device(): Promise<Page> {
    const page = await browser.newPage()
    await page.goto(site.page)
    await shows(page, 'logged out')
    await page.getByLabel('Username').fill('alice')
    await page.getByLabel('Password').fill('secret')
    await page.getByRole('button', { name: 'Log in' }).click()
    await shows(page, 'logged in')
    return page
  }

  const shows = (page: Page, text: string) =>
    page.getByRole('status').getByText(text, { exact: true }).waitFor()
  const events = (page: Page) => page.getByRole('listitem').allTextContents()

  test('it shows other logins, renews its token, and knows at once that it was logged out', async () => {
    const desktop = await device()
    const phone = await device()
    await until(async () => (await events(desktop)).length === 2)
    expect(await events(desktop)).toEqual(['LISTENING this one', 'SIGNED_IN another'])
    expect(await events(phone)).toEqual(['LISTENING this one'])

    const expiring = await expireSoon(desktop)
    await desktop.reload()
    await until(async () => ![undefined, expiring].includes((await accessCookie(desktop))?.value))
    await until(async () => (await events(desktop)).length > 0)
    await shows(desktop, 'logged in')

    await phone.getByRole('button', { name: 'End all other sessions' }).click()
    await shows(desktop, 'logged out elsewhere')
    expect((await events(desktop)).at(-1)).toBe('ENDED this one REVOKED')
    await desktop.reload()
    await shows(desktop, 'logged out')
  })

  const accessCookie = async (page: Page) => {
    const cookies = await page.context().cookies()
    return cookies.find(({ name }) => name === '__Host-access')
  }

  /** Its access token has seconds left, as if the page had been open for a while; returns it. */
  async function expireSoon(page: Page): Promise<string> {
    const left = 5
    const cookie = (await accessCookie(page))!
    const value = await expiringToken(cookie.value, environment, left)
    const expires = Math.floor(Date.now() / 1000) + left
    await page.context().addCookies([{ ...cookie, value, expires }])
    return value
  }
})
