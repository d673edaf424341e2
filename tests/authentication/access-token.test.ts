/** Which access tokens are accepted, and why the others are not. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Caller } from '../../gateway/authentication/authenticate.ts'
import { issuerOptions, testAuthenticator } from './support/test-authenticator.ts'
import type { TestAuthenticator } from './support/test-authenticator.ts'
import { testIssuer, testKey } from './support/test-issuer.ts'
import type { TestIssuer, TestKey } from './support/test-issuer.ts'

let issuer: TestIssuer
let key: TestKey
let subject: TestAuthenticator

beforeAll(async () => {
  key = await testKey()
  issuer = await testIssuer({ keys: [key.jwk] })
  subject = testAuthenticator([issuerOptions(issuer)])
})

afterAll(async () => {
  await subject.close()
  await issuer.close()
})

test('a valid token yields its claims, of the allow list only, in a frozen record without a prototype', async () => {
  const token = await issuer.sign(key, { secret: 'not forwarded' })
  const caller = (await subject.ask(token)) as Caller
  expect({ ...caller.claims }).toEqual({ sub: 'subject-1', scope: 'profile', name: 'Alice' })
  expect(Object.getPrototypeOf(caller.claims)).toBeNull()
  expect(Object.isFrozen(caller.claims)).toBe(true)
  expect(caller).toMatchObject({ issuer: issuer.issuer, carriedToken: true })
})

test('a request without a token is anonymous', async () => {
  expect(await subject.ask()).toEqual({ claims: null, carriedToken: false })
})
