import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import {
  noPolicies,
  policyFunctions,
  policyService,
  readPolicyModule,
} from '../../gateway/authorization/policies.ts'
import { guardSupergraph } from '../../gateway/authorization/guard-supergraph.ts'
import { warnOfUndecidedPolicies } from '../../gateway/authorization/undecided-policies.ts'
import { compose } from './support/guarded-graph.ts'
import { library } from './support/library.ts'

const doctor = { sub: '1', role: 'doctor' }
const failures: string[] = []
const options = {
  timeout: 200,
  onFailure: (policy: string, { message }: Error) => void failures.push(`${policy}: ${message}`),
}
const cleanUps: (() => Promise<unknown>)[] = []

afterEach(async () => {
  failures.length = 0
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

test('without policies configured each one denies', async () => {
  expect(await noPolicies.decide({ policies: ['any'], claims: doctor })).toEqual(new Set())
})

describe('functions', () => {
  const { decide } = policyFunctions(
    new Map(
      Object.entries({
        'is a doctor': ({ claims }) => claims?.role === 'doctor',
        'is Ada': async ({ claims }) => claims?.sub === 'Ada',
        truthy: () => 1 as never,
        throws: () => {
          throw new Error('out of order')
        },
        rejects: () => Promise.reject(new Error('no answer')),
        hangs: () => new Promise<boolean>(() => {}),
      } satisfies Record<
        string,
        Parameters<typeof policyFunctions>[0] extends ReadonlyMap<string, infer P> ? P : never
      >),
    ),
    options,
  )

  test('decide by the claims; only true is in favour', async () => {
    const policies = ['is a doctor', 'is Ada', 'truthy']
    expect(await decide({ policies, claims: doctor })).toEqual(new Set(['is a doctor']))
    expect(await decide({ policies, claims: { sub: 'Ada' } })).toEqual(new Set(['is Ada']))
    expect(await decide({ policies, claims: null })).toEqual(new Set())
  })

  test('that throw, reject, take too long or do not exist deny, and the log learns it', async () => {
    const policies = ['is a doctor', 'throws', 'rejects', 'hangs', 'unknown']
    expect(await decide({ policies, claims: doctor })).toEqual(new Set(['is a doctor']))
    expect(failures.toSorted()).toEqual([
      'hangs: no decision within 200 ms',
      'rejects: no answer',
      'throws: out of order',
      'unknown: there is no such policy',
    ])
  })
})

describe('policies that nothing decides', () => {
  test('are listed in one warning, without those of step_up', () => {
    const { authorizer } = guardSupergraph(compose(library), {
      stepUp: { 'is adult': { acrValues: ['aal2'] } },
    })
    const warnings: unknown[] = []
    const log = { warn: (details: object) => void warnings.push(details) }
    warnOfUndecidedPolicies(authorizer, noPolicies, log)
    const functions = policyFunctions(new Map([['is local', () => true]]), options)
    warnOfUndecidedPolicies(authorizer, functions, log)
    warnOfUndecidedPolicies(authorizer, policyService('http://127.0.0.1:1', options), log)
    expect(warnings).toEqual([
      { policies: ['is admin', 'is local'], count: 2 },
      { policies: ['is admin'], count: 1 },
    ])
  })
})

describe('a module', () => {
  async function moduleOf(text: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'policies-'))
    cleanUps.push(() => rm(folder, { recursive: true }))
    const path = join(folder, 'policies.mjs')
    await writeFile(path, text)
    return path
  }

  test('gives its functions by name', async () => {
    const path = await moduleOf("export default { 'is a doctor': ({ claims }) => claims !== null }")
    const policies = await readPolicyModule(path)
    expect([...policies.keys()]).toEqual(['is a doctor'])
    expect(
      await policyFunctions(policies, options).decide({
        policies: ['is a doctor'],
        claims: doctor,
      }),
    ).toEqual(new Set(['is a doctor']))
  })

  test.each([
    ['export const one = 1', /have no default export/],
    ['export default { one: true }', /the policy "one" in .* is no function/],
    ['export default {', /cannot be loaded/],
  ])('%s is refused with a sentence', async (text, sentence) => {
    await expect(readPolicyModule(await moduleOf(text))).rejects.toThrow(sentence)
  })
})

describe('a service', () => {
  const asked: unknown[] = []

  async function serviceThat(
    answer: (server: Server) => { status: number; body: string } | undefined,
  ) {
    asked.length = 0
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      asked.push(JSON.parse(Buffer.concat(chunks).toString()))
      const answered = answer(server)
      if (answered) response.writeHead(answered.status).end(answered.body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanUps.push(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
    return policyService(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, options)
  }

  test('is asked once for all policies of the operation', async () => {
    const { decide } = await serviceThat(() => ({
      status: 200,
      body: '{"granted":["a","not asked"]}',
    }))
    const question = { policies: ['a', 'b'], claims: doctor, operationName: 'Q' }
    expect(await decide(question)).toEqual(new Set(['a']))
    expect(asked).toEqual([question])
  })

  test('may nest data that is not read', async () => {
    const deep = '['.repeat(20_000) + ']'.repeat(20_000)
    const { decide } = await serviceThat(() => ({
      status: 200,
      body: `{"granted":["a",${deep}]}`,
    }))
    expect(await decide({ policies: ['a'], claims: doctor })).toEqual(new Set(['a']))
  })

  test('is not asked when there is nothing to decide', async () => {
    const { decide } = await serviceThat(() => ({ status: 200, body: '{}' }))
    expect(await decide({ policies: [], claims: null })).toEqual(new Set())
    expect(asked).toEqual([])
  })

  test.each([
    ['fails', () => ({ status: 500, body: '{"granted":["a"]}' }), 'responded with status 500'],
    ['responds with no JSON', () => ({ status: 200, body: 'yes' }), 'JSON'],
    [
      'responds with another shape',
      () => ({ status: 200, body: '{"granted":true}' }),
      'without a list',
    ],
    [
      'responds with a large body',
      () => ({ status: 200, body: JSON.stringify({ granted: ['a', 'x'.repeat(65_536)] }) }),
      'more than 65536 bytes',
    ],
    ['responds with null', () => ({ status: 200, body: 'null' }), 'without a list'],
    ['takes too long', () => undefined, 'aborted'],
  ])('that %s denies', async (_name, answer, reason) => {
    const { decide } = await serviceThat(answer)
    expect(await decide({ policies: ['a'], claims: doctor })).toEqual(new Set())
    expect(failures).toEqual([expect.stringContaining(reason)])
  })
})
