/** The second page: runs what an account can do beyond logging in. */
import { randomBytes } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { totpCode, totpStep } from '../../subgraphs/auth/second-factors/totp.ts'
import { readKeySettings } from '../../subgraphs/auth/settings.ts'
import { keyEncryption } from '../../subgraphs/auth/tokens/key-encryption.ts'
import { keyLifecycle } from '../../subgraphs/auth/tokens/key-lifecycle.ts'
import { codeOf, finding, row } from './rows.ts'
import type { Row } from './rows.ts'
import { send } from './send.ts'
import { revocationLag, untilRefused } from './until-refused.ts'
import type { WalkThroughParts } from './walk-through.ts'

const password = 'purple kangaroo sings'

/** Returns one row per step. */
export async function secondPage({ urls, environment }: WalkThroughParts): Promise<Row[]> {
  const username = `walker-${randomBytes(4).toString('hex')}`
  const ask = (query: string, variables: Record<string, unknown> = {}, token?: string) =>
    send(urls.gateway, { query, variables }, token)
  const login = (code?: string) =>
    ask(
      `mutation ($username: String!, $password: String!, $code: String) {
        login(username: $username, password: $password, code: $code) { token refreshToken }
      }`,
      { username, password, code },
    )
  const refresh = (refreshToken: string) =>
    ask(
      `mutation ($refreshToken: String!) {
        refresh(refreshToken: $refreshToken) { token refreshToken }
      }`,
      { refreshToken },
    )

  const signedUp = await ask(
    `mutation ($username: String!, $password: String!) {
      signUp(username: $username, password: $password) { user { id } problems { code } }
    }`,
    { username, password },
  )
  const loggedIn = await login()
  const first = loggedIn.data?.login
  const refreshed = await refresh(first?.refreshToken)
  const second = refreshed.data?.refresh
  const third = await refresh(second?.refreshToken)
  const reused = await refresh(first?.refreshToken)
  const dead = await refresh(third.data?.refresh?.refreshToken)

  const again = (await login()).data?.login
  const loggedOut = await ask('mutation { logout }', {}, again?.token)
  const refusal = await untilRefused(() => ask('{ userData { id } }', {}, again?.token))

  const owner = (await login()).data?.login?.token
  const enrolled = await ask('mutation { enrolTotp { secret uri } }', {}, owner)
  const secret = fromBase32(enrolled.data?.enrolTotp?.secret ?? '')
  const step = totpStep(Date.now())
  const confirmed = await ask(
    'mutation ($code: String!) { confirmTotp(code: $code) { confirmed recoveryCodes } }',
    { code: totpCode(secret, step) },
    owner,
  )
  const withoutCode = await login()
  const sameCode = await login(totpCode(secret, step))
  const withCode = await login(totpCode(secret, step + 1))
  const strong = withCode.data?.login?.token

  const keysBefore = await keysOf(urls.auth)
  const rotated = await rotateKeys(environment)
  const keysAfter = await keysOf(urls.auth)
  const stillGood = await ask('{ userData { id } }', {}, strong)

  return [
    row(1, 'client', 'signs up', [
      finding(signedUp.data?.signUp?.user != null, `${username} has an account`),
    ]),
    row(2, 'client', 'logs in', [
      finding(first !== undefined, 'receives an access token and a refresh token'),
    ]),
    row(3, 'auth', 'refreshes: the refresh token is exchanged, once', [
      finding(second?.refreshToken !== first?.refreshToken, 'a new refresh token is returned'),
      finding(sessionIn(second?.token) === sessionIn(first?.token), 'for the same session'),
    ]),
    row(4, 'auth', 'sees an old refresh token again: the session ends', [
      finding(codeOf(reused) === 'SESSION_ENDED', `the old one: ${codeOf(reused)}`),
      finding(codeOf(dead) === 'SESSION_ENDED', `the newest one, too: ${codeOf(dead)}`),
    ]),
    row(5, 'gateway', 'refuses an access token after logging out', [
      finding(loggedOut.data?.logout === true, 'the client logs out'),
      finding(
        refusal.reason === 'TOKEN_REVOKED' && refusal.after <= revocationLag,
        `refused after ${(refusal.after / 1000).toFixed(1)} s: ${refusal.reason}`,
      ),
    ]),
    row(6, 'client', 'adds an authenticator app', [
      finding(/^otpauth:/.test(enrolled.data?.enrolTotp?.uri ?? ''), 'a QR code for it'),
      finding(confirmed.data?.confirmTotp?.confirmed === true, 'the first code is right'),
    ]),
    row(7, 'auth', 'requires a code from then on, and accepts none twice', [
      finding(codeOf(withoutCode) === 'SECOND_FACTOR_REQUIRED', `without: ${codeOf(withoutCode)}`),
      finding(codeOf(sameCode) === 'INVALID_CREDENTIALS', `used before: ${codeOf(sameCode)}`),
      finding(levelIn(strong) === 'aal2', `with a fresh one: acr ${levelIn(strong)}`),
    ]),
    row(8, 'auth', 'rotates its keys', [
      finding(
        keysBefore.includes(rotated.key) && keysAfter.includes(rotated.key),
        `the next key is published ahead, and signs from ${new Date(rotated.signsFrom).toISOString()}`,
      ),
      finding(
        strong !== undefined && keysAfter.includes(decodeProtectedHeader(strong).kid ?? ''),
        'the one that signed the token stays published',
      ),
      finding(stillGood.status === 200 && stillGood.errors.length === 0, 'and the token is valid'),
    ]),
  ]
}

async function keysOf(auth: string): Promise<string[]> {
  const response = await fetch(new URL('/.well-known/jwks.json', auth))
  const { keys } = (await response.json()) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}

/** As npm run keys -- rotate. */
async function rotateKeys(environment: WalkThroughParts['environment']) {
  const settings = readKeySettings(environment)
  const { openAuthDatabase } = await import('../../subgraphs/auth/database.ts')
  const database = await openAuthDatabase(settings.databaseUrl)
  try {
    const encryption = keyEncryption(settings.keyEncryptionSecrets)
    return await keyLifecycle({ database, encryption, ...settings.keys, now: Date.now }).rotate()
  } finally {
    await database.destroy()
  }
}

function sessionIn(token: string | undefined): unknown {
  return token === undefined ? undefined : decodeJwt(token).sid
}

function levelIn(token: string | undefined): unknown {
  return token === undefined ? undefined : decodeJwt(token).acr
}

/** RFC 4648 section 6, as an authenticator app reads it. */
function fromBase32(text: string): Uint8Array {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...text].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0'))
  const bytes = bits.join('').match(/.{8}/g) ?? []
  return Uint8Array.from(bytes, (byte) => parseInt(byte, 2))
}
