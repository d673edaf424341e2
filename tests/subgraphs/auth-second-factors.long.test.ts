import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { matchingStep, totpCode, totpStep } from '../../subgraphs/auth/second-factors/totp.ts'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { asker, codes } from '../support/ask-subgraph.ts'
import type { Ask } from '../support/ask-subgraph.ts'
import {
  authEnvironment,
  cheapHashes,
  claimsOf,
  loggedIn,
  login,
  refresh,
  signedUp,
} from '../support/auth-client.ts'
import type { CallerClaims } from '../support/auth-client.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { testDatabases } from '../support/databases.ts'
import type { ScratchDatabase } from '../support/postgres.ts'

const good = 'purple kangaroo sings'
const second = 1000
const minute = 60 * second

describe.each(await testDatabases())('second factors on $name', ({ make }) => {
  let scratch: ScratchDatabase
  let running: RunningProcess
  let ask: Ask
  /** Time stands still at auth, and only the tests move it on: no code changes in the middle of one. */
  const start = Date.now()
  let ahead = 0

  beforeAll(async () => {
    scratch = await make()
    running = await startAuth(authEnvironment(scratch.url), {
      now: () => start + ahead,
      hashParameters: cheapHashes,
    })
    ask = asker('auth', running.url)
  })
  afterAll(async () => {
    await running.close()
    await scratch.drop()
  })

  let count = 0
  const newAccount = async () => {
    const credentials = await signedUp(ask, `person${count++}`, good)
    return { credentials, ...(await loggedIn(ask, credentials)) }
  }
  const codeOf = (secret: string) => totpCode(fromBase32(secret), totpStep(start + ahead))
  const confirmMutation = `mutation ($code: String!) {
    confirmTotp(code: $code) { confirmed recoveryCodes problems { code } }
  }`
  /** An account with an authenticator app, whose next code is a fresh one. */
  const withApp = async () => {
    const account = await newAccount()
    const enrolled = await ask(account.claims, 'mutation { enrolTotp { secret uri } }')
    const { secret, uri } = enrolled.data.enrolTotp as { secret: string; uri: string }
    const confirmed = await ask(account.claims, confirmMutation, { code: codeOf(secret) })
    ahead += minute
    return {
      ...account,
      secret,
      uri,
      recoveryCodes: confirmed.data.confirmTotp.recoveryCodes as string[],
    }
  }

  test('a login says how it was proven, and when', async () => {
    const { claims, refreshToken } = await newAccount()
    expect(claims).toMatchObject({ acr: 'aal1', amr: ['pwd'] })
    ahead += 10 * second
    const refreshed = claimsOf((await refresh(ask, refreshToken)).data.refresh.token)
    expect(refreshed.auth_time).toBe(claims.auth_time)
    expect(Number(refreshed.iat) - Number(refreshed.auth_time)).toBeGreaterThanOrEqual(10)
  })

  test('an app is enrolled with what a QR code holds, and counts once it is confirmed', async () => {
    const { claims, credentials } = await newAccount()
    const { data } = await ask(claims, 'mutation { enrolTotp { secret uri } }')
    const { secret, uri } = data.enrolTotp
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(uri).toBe(
      `otpauth://totp/portcullis%3A${credentials.username}?secret=${secret}&issuer=portcullis`,
    )
    await loggedIn(ask, credentials)
    const wrong = await ask(claims, confirmMutation, { code: '000000' })
    expect(wrong.data.confirmTotp).toMatchObject({
      confirmed: false,
      problems: [{ code: 'WRONG' }],
    })
    const right = await ask(claims, confirmMutation, { code: codeOf(secret) })
    expect(right.data.confirmTotp).toMatchObject({ confirmed: true, problems: [] })
    expect(new Set(right.data.confirmTotp.recoveryCodes).size).toBe(10)
    expect(codes(await login(ask, credentials))).toEqual(['SECOND_FACTOR_REQUIRED'])
    expect(codes(await ask(claims, 'mutation { enrolTotp { secret } }'))).toEqual([
      'BAD_USER_INPUT',
    ])
  })

  test('a login with password and code is of two factors', async () => {
    const { credentials, secret } = await withApp()
    const { claims } = await loggedIn(ask, { ...credentials, code: codeOf(secret) })
    expect(claims).toMatchObject({ acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] })
    const { data } = await ask(claims, '{ session { level } }')
    expect(data.session).toEqual({ level: 'aal2' })
  })

  test('no code is accepted twice, also by concurrent logins', async () => {
    const { credentials, secret } = await withApp()
    const attempt = { ...credentials, code: codeOf(secret) }
    const answers = await Promise.all([
      login(ask, attempt),
      login(ask, attempt),
      login(ask, attempt),
    ])
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(1)
    expect(codes(await login(ask, attempt))).toEqual(['INVALID_CREDENTIALS'])
  })

  test('a code of the minute before or after is no longer accepted', async () => {
    const { credentials, secret } = await withApp()
    for (const steps of [-2, 2]) {
      const code = totpCode(fromBase32(secret), totpStep(start + ahead) + steps)
      expect(codes(await login(ask, { ...credentials, code }))).toEqual(['INVALID_CREDENTIALS'])
    }
  })

  test('a wrong password with a right code has the response of every wrong login', async () => {
    const { credentials, secret } = await withApp()
    const attempt = { ...credentials, password: 'not it at all', code: codeOf(secret) }
    expect(codes(await login(ask, attempt))).toEqual(['INVALID_CREDENTIALS'])
    expect(codes(await login(ask, { ...attempt, code: '' }))).toEqual(['INVALID_CREDENTIALS'])
    await loggedIn(ask, { ...credentials, code: codeOf(secret) })
  })

  test('codes cannot be guessed: wrong ones count like wrong passwords, and asking anew resets nothing', async () => {
    const { credentials, secret } = await withApp()
    for (let guess = 0; guess < 5; guess++) {
      await login(ask, { ...credentials, code: '000000' })
      await login(ask, credentials)
    }
    expect(codes(await login(ask, { ...credentials, code: codeOf(secret) }))).toEqual([
      'INVALID_CREDENTIALS',
    ])
  })

  test('a recovery code stands in for the app, once', async () => {
    const { credentials, recoveryCodes } = await withApp()
    const code = recoveryCodes[0]!.toUpperCase()
    const { claims } = await loggedIn(ask, { ...credentials, code })
    expect(claims.acr).toBe('aal2')
    expect(codes(await login(ask, { ...credentials, code }))).toEqual(['INVALID_CREDENTIALS'])
    await loggedIn(ask, { ...credentials, code: recoveryCodes[1]!.replace('-', ' ') })
  })

  test('removing the app needs a code, and makes the password enough again', async () => {
    const { credentials, claims, secret } = await withApp()
    const remove = (code: string) =>
      ask(claims, 'mutation ($code: String!) { removeTotp(code: $code) }', { code })
    expect(codes(await remove('000000'))).toEqual(['INVALID_CREDENTIALS'])
    expect((await remove(codeOf(secret))).data.removeTotp).toBe(true)
    await loggedIn(ask, credentials)
  })

  test('its owner sees since when there is an app, when it was used, and what recovery codes are left', async () => {
    const appOf = async (claims: CallerClaims) => {
      const query = '{ authenticatorApp { createdAt lastUsedAt recoveryCodesLeft } }'
      return (await ask(claims, query)).data.authenticatorApp
    }
    const { claims, credentials } = await newAccount()
    expect(await appOf(claims)).toBeNull()
    const { data } = await ask(claims, 'mutation { enrolTotp { secret } }')
    const { secret } = data.enrolTotp
    expect(await appOf(claims)).toBeNull()
    const confirmed = await ask(claims, confirmMutation, { code: codeOf(secret) })
    const createdAt = new Date(start + ahead).toISOString()
    expect(await appOf(claims)).toEqual({ createdAt, lastUsedAt: createdAt, recoveryCodesLeft: 10 })

    ahead += 10 * minute
    await loggedIn(ask, { ...credentials, code: codeOf(secret) })
    const [recoveryCode] = confirmed.data.confirmTotp.recoveryCodes
    await loggedIn(ask, { ...credentials, code: recoveryCode })
    const app = await appOf(claims)
    expect(app).toMatchObject({ createdAt, recoveryCodesLeft: 9 })
    const used = start + ahead - Date.parse(app.lastUsedAt)
    expect(used).toBeGreaterThanOrEqual(0)
    expect(used).toBeLessThan(30 * second)

    // The phone of another user is fast: its code is of the half-minute that is yet to come.
    const early = await newAccount()
    const enrolled = await ask(early.claims, 'mutation { enrolTotp { secret } }')
    const next = fromBase32(enrolled.data.enrolTotp.secret)
    const code = totpCode(next, totpStep(start + ahead) + 1)
    await ask(early.claims, confirmMutation, { code })
    const now = new Date(start + ahead).toISOString()
    expect(await appOf(early.claims)).toMatchObject({ createdAt: now, lastUsedAt: now })

    expect(await appOf((await newAccount()).claims)).toBeNull()
    expect(codes(await ask(null, '{ authenticatorApp { createdAt } }'))).toEqual([
      'UNAUTHENTICATED',
    ])
  })

  test('the database holds neither the secret nor the recovery codes in the clear', async () => {
    const { secret, recoveryCodes } = await withApp()
    const database = await openDatabase<any>(scratch.url)
    const totp = await sql`select * from auth_totp`.execute(database)
    const recovery = await sql`select * from auth_recovery_codes`.execute(database)
    await database.destroy()
    const dump = JSON.stringify([totp.rows, recovery.rows])
    expect(dump).not.toContain(secret)
    expect(dump).not.toContain(fromBase32(secret).toString('base64url'))
    for (const code of recoveryCodes) expect(dump).not.toContain(code.replace('-', ''))
  })
})

test('codes are those of RFC 6238 appendix B', () => {
  const secret = Buffer.from('12345678901234567890')
  const vectors: [number, string][] = [
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ]
  for (const [time, code] of vectors) {
    expect(totpCode(secret, totpStep(time * second))).toBe(code)
    expect(matchingStep(secret, code, time * second)).toBe(totpStep(time * second))
  }
})

function fromBase32(text: string): Buffer {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...text]
    .map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0'))
    .join('')
  return Buffer.from(bits.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)))
}

describe('where a second factor is required', () => {
  const folder = scratchFolder()
  let running: RunningProcess
  let ask: Ask

  beforeAll(async () => {
    const environment = {
      ...authEnvironment(`sqlite:${folder}/auth.db`),
      SECOND_FACTOR: 'required',
    }
    running = await startAuth(environment, { hashParameters: cheapHashes })
    ask = asker('auth', running.url)
  })
  afterAll(() => running.close())

  const signUp = (username: string, password: string) =>
    ask(
      null,
      `mutation ($username: String!, $password: String!) {
        signUp(username: $username, password: $password) { problems { code } }
      }`,
      { username, password },
    )

  test('a password has 8 characters or more, and alone it opens nothing that a scope guards', async () => {
    expect((await signUp('person', 'xk3-vq')).data.signUp.problems).toEqual([{ code: 'TOO_SHORT' }])
    const credentials = { username: 'person', password: 'xk3-vq7p' }
    expect((await signUp('person', credentials.password)).data.signUp.problems).toEqual([])
    const first = await loggedIn(ask, credentials)
    expect(first.claims).toMatchObject({ acr: 'aal1', scope: '' })
    const key = 'mutation { createApiKey(name: "mine", scopes: ["profile"]) { key } }'
    expect(codes(await ask(first.claims, key))).toEqual(['BAD_USER_INPUT'])
    const again = claimsOf((await refresh(ask, first.refreshToken)).data.refresh.token)
    expect(again.scope).toBe('')
    const other = await loggedIn(ask, credentials)
    const response = await fetch(new URL('/oauth/token', running.url), {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: other.refreshToken,
      }),
    })
    expect(await response.json()).toMatchObject({ token_type: 'Bearer', scope: '' })

    const { data } = await ask(first.claims, 'mutation { enrolTotp { secret } }')
    const codeAt = (steps: number) =>
      totpCode(fromBase32(data.enrolTotp.secret), totpStep(Date.now()) + steps)
    const confirm = `mutation { confirmTotp(code: "${codeAt(0)}") { confirmed } }`
    expect((await ask(first.claims, confirm)).data.confirmTotp.confirmed).toBe(true)
    const second = await loggedIn(ask, { ...credentials, code: codeAt(1) })
    expect(second.claims).toMatchObject({ acr: 'aal2', scope: 'profile profile:email' })
  })
})
