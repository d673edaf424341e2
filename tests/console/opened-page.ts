/** The page of a gateway in a real browser, as a person uses it. */
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import jsqr from 'jsqr'
import type { Browser, BrowserContext, Page } from 'playwright-core'

export interface OpenedPage {
  readonly page: Page
  /** The addresses of all requests of the page so far. */
  readonly requests: readonly string[]
  /** What the browser complains of: violations of the policy, failed requests, thrown errors. */
  readonly complaints: string[]
  close(): Promise<void>
}

export interface PageOptions {
  readonly colorScheme?: 'light' | 'dark'
}

/** Opens the page in a browser that remembers nothing; `close` closes all of its tabs. */
export async function openPage(
  browser: Browser,
  url: string,
  { colorScheme = 'light' }: PageOptions = {},
): Promise<OpenedPage> {
  const context = await browser.newContext({
    colorScheme,
    reducedMotion: 'reduce',
    viewport: { width: 1400, height: 1100 },
  })
  const opened = await openTab(context, url)
  return { ...opened, close: () => context.close() }
}

/** Opens the page in a further tab of a browser. */
export async function openTab(context: BrowserContext, url: string): Promise<OpenedPage> {
  const page = await context.newPage()
  const opened = watched(page)
  await page.goto(url)
  await isThere(page)
  return opened
}

/** Returns the tab that opens when a page does something. */
export async function openedBy(page: Page, act: () => Promise<unknown>): Promise<OpenedPage> {
  const [tab] = await Promise.all([page.waitForEvent('popup'), act()])
  const opened = watched(tab)
  await isThere(tab)
  return opened
}

async function isThere(page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'Who asks' }).waitFor()
}

function watched(page: Page): OpenedPage {
  const requests: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  page.on('websocket', (socket) => requests.push(socket.url()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // A refusal of the graph has its status, which the browser mentions.
    const isStatus = /the server responded with a status of 40[013]/.test(message.text())
    if (message.type() === 'error' && !isStatus) complaints.push(message.text())
  })
  return { page, requests, complaints, close: () => page.close() }
}

/** Writes an operation into the editor. */
export async function writeOperation(page: Page, query: string): Promise<void> {
  const editor = page.getByRole('textbox', { name: 'Operation' })
  await editor.click()
  await page.keyboard.press('ControlOrMeta+A')
  // Over a coloured selection, Chromium would insert its style, which the policy refuses, before the editor draws anew.
  await page.keyboard.press('Delete')
  await page.keyboard.insertText(query)
}

export async function logIn(page: Page, username: string, password: string): Promise<void> {
  const summary = page.locator('summary', { hasText: 'Log in' })
  await summary.waitFor()
  if (!(await page.getByLabel('Username').isVisible())) await summary.click()
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.getByRole('button', { name: new RegExp(`^Log out ${username}`) }).waitFor()
}

/**
 * Waits until the page says that its identity is logged out. It learns why from the event of the session, or, where the
 * gateway hears first that the token is revoked and closes the subscription, from the refresh that is refused then.
 */
export async function showsLogout(page: Page, reason: string): Promise<void> {
  const refused = 'The session has ended: log in again'
  await page.getByText(new RegExp(`logged out: (${reason}|${refused})`)).waitFor()
}

/** Gives the browser of a page a device that holds passkeys, whose owner always agrees. */
export async function addAuthenticator(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
}

/** Returns what a camera reads from a picture (PNG) with a QR code; undefined if there is none in it. */
export async function qrCodeIn(picture: Buffer, browser: Browser): Promise<string | undefined> {
  const page = await browser.newPage()
  const { pixels, width, height } = await page.evaluate<Pixels>(`(async () => {
    const picture = await fetch('data:image/png;base64,${picture.toString('base64')}')
    const bitmap = await createImageBitmap(await picture.blob())
    const { width, height } = bitmap
    const context = new OffscreenCanvas(width, height).getContext('2d')
    context.drawImage(bitmap, 0, 0)
    return { width, height, pixels: [...context.getImageData(0, 0, width, height).data] }
  })()`)
  await page.close()
  return jsqr.default(Uint8ClampedArray.from(pixels), width, height)?.data
}

interface Pixels {
  readonly width: number
  readonly height: number
  /** Red, green, blue and opacity of each. */
  readonly pixels: readonly number[]
}

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
)

/** Returns what axe-core finds in the page as it is now: each finding as a sentence. */
export async function accessibilityFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeSource)
  return page.evaluate(`axe.run().then(({ violations }) => violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html }) => id + ': ' + help + ': ' + html)))`)
}

const repository = new URL('../../', import.meta.url)
const pictures = fileURLToPath(new URL('coverage/console/', repository))

/** Keeps a picture of the page beside what the test run has measured; it is not committed. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true })
  await page.screenshot({ path: `${pictures}${name}.png`, fullPage: true })
}

/** Makes the picture of the README anew, with `UPDATE_DOCS=1`. */
export async function updatePicture(page: Page): Promise<void> {
  if (process.env['UPDATE_DOCS'] !== '1') return
  const path = fileURLToPath(new URL('docs/pictures/console.png', repository))
  await page.screenshot({ path, clip: { x: 0, y: 0, width: 1400, height: 960 }, fullPage: true })
}
