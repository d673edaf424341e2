/** Policies about the login itself (RFC 9470): what decides, and which login is asked for. */
import { describe, expect, test } from '@jest/globals'
import type { Alternatives } from '../../gateway/authorization/alternatives.ts'
import type { Guard } from '../../gateway/authorization/guard-directives.ts'
import { withStepUp } from '../../gateway/authorization/step-up.ts'
import { loginFor } from '../../gateway/authorization/what-is-missing.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'

const now = 1_800_000_000
const policies = {
  strong: { acrValues: ['aal3', 'aal2'] },
  recent: { acrValues: [], maxAge: 300 },
  both: { acrValues: ['aal2'], maxAge: 600 },
  other: { acrValues: ['bank'] },
}
const names = [...Object.keys(policies), 'of the operator']
const asked: unknown[] = []
const decide = withStepUp(
  policies,
  async (question) => {
    asked.push(question)
    return new Set(question.policies)
  },
  () => now * 1_000,
)

async function met(claims: Record<string, unknown> | null): Promise<string[]> {
  return [...(await decide({ policies: Object.keys(policies), claims: claims as Claims | null }))]
}

describe('a policy about the login', () => {
  test('is met by any of its values in `acr`', async () => {
    expect(await met({ sub: '1', acr: 'aal2' })).toEqual(['strong'])
    expect(await met({ sub: '1', acr: 'aal3' })).toEqual(['strong'])
    expect(await met({ sub: '1', acr: 'bank' })).toEqual(['other'])
    expect(await met({ sub: '1', acr: 'aal1' })).toEqual([])
    expect(await met({ sub: '1', acr: ['aal2'] })).toEqual([])
  })

  test('is met until the login is older than `max_age`', async () => {
    expect(await met({ sub: '1', auth_time: now - 300 })).toEqual(['recent'])
    expect(await met({ sub: '1', auth_time: now - 301 })).toEqual([])
    expect(await met({ sub: '1', auth_time: String(now) })).toEqual([])
  })

  test('with both needs both', async () => {
    expect(await met({ sub: '1', acr: 'aal2', auth_time: now - 500 })).toEqual(['strong', 'both'])
    expect(await met({ sub: '1', acr: 'aal1', auth_time: now - 500 })).toEqual([])
  })

  test('is not satisfied by claims without the login, nor by an anonymous caller', async () => {
    expect(await met({ sub: '1' })).toEqual([])
    expect(await met(null)).toEqual([])
  })

  test('is not asked of whoever decides about the others', async () => {
    const granted = await decide({ policies: names, claims: { sub: '1', acr: 'bank' } })
    expect([...granted]).toEqual(['other', 'of the operator'])
    expect(asked).toEqual([{ policies: ['of the operator'], claims: { sub: '1', acr: 'bank' } }])
  })
})

describe('the login that would do', () => {
  const guard = (...anyOf: Alternatives): Guard => ({ kind: 'policies', anyOf })
  const known = {
    claims: { sub: 'user' } as Claims | null,
    scopes: new Set<string>(),
    policies: new Set<string>(),
  }
  const login = (guards: Guard[], credentials: Parameters<typeof loginFor>[1] = known) =>
    loginFor(guards, credentials, policies)

  test.each<[string, Guard[], unknown]>([
    ['a strong one', [guard(['strong'])], { acrValues: ['aal3', 'aal2'] }],
    ['a recent one', [guard(['recent'])], { acrValues: [], maxAge: 300 }],
    [
      'one that is both, as strong and as recent as each demands',
      [guard(['strong']), guard(['both', 'recent'])],
      { acrValues: ['aal2'], maxAge: 300 },
    ],
    [
      'by the alternative that a login can meet',
      [guard(['of the operator'], ['recent'])],
      { acrValues: [], maxAge: 300 },
    ],
    ['none, where two demands exclude each other', [guard(['strong', 'other'])], undefined],
    [
      'none, where something else is lacking, too',
      [guard(['strong']), { kind: 'scopes', anyOf: [['admin']] }],
      undefined,
    ],
    ['none, for a policy of the operator', [guard(['strong', 'of the operator'])], undefined],
  ])('%s', (_name, guards, expected) => {
    expect(login(guards)).toEqual(expected)
  })

  test('counts what the caller has already', () => {
    const credentials = { ...known, policies: new Set(['of the operator']) }
    const guards = [guard(['of the operator', 'recent'])]
    expect(login(guards, credentials)).toEqual({ acrValues: [], maxAge: 300 })
  })

  test('is none for an anonymous caller, which has to log in first', () => {
    const anonymous = { ...known, claims: null }
    expect(login([guard(['strong'])], anonymous)).toBeUndefined()
  })
})
