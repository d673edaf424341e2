/** What an operator reads who set something wrong. */
import { expect, test } from '@jest/globals'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import { claimsKeys } from '../../subgraphs/kit/process/claims-keys.ts'
import { developmentSecret } from '../../subgraphs/kit/process/development-secret.ts'
import { makeFolder } from '../../subgraphs/kit/process/make-folder.ts'
import { readSettings } from '../../subgraphs/kit/process/settings.ts'
import { databaseUrl } from '../../subgraphs/storage/database-url.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

const folder = scratchFolder()

test('a choice takes one of its values, or the fallback where nothing is set', () => {
  const { choice } = readSettings({ COLOUR: ' red ' })
  expect(choice('COLOUR', ['red', 'blue'], 'blue')).toBe('red')
  expect(choice('SHADE', ['light', 'dark'], 'dark')).toBe('dark')
})

test('all problems are listed together, each with the expected value', () => {
  const settings = readSettings({ NODE_ENV: 'production', COLOUR: 'Red', PORT: 'http' })
  settings.choice('COLOUR', ['red', 'green', 'blue'], 'blue')
  settings.port('PORT', 4000)
  settings.secret('SECRET')
  expect(() => settings.refuseProblems()).toThrow(
    [
      'the configuration cannot be used:',
      '  - COLOUR is "Red": expected red, green or blue',
      '  - PORT is "http": expected a number from 0 to 65535',
      '  - SECRET is not set: give the secret in SECRET, or its file in SECRET_FILE',
    ].join('\n'),
  )
})

test('a folder that cannot be made is a problem, and never an endless attempt', () => {
  // With `recursive`, mkdir would never return from /proc.
  for (const path of ['/proc/nothing/data', '/dev/null/data']) {
    const message = `the development secret ${path}/secrets/gateway cannot be read or made`
    expect(() => developmentSecret(path, 'gateway')).toThrow(message)
  }
  const made = join(folder, 'one', 'two')
  makeFolder(made)
  makeFolder(made)
  expect(statSync(made).mode & 0o777).toBe(0o700)
})

test('a file that holds a secret is text in UTF-8', () => {
  const path = join(folder, 'secret')
  const settings = () => readSettings({ NODE_ENV: 'production', SECRET_FILE: path })
  writeFileSync(path, '\ufeffschlüssel\n')
  expect(settings().secret('SECRET')).toBe('schlüssel')

  writeFileSync(path, Buffer.from([0xfe, 0x80, 0x93, 0xff]))
  const binary = settings()
  binary.secret('SECRET')
  expect(() => binary.refuseProblems()).toThrow(
    `SECRET_FILE names ${path}, which is not text in UTF-8: write the secret as text, for example with \`openssl rand -base64 48\``,
  )
})

test('a URL with a password may be in a file, and may be missing', () => {
  const path = join(folder, 'database-url')
  writeFileSync(path, 'postgres://auth:secret@db/auth\n')
  const settings = readSettings({ NODE_ENV: 'production', DATABASE_URL_FILE: path })
  expect(databaseUrl(settings, 'auth.db')).toBe('postgres://auth:secret@db/auth')
  expect(settings.optionalSecret('MAIL_URL')).toBeUndefined()
  settings.refuseProblems()
})

test('in development a claims key comes from the secret of the gateway, also from one that is set', () => {
  const keyOf = (secret: string) => Buffer.from(deriveClaimsKey(secret, 'users'))
  const [first, second] = ['1'.repeat(32), '2'.repeat(32)]
  const DATA_DIR = join(folder, 'data')
  const set = readSettings({ DATA_DIR, GATEWAY_SECRET: `${first}, ${second}` })
  expect(claimsKeys(set, 'users')).toEqual([keyOf(first), keyOf(second)])

  const made = claimsKeys(readSettings({ DATA_DIR }), 'users')
  const secret = readFileSync(join(DATA_DIR, 'secrets', 'gateway-secret'), 'utf8').trim()
  expect(made).toEqual([keyOf(secret)])

  const production = readSettings({ NODE_ENV: 'production', GATEWAY_SECRET: first })
  claimsKeys(production, 'users')
  expect(() => production.refuseProblems()).toThrow('CLAIMS_KEY is not set')
})
