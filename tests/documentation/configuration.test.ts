/** docs/configuration.md names every setting with its true default, and every gateway.yaml of the documentation is valid. */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { configJsonSchema } from '../../gateway/configuration/config-json-schema.ts'
import { describeProblem } from '../../gateway/configuration/config-problem.ts'
import { checkConfig } from '../../gateway/configuration/read-config.ts'
import { renamedKeys } from '../../gateway/configuration/renamed-keys.ts'
import { subgraphSettings } from '../../gateway/configuration/subgraphs.ts'
import { runCompiled } from '../support/run-compiled.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { gatewayConfigs, tableRows } from './pages.ts'

const page = 'docs/configuration.md'
const folder = scratchFolder()
const run = promisify(execFile)

/** The least that a gateway.yaml must have. */
const leastIssuer = { issuer: 'https://id.example.com', discovery: true, audiences: ['portcullis'] }

/** An issuer that is asked about its tokens: it has no keys. */
const askedIssuer = {
  issuer: 'https://asked.example.com',
  discovery: undefined,
  introspection: {
    endpoint: 'https://asked.example.com/introspect',
    client_id: 'a',
    client_secret: 'b',
  },
}

/** The keys of gateway.yaml on the page: their full path, and their default if there is one. */
const documentedKeys = tableRows(page)
  .filter(({ heading }) => /^`|^Processes/.test(heading))
  .map(({ heading, cells }) => {
    const section = /^`(.+)`$/.exec(heading)?.[1]
    const [key, fallback] = cells.map((cell) => cell.replaceAll('`', ''))
    return { path: section ? `${section}.${key}` : key!, fallback }
  })

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly anyOf?: readonly Schema[]
  /** An old name of a key, which is still accepted. */
  readonly deprecated?: boolean
}

/** Returns the path of every key in the schema; NAME is a name that an operator chooses. */
function keysOf(schema: Schema, path = ''): string[] {
  const { properties = {}, items, additionalProperties, anyOf = [] } = schema
  return [
    ...Object.entries(properties)
      .filter(([, inner]) => inner.deprecated !== true)
      .flatMap(([key, inner]) => {
        const full = path ? `${path}.${key}` : key
        return [full, ...keysOf(inner, full)]
      }),
    ...(items ? keysOf(items, `${path}[]`) : []),
    ...(typeof additionalProperties === 'object'
      ? keysOf(additionalProperties, `${path}.NAME`)
      : []),
    ...anyOf.flatMap((alternative) => keysOf(alternative, path)),
  ]
}

const keys = [...new Set(keysOf(configJsonSchema() as Schema))]

test('every key of the schema is on the page, and no other', () => {
  const documented = documentedKeys.map(({ path }) => path)
  const innermost = keys.filter(
    (key) => !keys.some((other) => other.startsWith(`${key}.`) || other.startsWith(`${key}[`)),
  )
  expect(innermost.filter((key) => !documented.includes(key))).toEqual([])
  expect(documented.filter((key) => !keys.includes(key))).toEqual([])
})

/** A file in which every optional section is present, so that the defaults of its keys apply. */
function everySection(): Record<string, unknown> {
  const revocation = { status_lists: ['https://id.example.com/lists/'] }
  return {
    authentication: {
      issuers: [
        { ...leastIssuer, revocation },
        { ...leastIssuer, ...askedIssuer },
      ],
      api_keys: { token_endpoint: 'https://id.example.com/token' },
    },
    claims: { subgraphs: { NAME: {} } },
    authorization: { policies: { file: 'policies.mjs' } },
    subgraphs: { NAME: {} },
    operations: { manifests: [{ from: 'operations.json' }], automatic: {} },
    http: { cors: { origins: ['https://app.example.com'] } },
    subscriptions: { callback: { public_url: 'http://127.0.0.1:4010/callback', port: 4010 } },
    metrics: { port: 9464 },
    limits: { cost: { max: 1000 } },
    rates: {
      rules: [{ by: 'subject', limit: 1, per: '1m' }],
      store: { redis: 'redis://127.0.0.1' },
    },
  }
}

/** Sets the value at a path such as `authentication.issuers[].required`. */
function set(content: Record<string, unknown>, path: string, value: unknown): void {
  const index = path.includes('.introspection.') ? '.1' : '.0'
  const steps = path.replaceAll('[]', index).split('.')
  const last = steps.pop()!
  let place = content
  for (const step of steps) place = (place[step] ??= {}) as Record<string, unknown>
  place[last] = value
}

function settingsFrom(content: Record<string, unknown>): unknown {
  const path = join(folder, 'defaults.yaml')
  writeFileSync(path, stringify(content))
  const reading = checkConfig(path, {})
  if (reading.outcome === 'invalid') throw new Error(reading.problems.map(describeProblem).join())
  const { subgraphs, ...config } = reading.config
  return { ...config, subgraph: subgraphSettings(subgraphs, 'NAME') }
}

const defaults = documentedKeys.filter(({ fallback }) => fallback !== '')

test.each(defaults)('$path has the default $fallback', ({ path, fallback }) => {
  const content = everySection()
  const implied = settingsFrom(content)
  set(content, path, parse(fallback!))
  expect(settingsFrom(content)).toEqual(implied)
})

const configs = gatewayConfigs()

/** Completes a part of a gateway.yaml, and makes the files that it refers to. */
function completed(text: string): { path: string; environment: Record<string, string> } {
  const local = text.replaceAll('${file./', '${file.')
  const content = parse(local) as Record<string, Record<string, unknown>>
  content.authentication = { issuers: [leastIssuer], ...content.authentication }
  for (const [, file] of local.matchAll(/\$\{file\.([^}]+)\}/g)) {
    mkdirSync(dirname(join(folder, file!)), { recursive: true })
    writeFileSync(join(folder, file!), 'the text of the file')
  }
  const path = join(folder, 'gateway.yaml')
  writeFileSync(path, stringify(content))
  const environment = {
    TOKEN_ISSUER: 'https://id.example.com',
    HIVE_KEY: 'a key',
    COLLECTOR_TOKEN: 'a token',
    SUPABASE_JWT_SECRET_BASE64URL: Buffer.alloc(32).toString('base64url'),
    POD_IP: '127.0.0.1',
  }
  return { path, environment }
}

test.each(configs)('$page, line $line: the gateway.yaml is valid', ({ text }) => {
  const { path, environment } = completed(text)
  const reading = checkConfig(path, environment)
  expect(reading.outcome === 'invalid' ? reading.problems.map(describeProblem) : []).toEqual([])
  expect(reading.warnings.map(describeProblem)).toEqual([])
})

test('the page lists every renamed key', () => {
  const rows = tableRows(page).filter(({ heading }) => heading === 'Renamed keys')
  const listed = rows.map(({ cells }) => cells.map((cell) => cell.replaceAll('`', '')))
  expect(Object.fromEntries(listed)).toEqual(
    Object.fromEntries(
      Object.entries(renamedKeys).map(([path, current]) => [
        path.replace('.issuers.*', '.issuers[]').replace('.*', '.NAME'),
        current,
      ]),
    ),
  )
})

test('each section of gateway.yaml has an example', () => {
  const sections = new Set(configs.flatMap(({ content }) => Object.keys(content)))
  const all = keys.filter((key) => !/[.[]/.test(key))
  expect(all.filter((section) => !sections.has(section))).toEqual([])
})

test('`npm run config -- check` accepts the production file without a warning', async () => {
  const [production] = configs.filter(
    ({ text }) => text.includes('workers:') && text.includes('metrics:'),
  )
  const { path, environment } = completed(production!.text)
  const command = runCompiled('scripts/config', 'check', path)
  const env = { ...process.env, ...environment }
  expect(await run(process.execPath, command, { env })).toEqual({
    stdout: `${path} is valid\n`,
    stderr: '',
  })
})

test('every environment variable that a process names with --help is on the page, and no other', async () => {
  const modules = ['gateway/main', 'subgraphs/auth/main', 'subgraphs/users/main']
  const usages = await Promise.all(
    modules.map((module) => run(process.execPath, runCompiled(module, '--help'))),
  )
  const named = usages.flatMap(({ stdout }) => [
    ...[...stdout.matchAll(/^ {2}([A-Z][A-Z_]+)/gm)].map(([, name]) => name!),
    ...(/^Environment: (.*)\.$/m.exec(stdout)?.[1]?.split(/, | or /) ?? []),
  ])
  const documented = tableRows(page)
    .filter(({ heading }) => heading === 'Environment variables')
    .map(({ cells }) => cells[0]!.replaceAll('`', ''))
  const variables = new Set(named.filter((name) => !name.endsWith('_FILE')))
  expect([...variables].sort()).toEqual([...documented].sort())
})
