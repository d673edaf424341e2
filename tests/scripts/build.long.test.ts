/** `npm run build`: what production runs, and the kit as other repositories install it. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { send } from '../../scripts/walkthrough/send.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import { until } from '../support/until.ts'
import { repository, startProcess } from './support/run-script.ts'
import type { ScriptRun } from './support/run-script.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'portcullis-build-'))
const product = join(folder, 'product')
const started: ScriptRun[] = []

beforeAll(async () => {
  for (const source of ['gateway', 'subgraphs', 'scripts']) {
    cpSync(join(repository, source), join(product, source), {
      recursive: true,
      filter: (path) => !['dist', 'node_modules'].includes(basename(path)),
    })
  }
  for (const file of ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'supergraph.yaml']) {
    cpSync(join(repository, file), join(product, file))
  }
  symlinkSync(join(repository, 'node_modules'), join(product, 'node_modules'))
  await run(process.execPath, ['scripts/build.mjs'], { cwd: product })
})

afterAll(async () => {
  for (const { process } of started) process.kill('SIGTERM')
  for (const { ended } of started) await ended
  rmSync(folder, { recursive: true })
})

/** Starts a compiled module in production and returns where it listens. */
async function listening(
  module: string,
  environment: Readonly<Record<string, string>>,
  words: readonly string[] = [],
): Promise<string> {
  const process = startProcess([join(product, 'dist', module), ...words], folder, {
    NODE_ENV: 'production',
    ...environment,
  })
  started.push(process)
  const failed = process.ended.then((code) => {
    throw new Error(`${module} ended with ${code}: ${process.stderr}`)
  })
  await Promise.race([until(() => process.stdout.includes('listening on')), failed])
  failed.catch(() => {})
  return process.stdout.trim().split(' ').at(-1)!
}

test('compiled processes run in production with configured secrets, and nobody has an account', async () => {
  const secret = 'a gateway secret that only this test knows'
  const claimsKey = (name: string) =>
    Buffer.from(deriveClaimsKey(secret, name)).toString('base64url')
  const auth = await listening('subgraphs/auth/main.js', {
    AUTH_PORT: '0',
    DATA_DIR: join(folder, 'data'),
    TOKEN_ISSUER: 'https://issuer.test',
    CLAIMS_KEY: claimsKey('auth'),
    KEY_ENCRYPTION_SECRET: 'a secret of at least thirty-two characters',
  })
  const ports = { AUTH_PORT: new URL(auth).port, TOKEN_ISSUER: 'https://issuer.test' }
  const supergraph = join(folder, 'supergraph.graphql')
  const compose = join(product, 'dist/scripts/compose.js')
  await run(process.execPath, [compose, '--output', supergraph], {
    cwd: product,
    env: { ...process.env, ...ports },
  })
  const gateway = await listening('gateway/main.js', { ...ports, GATEWAY_SECRET: secret }, [
    '--port',
    '0',
    '--supergraph',
    supergraph,
    '--config',
    join(product, 'dist/gateway/gateway.yaml'),
  ])
  const query = 'mutation { login(username: "alice", password: "secret") { token } }'
  expect(await send(gateway, { query })).toMatchObject({
    data: { login: null },
    errors: [{ extensions: { code: 'INVALID_CREDENTIALS' } }],
  })
})

test('in production a process lists everything that it misses, and makes nothing', async () => {
  const process = startProcess([join(product, 'dist/subgraphs/auth/main.js')], folder, {
    NODE_ENV: 'production',
  })
  expect(await process.ended).toBe(1)
  for (const name of ['TOKEN_ISSUER', 'DATABASE_URL', 'CLAIMS_KEY', 'KEY_ENCRYPTION_SECRET']) {
    expect(process.stderr).toContain(`\n  - ${name} is not set`)
  }
})

const foreignSubgraph = `
import { requireClaims, serveSubgraph } from '@portcullis/kit'
import { gatewayHeaders } from '@portcullis/kit/testing'
import { parse } from 'graphql'

const key: Uint8Array = new Uint8Array(32)
const subgraph = await serveSubgraph({
  name: 'reviews',
  typeDefs: parse('type Query { mine: String }'),
  resolvers: { Query: { mine: (_parent, _args, context) => 'of ' + requireClaims(context).sub } },
  keys: [key],
  host: '127.0.0.1',
  port: 0,
  portSetting: 'REVIEWS_PORT',
})
const ask = async (headers: Record<string, string>) => {
  const response = await fetch(subgraph.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: '{ mine }' }),
  })
  return [response.status, (await response.json()).data ?? null]
}
console.log(JSON.stringify([await ask(gatewayHeaders('reviews', key, { sub: '7' })), await ask({})]))
await subgraph.close()
`

test('a subgraph in another repository imports the packed kit, with its types', async () => {
  const foreign = join(folder, 'reviews')
  const modules = join(foreign, 'node_modules')
  const kit = join(modules, '@portcullis/kit')
  mkdirSync(kit, { recursive: true })
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
    cwd: join(product, 'subgraphs/kit'),
  })
  const archive = join(folder, stdout.trim())
  await run('tar', ['-xzf', archive, '-C', kit, '--strip-components=1'])
  for (const name of [
    '@apollo/server',
    '@apollo/subgraph',
    'express',
    'graphql',
    'jose',
    '@types',
  ]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(repository, 'node_modules', name), join(modules, name))
  }
  writeFileSync(join(foreign, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(foreign, 'subgraph.ts'), foreignSubgraph)
  const strict = ['--strict', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck']
  await run(
    process.execPath,
    [join(repository, 'node_modules/typescript/bin/tsc'), ...strict, 'subgraph.ts'],
    {
      cwd: foreign,
    },
  )
  const answer = await run(process.execPath, ['subgraph.js'], { cwd: foreign })
  expect(JSON.parse(answer.stdout)).toEqual([
    [200, { mine: 'of 7' }],
    [401, null],
  ])
})
