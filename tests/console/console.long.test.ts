/** The page as a person uses it who has started the system with `npm start`: in a real browser. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Browser, Locator, Page } from 'playwright-core'
import { totpCode, totpStep } from '../../subgraphs/auth/second-factors/totp.ts'
import { browserPath, noBrowser, startBrowser } from '../support/browser.ts'
import { freePort } from '../support/free-port.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'
import { runScript } from '../scripts/support/run-script.ts'
import { endsByCtrlC, startedSystem } from '../system/support/started-system.ts'
import type { StartedSystem } from '../system/support/started-system.ts'
import {
  accessibilityFindings,
  addAuthenticator,
  keepPicture,
  logIn,
  openPage,
  qrCodeIn,
  showsLogout,
  updatePicture,
  writeOperation,
} from './opened-page.ts'
import type { OpenedPage, PageOptions } from './opened-page.ts'

if (browserPath === undefined) console.log(noBrowser)
const describeInBrowser = browserPath === undefined ? describe.skip : describe

describeInBrowser('the page', () => {
  const data = scratchFolder()
  let system: StartedSystem
  let browser: Browser
  let origin: string
  /** The same address without a name, to which no passkey can be bound. */
  let unnamed: string
  const opened: OpenedPage[] = []
  beforeAll(async () => {
    const port = await freePort()
    system = await startedSystem(data, { GATEWAY_PORT: String(port) })
    origin = `http://localhost:${port}`
    unnamed = new URL(system.urls.gateway).origin
    browser = await startBrowser()
  })
  afterEach(async () => {
    for (const { page, complaints, requests, close } of opened.splice(0)) {
      expect(complaints).toEqual([])
      const origins = new Set(requests.map((url) => new URL(url).origin.replace('ws:', 'http:')))
      expect([...origins]).toEqual([new URL(page.url()).origin])
      await close()
    }
  })
  afterAll(async () => {
    await browser?.close()
    if (system) await endsByCtrlC(system)
  })

  async function open(options?: PageOptions, at = origin): Promise<Page> {
    const page = await openPage(browser, `${at}/`, options)
    opened.push(page)
    return page.page
  }

  const row = (page: Page, path: string) =>
    page
      .getByRole('row')
      .filter({ has: page.locator('code', { hasText: new RegExp(`^${path}$`) }) })
  const response = (page: Page) => page.getByRole('region', { name: 'JSON of the response' })
  const own = '{ userData { id name email } }'

  test('is at the address that npm start prints first', () => {
    expect(system.run.stdout.split('\n')[0]).toContain(`open ${origin}/ in a browser`)
  })

  test('shows alice her data, and nobody why not', async () => {
    const page = await open()
    await logIn(page, 'alice', 'secret')
    await writeOperation(page, own)
    await page.keyboard.press('ControlOrMeta+Enter')
    await response(page).getByText('Alice').waitFor()
    await expectCell(row(page, 'userData'), 'allowed')
    await keepPicture(page, 'alice')

    await page.keyboard.press('F2')
    expect(await page.getByRole('radio', { name: 'nobody' }).isChecked()).toBe(true)
    await page.getByText('nobody: HTTP 401 in').waitFor()
    await expectCell(row(page, 'userData'), 'denied: needs a token')
    const denied = row(page, 'userData')
    await denied.getByText('@authenticated').first().waitFor()
    await denied
      .getByText(/subgraphs\/users\/schema\.graphql:\d+ \(users\)/)
      .first()
      .waitFor()
    await denied.getByText('differs').waitFor()
    await keepPicture(page, 'nobody')
    await updatePicture(page)
  })

  test('needs no README: what alice sees, why nobody does not, and how a session ends elsewhere', async () => {
    const page = await open()
    await page.getByText('This system has an account to try it with: alice').waitFor()
    await page.getByRole('button', { name: 'Log in as alice' }).press('Enter')
    await hasFocus(page, page.getByRole('radio', { name: 'alice' }))
    await writeOperation(page, own)
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await response(page).getByText('alice@example.com').waitFor()
    await page.getByRole('radio', { name: 'nobody' }).check()
    await page.getByText('nobody: HTTP 401 in').waitFor()
    await expectCell(row(page, 'userData'), 'denied: needs a token')

    const elsewhere = await open()
    await elsewhere.getByRole('button', { name: 'Log in as alice' }).click()
    await elsewhere.getByRole('tab', { name: 'Sessions' }).click()
    await elsewhere
      .getByRole('button', { name: /Log out the session since/ })
      .first()
      .click()
    await page.getByRole('status').getByText('The session of alice has ended').waitFor()
    await showsLogout(page, 'REVOKED')
    await page.getByRole('radio', { name: 'alice' }).check()
    await page.getByRole('tab', { name: 'Sessions' }).click()
    await page.getByText('This session has ended').waitFor()
    await keepPicture(page, 'ended')
  })

  test('says that a wrong password is wrong, and that a token is no token', async () => {
    const page = await open()
    await page.getByLabel('Username').fill('alice')
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await page
      .getByRole('alert')
      .filter({ hasText: /username or password|Wrong|wrong/ })
      .waitFor()

    await page.locator('summary', { hasText: 'Use a token' }).click()
    await page.getByLabel('Token or key').fill('not.a.token')
    await page.getByRole('button', { name: 'Use it' }).click()
    await writeOperation(page, own)
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByText('nothing was decided').waitFor()
    await page.locator('.checks .failed').first().waitFor()
    await keepPicture(page, 'refused-token')
  })

  const password = 'purple kangaroo sings'
  const signUp = async (page: Page, username: string) => {
    await page.locator('summary', { hasText: 'Sign up' }).click()
    const form = page.getByRole('form', { name: 'Sign up' })
    await form.getByLabel('Username').fill(username)
    await form.getByLabel('Password').fill(password)
    await form.getByRole('button', { name: 'Sign up' }).click()
    await page.getByRole('button', { name: `Log out ${username}` }).waitFor()
  }

  test('signs somebody up, and says why a password is refused', async () => {
    const page = await open()
    await page.locator('summary', { hasText: 'Sign up' }).click()
    const form = page.getByRole('form', { name: 'Sign up' })
    await form.getByLabel('Username').fill('bob')
    await form.getByLabel('Password').fill('bob')
    await form.getByRole('button', { name: 'Sign up' }).click()
    await form
      .getByRole('alert')
      .getByText(/^password: /)
      .waitFor()
    expect(await accessibilityFindings(page)).toEqual([])
    await form.getByLabel('Password').fill(password)
    await form.getByRole('button', { name: 'Sign up' }).click()
    await page.getByRole('button', { name: 'Log out bob' }).waitFor()
    expect(await form.count()).toBe(0)
    await writeOperation(page, '{ me { username } }')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await response(page).getByText('"username": "bob"').waitFor()
  })

  test('registers a passkey, logs in with it, and removes it', async () => {
    const page = await open()
    await addAuthenticator(page)
    await logIn(page, 'alice', 'secret')
    await page.getByRole('tab', { name: 'Sessions' }).click()
    await page.getByText('alice has no passkey').waitFor()
    await page.getByLabel('Name of the passkey').fill('<b>laptop</b>')
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    const remove = page.getByRole('button', { name: 'Remove the passkey <b>laptop</b>' })
    await remove.waitFor()
    await remove.click()
    const question = page.getByRole('dialog', { name: /^Remove the passkey “<b>laptop<\/b>”/ })
    expect(await accessibilityFindings(page)).toEqual([])
    await page.keyboard.press('Escape')
    await question.waitFor({ state: 'detached' })
    await hasFocus(page, remove)
    expect(await accessibilityFindings(page)).toEqual([])
    await keepPicture(page, 'passkeys')

    await page.getByRole('button', { name: 'Log out alice' }).click()
    await page.getByText('Nobody has no sessions').waitFor()
    await page.getByRole('button', { name: 'Log in with a passkey' }).click()
    await page.getByRole('button', { name: 'Log out alice' }).waitFor()
    await page.getByRole('cell', { name: 'aal2' }).waitFor()
    await remove.click()
    await hasFocus(page, question.getByRole('button', { name: 'Cancel' }))
    await question.getByRole('button', { name: 'Remove it' }).click()
    await page.getByText('alice has no passkey').waitFor()
    await hasFocus(page, page.getByRole('region', { name: 'Passkeys of alice' }))
  })

  test('adds an authenticator app, logs in with its code, and removes it', async () => {
    const page = await open()
    await signUp(page, 'carol')
    await page.getByRole('tab', { name: 'Sessions' }).click()
    await page.getByRole('button', { name: 'Add an authenticator app' }).click()
    const code = page.getByLabel('Code that the app shows')
    const text = (await page.locator('.secret').textContent())!
    const picture = await page.getByRole('img', { name: /^QR code/ }).screenshot()
    expect(await qrCodeIn(picture, browser)).toBe(
      `otpauth://totp/portcullis%3Acarol?secret=${text}&issuer=portcullis`,
    )
    const secret = fromBase32(text)
    expect(await accessibilityFindings(page)).toEqual([])
    await keepPicture(page, 'authenticator-app')
    const step = totpStep(Date.now())
    await code.fill(totpCode(secret, step + 100))
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByRole('alert').getByText('not the current one').waitFor()
    await code.fill(totpCode(secret, step))
    await page.getByRole('button', { name: 'Confirm' }).click()
    const recoveryCodes = page.getByRole('list', { name: /recovery codes/ }).getByRole('listitem')
    await recoveryCodes.first().waitFor()
    const recoveryCode = (await recoveryCodes.first().textContent())!
    const app = page.getByRole('region', { name: 'Authenticator app of carol' })
    await app.getByRole('cell', { name: '10', exact: true }).waitFor()
    await page.getByRole('button', { name: 'They are written down' }).click()
    await recoveryCodes.first().waitFor({ state: 'detached' })

    await page.getByRole('button', { name: 'Log out carol' }).click()
    await page.getByLabel('Username').fill('carol')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await page.getByLabel('Code of the authenticator app').fill(totpCode(secret, step + 1))
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await page.getByRole('cell', { name: 'aal2' }).waitFor()
    await app.getByRole('button', { name: 'Remove the authenticator app' }).click()
    await page.getByLabel('Code of the app, or a recovery code').fill(recoveryCode)
    expect(await accessibilityFindings(page)).toEqual([])
    const form = page.locator('form').filter({ hasText: 'or a recovery code' })
    await form.getByRole('button', { name: 'Remove the authenticator app' }).click()
    await page.getByText('carol has no authenticator app').waitFor()
  })

  test('lets an administrator manage users and clients, and read the audit trail', async () => {
    const page = await open()
    await signUp(page, 'erin')
    await page.getByRole('tab', { name: 'Sessions' }).click()
    await page.getByText('erin has no passkey').waitFor()
    expect(await page.getByRole('heading', { name: 'Users' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Log out erin' }).click()
    await signUp(page, 'dora')
    await page.getByRole('button', { name: 'Log out dora' }).click()
    const words = ['grant', 'dora', 'administrator']
    expect(await runScript('admin', words, { DATA_DIR: data })).toMatchObject({ exitCode: 0 })
    await logIn(page, 'dora', password)

    const users = page.getByRole('region', { name: 'Users' })
    await page.getByLabel('Part of a username').fill('nobody of this name')
    await page.getByRole('button', { name: 'Find users' }).click()
    await users.getByText('No account has this').waitFor()
    await page.getByLabel('Part of a username').fill('erin')
    await page.getByRole('button', { name: 'Find users' }).click()
    await until(async () => (await users.getByRole('rowheader').count()) === 1)
    await users.getByLabel('Roles of erin').fill('user king')
    await users.getByRole('button', { name: 'Set the roles of erin' }).click()
    await page.getByRole('alert').getByText('There is no role "king"').waitFor()
    await users.getByLabel('Roles of erin').fill('user administrator')
    await users.getByRole('button', { name: 'Set the roles of erin' }).click()
    await users.locator('input[value="user administrator"]').waitFor()
    await users.getByRole('button', { name: 'Disable erin' }).click()
    await page.getByRole('button', { name: 'Disable the account' }).click()
    await users.getByRole('button', { name: 'Enable erin' }).waitFor()

    await page.getByLabel('Name of the client').fill('<i>reports</i>')
    await page.getByLabel('Its scopes').fill('profile')
    await page.getByRole('button', { name: 'Create a client' }).click()
    await page.getByText('which is not shown again').waitFor()
    await page.getByRole('button', { name: 'Disable the client <i>reports</i>' }).click()
    await page.getByRole('button', { name: 'Disable the client', exact: true }).click()
    await page.getByRole('region', { name: 'Clients' }).getByText('disabled').waitFor()

    await page.getByLabel('Event, as in').fill('account disabled')
    await page.getByRole('button', { name: 'Read the trail' }).click()
    const trail = page.getByRole('region', { name: 'Audit trail' })
    await until(async () => (await trail.getByRole('row').count()) === 2)
    await trail.getByRole('cell', { name: 'account disabled' }).waitFor()
    expect(await accessibilityFindings(page)).toEqual([])
    await keepPicture(page, 'administration')
  })

  test('says where passkeys can be used', async () => {
    const page = await open({}, unnamed)
    const link = page.getByRole('link', { name: 'this page at localhost' })
    expect(await link.getAttribute('href')).toBe(`${origin}/`)
    expect(await page.getByRole('button', { name: 'Log in with a passkey' }).count()).toBe(0)
  })

  test('completes what the schema has, and marks what it has not', async () => {
    const page = await open()
    await writeOperation(page, '{ userDat }')
    await page.locator('.cm-lintRange-error').first().waitFor()
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ControlOrMeta+Space')
    await page.locator('.cm-tooltip-autocomplete').getByText('userData').waitFor()
    await keepPicture(page, 'completion')
  })

  test('checks the token, draws the plan, and shows what subgraphs are told', async () => {
    const page = await open()
    await logIn(page, 'alice', 'secret')
    const checks = page.locator('.checks li')
    await checks.filter({ hasText: 'signature' }).waitFor()
    expect(await page.locator('.checks .failed').count()).toBe(0)
    await page.getByText(/It expires in \d+ s/).waitFor()
    await keepPicture(page, 'token')

    await writeOperation(page, '{ me { username user { id name } } }')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByRole('tab', { name: 'Plan' }).click()
    await page.locator('.plan').getByText('finds each User by id').waitFor()
    await page.locator('.plan summary', { hasText: 'Request to users' }).click()
    const header = page.getByRole('region', { name: 'Claims header of step 2 for users' })
    expect(await header.textContent()).toContain('"aud": "users"')
    await keepPicture(page, 'plan')
  })

  test('shows events and parts as they come', async () => {
    const page = await open()
    await logIn(page, 'alice', 'secret')
    await writeOperation(page, 'subscription { sessionEvents { kind } }')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await response(page).getByText('LISTENING').waitFor()
    await expectCell(row(page, 'sessionEvents'), 'allowed')
    await logIn(await open(), 'alice', 'secret')
    await response(page).getByText('SIGNED_IN').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('2 events, ended after').waitFor()

    await writeOperation(page, '{ me { username ... @defer { user { id name } } } }')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await response(page).getByText('"name": "Alice"').waitFor()
    expect(await response(page).textContent()).toContain('"username": "alice"')
  })

  test('gives an operation along: by a link, in snippets, in the history, never with a token', async () => {
    const page = await open()
    await logIn(page, 'alice', 'secret')
    const query = 'query It($a: Boolean!) { userData @include(if: $a) { id } }'
    await writeOperation(page, query)
    await page.getByLabel('Variables, as JSON').fill('{ "a": true }')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await response(page).getByText('"id": "1"').waitFor()
    await page.locator('summary', { hasText: 'Link and snippets' }).click()
    for (const name of ['curl', 'fetch', 'Apollo Client']) {
      const text = await page.getByRole('region', { name, exact: true }).textContent()
      expect(text).toContain('userData @include(if: $a)')
      expect(text).not.toMatch(/eyJ/)
    }
    await page.getByRole('link', { name: 'Link to this operation' }).click()
    const link = page.url()
    expect(link).not.toMatch(/eyJ/)
    const other = await open()
    await other.goto(link)
    await other.reload()
    await other.getByRole('textbox', { name: 'Operation' }).getByText('userData').waitFor()
    expect(await other.getByLabel('Variables, as JSON').inputValue()).toBe('{ "a": true }')

    await writeOperation(page, '{ __typename }')
    await page.locator('summary', { hasText: 'History' }).click()
    await page.locator('.history button', { hasText: 'query It' }).click()
    await page.getByRole('textbox', { name: 'Operation' }).getByText('userData').waitFor()
  })

  test('keeps several operations in tabs, each with its response', async () => {
    const page = await open()
    const operations = page.getByRole('tablist', { name: 'Operations' })
    const editor = page.getByRole('textbox', { name: 'Operation' })
    await logIn(page, 'alice', 'secret')
    await writeOperation(page, 'query First { me { username } }')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await response(page).getByText('"username": "alice"').waitFor()

    await page.getByRole('button', { name: 'New tab' }).click()
    await writeOperation(page, 'query Second($a: Boolean!) { __typename @include(if: $a) }')
    await page.getByLabel('Variables, as JSON').fill('{ "a": true }')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await response(page).getByText('"__typename": "Query"').waitFor()
    expect(await accessibilityFindings(page)).toEqual([])
    await keepPicture(page, 'tabs')

    await operations.getByRole('tab', { name: 'Second' }).press('ArrowLeft')
    await editor.getByText('First').waitFor()
    expect(await page.getByLabel('Variables, as JSON').inputValue()).toBe('')
    await response(page).getByText('"username": "alice"').waitFor()
    await page.keyboard.press('ArrowRight')
    await editor.getByText('Second').waitFor()
    expect(await page.getByLabel('Variables, as JSON').inputValue()).toBe('{ "a": true }')
    await page.reload()
    await editor.getByText('Second').waitFor()
    expect(await page.getByLabel('Variables, as JSON').inputValue()).toBe('{ "a": true }')
    expect(page.url()).toBe(`${origin}/`)
    await page.getByRole('button', { name: 'Close tab' }).click()
    await editor.getByText('First').waitFor()
    expect(await operations.getByRole('tab').count()).toBe(1)
    expect(await page.getByRole('button', { name: 'Close tab' }).count()).toBe(0)
  })

  test('documents the schema, by the keyboard', async () => {
    const page = await open()
    await page.getByRole('tab', { name: 'Token' }).focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    const panel = page.getByRole('tabpanel', { name: 'Documentation' })
    await panel.getByRole('heading', { name: 'What nobody may ask for' }).waitFor()
    await panel.getByLabel('Search types and their fields').fill('query sessions')
    await panel.getByText('1 types').waitFor()
    await panel.getByRole('button', { name: 'Query', exact: true }).press('Enter')
    await panel.getByText('last used first, at most 100').waitFor()
    await panel.locator('h3:focus', { hasText: 'Query' }).waitFor()
    expect(await accessibilityFindings(page)).toEqual([])
    await keepPicture(page, 'documentation')
    await panel.getByRole('button', { name: '[Session!]' }).press('Enter')
    await panel.getByText('The User-Agent of the client').waitFor()
    await panel.getByRole('button', { name: 'Back to Query' }).press('Enter')
    await panel.getByRole('button', { name: 'Back to all types' }).press('Enter')
    await panel.locator('h3:focus', { hasText: 'What nobody may ask for' }).waitFor()
  })

  test('finds fields by their guards and subgraphs', async () => {
    const page = await open()
    await page.getByRole('tab', { name: 'Graph' }).click()
    await page.getByLabel('Search types, fields').fill('profile:email users')
    await page.getByText('1 fields').waitFor()
    const field = row(page, 'User.email')
    await field.getByText('@requiresScopes(scopes: [["profile:email"]]) on User.email').waitFor()
    await keepPicture(page, 'graph')
  })

  test('shows another login, ends it, and that one sees it happen', async () => {
    const desktop = await open()
    await logIn(desktop, 'alice', 'secret')
    const phone = await open()
    await logIn(phone, 'alice', 'secret')
    await desktop.getByRole('tab', { name: 'Sessions' }).click()
    const ends = desktop.getByRole('button', { name: /Log out the session since/ })
    await ends.first().waitFor()
    await phone.getByRole('tab', { name: 'Sessions' }).click()
    await phone.getByText('LISTENING').waitFor()
    // Other tests leave sessions of alice, too: that of the phone is the first one, as it was used last.
    await ends.first().click()
    await showsLogout(phone, 'REVOKED')
    await keepPicture(phone, 'logged-out-elsewhere')
  })

  test('shows that a session has ended before the page could listen to its events', async () => {
    const page = await open()
    const connect: (() => void)[] = []
    await page.routeWebSocket(/graphql$/, (socket) => {
      const isFirst = connect.push(() => socket.connectToServer()) === 1
      if (!isFirst) socket.connectToServer()
    })
    await logIn(page, 'alice', 'secret')
    await page.getByRole('tab', { name: 'Sessions' }).click()
    await page.getByRole('button', { name: 'Log out everywhere' }).click()
    const question = page.getByRole('dialog', { name: 'End all sessions of alice' })
    await question.getByRole('button', { name: 'Log out everywhere' }).click()
    await page.getByRole('tabpanel').getByRole('alert').filter({ hasText: /\S/ }).waitFor()
    connect[0]!()
    await page.getByText('This session has ended').waitFor()
  })

  test.each(['light', 'dark'] as const)('has no finding of axe-core: %s', async (colorScheme) => {
    const page = await open({ colorScheme })
    expect(await accessibilityFindings(page)).toEqual([])
    await logIn(page, 'alice', 'secret')
    await writeOperation(page, own)
    await page.getByRole('button', { name: 'Compare all identities' }).click()
    await expectCell(row(page, 'userData'), 'denied: needs a token')
    await expectCell(row(page, 'userData'), 'allowed')
    for (const name of ['Token', 'Plan', 'Documentation', 'Graph', 'Sessions']) {
      await page.getByRole('tab', { name }).click()
      await page.getByRole('tabpanel').locator('table, ol, .types').first().waitFor()
      expect(await accessibilityFindings(page)).toEqual([])
    }
    await keepPicture(page, colorScheme)
  })
})

/** Waits until an element has the focus. */
async function hasFocus(page: Page, element: Locator): Promise<void> {
  await element.and(page.locator(':focus')).waitFor()
}

async function expectCell(row: ReturnType<Page['getByRole']>, text: string): Promise<void> {
  await row.first().getByText(text).first().waitFor()
}

/** Returns the bytes of a text (RFC 4648, section 6), as an authenticator app does. */
function fromBase32(text: string): Uint8Array {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...text].map((each) => alphabet.indexOf(each).toString(2).padStart(5, '0'))
  return Uint8Array.from(bits.join('').match(/.{8}/g)!, (byte) => parseInt(byte, 2))
}
