/** `npm run check` with the usage that a running gateway reports, and with known operations. */
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { compose } from '../support/compose.ts'
import { projectFolder } from './support/project-folder.ts'
import type { ProjectFolder } from './support/project-folder.ts'
import { runScript } from './support/run-script.ts'

const url = 'http://127.0.0.1:9/'
const sdl = 'type Query { used: Int other: Int unused(text: String): Int }'
let folder: ProjectFolder
let issuer: TestIssuer
let gateway: RunningGateway
let usageUrl: string

beforeAll(async () => {
  folder = projectFolder({
    'supergraph.yaml': `subgraphs:\n  shop: { routing_url: "${url}", schema: { file: shop.graphql } }\n`,
    'supergraph.graphql': compose([{ name: 'shop', url, sdl }]),
  })
  issuer = await startIssuer()
  const issuers = [{ issuer: issuer.issuer, jwks_uri: issuer.jwksUri, audiences: ['portcullis'] }]
  gateway = await runGateway(
    [{ name: 'shop', url, sdl }],
    stringify({ authentication: { issuers }, metrics: { port: 0 } }),
  )
  const line = gateway.log.find((line) => line.includes('serving metrics'))!
  usageUrl = new URL('/usage', (JSON.parse(line) as { url: string }).url).href
  await send('{ used }', 'web', '1.4.2')
  await send('{ used other }', 'web', '1.4.2')
  await send('{ other }', 'ios', '3.0')
})
afterAll(async () => {
  await gateway?.close()
  await issuer?.close()
  folder?.remove()
})

async function send(query: string, name: string, version: string): Promise<void> {
  await fetch(gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'apollographql-client-name': name,
      'apollographql-client-version': version,
    },
    body: JSON.stringify({ query }),
  })
}

function check(schema: string, ...words: string[]) {
  folder.write('shop.graphql', schema)
  return runScript('check', words, {}, folder.path)
}

const today = () => new Date().toISOString().slice(0, 10)

test('a breaking change names the clients that it breaks, and fails', async () => {
  const { exitCode, stdout, stderr } = await check(
    'type Query { other: Int unused: Int }',
    '--usage',
    usageUrl,
    '--allow-unused',
  )
  expect(stderr).toContain(
    `error FIELD_REMOVED: Query.used was removed: used by web 1.4.2, last ${today()} (2 requests)\n`,
  )
  expect(stderr).toMatch(
    /warning ARG_REMOVED in subgraph shop: Query.unused arg text was removed: not used since \d{4}/,
  )
  expect(stdout).toMatch(/^usage of 3 requests from \S+Z to \S+Z\n1 error, 1 warning\n$/)
  expect(exitCode).toBe(1)
})

test('what no client uses fails the check, unless that is allowed', async () => {
  const saved = folder.at('usage.json')
  writeFileSync(saved, await (await fetch(usageUrl)).text())
  const without = 'type Query { used: Int other: Int }'
  // The gateway reports what is in the file as well: it does not count twice.
  const words = ['--usage', saved, '--usage', usageUrl, '--format', 'json']
  const failing = await check(without, ...words)
  expect(failing.exitCode).toBe(1)
  expect(JSON.parse(failing.stdout)).toMatchObject({
    passed: false,
    usage: { requests: 3, complete: true },
    findings: [{ code: 'FIELD_REMOVED', severity: 'error', usage: { outcome: 'not used' } }],
  })
  const passing = await check(without, ...words, '--allow-unused')
  expect(passing.exitCode).toBe(0)
  expect(JSON.parse(passing.stdout)).toMatchObject({
    passed: true,
    findings: [{ code: 'FIELD_REMOVED', severity: 'warning' }],
  })
})

test('--allow-unused needs the usage', async () => {
  expect(await check(sdl, '--allow-unused')).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: 'check: --allow-unused needs what clients use: give --usage FILE\n',
  })
})

test('what the known operations get is printed as text and JSON, and decides the exit code', async () => {
  folder.write('web.json', '{ "a1": "query Used { used }", "a2": "query Other { other }" }')
  const words = ['--operations', 'web.json']
  const broken = await check('type Query { other: Int unused(text: String): Int }', ...words)
  expect(broken).toMatchObject({
    exitCode: 1,
    stdout: '2 operations, 1 valid\n  cost 0: Other\n2 errors, 0 warnings\n',
  })
  expect(broken.stderr).toContain(
    'error OPERATION_BROKEN: the operation Used (a1) of web.json is not valid: Cannot query field "used" on type "Query".\n',
  )
  // The supergraph in the folder is that of before.
  const composed = [...words, '--supergraph', 'supergraph.graphql', '--format', 'json']
  const passing = await check('not read', ...composed)
  expect(passing).toMatchObject({ exitCode: 0, stderr: '' })
  expect(JSON.parse(passing.stdout)).toMatchObject({
    passed: true,
    operations: [
      {
        manifest: 'web.json',
        id: 'a1',
        name: 'Used',
        outcome: 'valid',
        errors: [],
        requires: [],
        cost: 0,
      },
      { manifest: 'web.json', id: 'a2', name: 'Other', outcome: 'valid' },
    ],
  })
  expect(await check(sdl, '--allow-new-requirements')).toMatchObject({
    exitCode: 1,
    stderr: 'check: --allow-new-requirements needs --operations FILE\n',
  })
})
