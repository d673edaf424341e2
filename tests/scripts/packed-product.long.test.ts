/** The product as a package: `npm pack`, `npm install` in an empty folder, `npx portcullis`. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { send } from '../../scripts/walkthrough/send.ts'
import { optionalPackages } from '../../subgraphs/kit/process/optional-packages.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'
import { repository, startLine } from './support/run-script.ts'
import type { ScriptRun } from './support/run-script.ts'

const run = promisify(execFile)
const folder = scratchFolder()
const home = join(folder, 'home')
const started: ScriptRun[] = []
let tarball: string

const freePorts = { GATEWAY_PORT: '0', AUTH_PORT: '0', USERS_PORT: '0' }

beforeAll(async () => {
  tarball = await packed()
  await install(home)
}, 300_000)

afterAll(async () => {
  for (const { process } of started) process.kill('SIGTERM')
  for (const { ended } of started) await ended
})

/** As `npm pack` makes it in a checkout, which it builds first. */
async function packed(): Promise<string> {
  const checkout = join(folder, 'checkout')
  for (const name of readdirSync(repository)) {
    if (name.startsWith('.') || ['node_modules', 'dist', 'tests'].includes(name)) continue
    cpSync(join(repository, name), join(checkout, name), {
      recursive: true,
      filter: (path) => !['dist', 'node_modules', 'peers'].includes(basename(path)),
    })
  }
  symlinkSync(join(repository, 'node_modules'), join(checkout, 'node_modules'))
  const words = ['pack', '--silent', '--pack-destination', folder]
  const { stdout } = await run('npm', words, { cwd: checkout })
  return join(folder, stdout.trim().split('\n').at(-1)!)
}

async function install(place: string, ...options: string[]): Promise<void> {
  mkdirSync(place)
  const quick = ['--prefer-offline', '--no-audit', '--no-fund']
  await run('npm', ['install', ...quick, ...options, tarball], { cwd: place })
}

/** Starts `npx portcullis` with these words. */
function startPortcullis(words: string, environment = {}, cwd = home): ScriptRun {
  const command = startLine(
    `${join(home, 'node_modules/.bin/portcullis')} ${words}`,
    cwd,
    environment,
  )
  started.push(command)
  return command
}

/** Returns what a command printed, when it has ended. */
async function portcullis(words: string, environment = {}, cwd = home) {
  const command = startPortcullis(words, environment, cwd)
  const exitCode = await command.ended
  return { exitCode, stdout: command.stdout, stderr: command.stderr }
}

const commands = [
  ...['start', 'gateway', 'auth', 'users', 'compose', 'check', 'explain', 'explain-token'],
  ...['config', 'keys', 'admin', 'walkthrough'],
]

test('the package has the built product and its pages, and no tests, benchmarks or sources', async () => {
  const { stdout } = await run('tar', ['-tzf', tarball])
  const files = stdout.trim().split('\n')
  const expected =
    /^package\/(?:package\.json|LICENSE|(?:README|CHANGELOG|SECURITY)\.md|docs\/[\w-]+\.md|docs\/pictures\/\w+\.(?:svg|png)|dist\/(?:supergraph\.yaml|gateway\/gateway\.yaml|subgraphs\/(?:auth|users)\/schema\.graphql|gateway\/console\/(?:page\.css|icon\.svg|licenses\.txt)|(?:gateway|subgraphs|scripts)\/.*\.js))$/
  expect(files.filter((file) => !expected.test(file))).toEqual([])
  expect(files.filter((file) => /^package\/dist\/.*(?:bench|fuzz|test)/.test(file))).toEqual([
    'package/dist/subgraphs/kit/testing.js',
  ])
  expect(files).toContain('package/dist/gateway/console/licenses.txt')
  expect(statSync(tarball).size).toBeLessThan(1_200_000)
})

test('in an empty folder, `portcullis start` runs the system, and the lines that it prints work', async () => {
  const before = readdirSync(join(home, 'node_modules'), { recursive: true }).length
  const system = startPortcullis('start', freePorts)
  await until(() => system.stdout.includes('A bad token is refused:'), { atMost: 60_000 })
  const [login, token, userData, refused] = system.stdout.match(/^  (?:curl|TOKEN=).*$/gm)!
  const shell = async (line: string) => (await run('sh', ['-c', line])).stdout
  expect(JSON.parse(await shell(login!))).toMatchObject({ data: { login: { expiresIn: 300 } } })
  expect(JSON.parse(await shell(`${token}\n${userData}`))).toMatchObject({
    data: { userData: { name: 'Alice' } },
  })
  expect(await shell(refused!)).toContain('401 Unauthorized')

  system.process.kill('SIGTERM')
  expect(await system.ended).toBe(0)
  expect(readdirSync(home).sort()).toEqual([
    '.data',
    'node_modules',
    'package-lock.json',
    'package.json',
  ])
  expect(existsSync(join(home, '.data/auth.db'))).toBe(true)
  expect(readdirSync(join(home, 'node_modules'), { recursive: true })).toHaveLength(before)
})

test('each command has --help, in the words of the package', async () => {
  const { stdout } = await portcullis('--help')
  expect(stdout).toMatch(/^Usage: portcullis COMMAND/)
  expect([...stdout.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name]) => name)).toEqual(commands)
  for (const name of commands) {
    const help = await portcullis(`${name} --help`)
    expect({ name, ...help }).toMatchObject({ name, exitCode: 0, stderr: '' })
    expect(help.stdout).toMatch(new RegExp(`^Usage: portcullis ${name}\\b`, 'm'))
    expect(help.stdout).not.toContain('npm ')
  }
})

test('the version is that of the package; an unknown command is refused in one line', async () => {
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    version: string
  }
  expect((await portcullis('--version')).stdout).toBe(`${version}\n`)
  const refusals = [
    ['', 'the command is missing: see --help'],
    ['strat', 'unknown command "strat": did you mean start? see --help'],
    ['explain_token', 'unknown command "explain_token": did you mean explain-token? see --help'],
    ['constructor', 'unknown command "constructor": see --help'],
    ['--nope', 'unknown command "--nope": see --help'],
  ]
  for (const [words, line] of refusals) {
    expect(await portcullis(words!)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `portcullis: ${line}\n`,
    })
  }
})

test('compose, check and keys work on the list of subgraphs in the current folder', async () => {
  const own = join(folder, 'own')
  mkdirSync(own)
  const missing = await portcullis('gateway --port 0', {}, own)
  expect(missing.stderr).toContain('make it with `portcullis compose`')
  writeFileSync(join(own, 'reviews.graphql'), 'type Query { reviews: [String!]! }')
  writeFileSync(
    join(own, 'supergraph.yaml'),
    'subgraphs:\n  reviews:\n    routing_url: http://127.0.0.1:4003/graphql\n    schema: { file: reviews.graphql }\n',
  )
  expect(await portcullis('compose', {}, own)).toMatchObject({
    exitCode: 0,
    stdout: 'supergraph.graphql is composed of 1 subgraph: reviews\n',
  })
  expect(await portcullis('check', {}, own)).toMatchObject({ exitCode: 0 })
  expect((await portcullis('keys claims-key reviews', {}, own)).stdout).toMatch(/^[\w-]{43}\n$/)
  const unknown = await portcullis('keys claims-key users', {}, own)
  expect(unknown.stderr).toContain('supergraph.yaml has no subgraph "users", only reviews')
})

test('without the packages of auth the gateway serves, with policies of its operator, and other commands name each', async () => {
  const place = join(folder, 'gateway-alone')
  await install(place, '--omit=optional')
  const bin = join(place, 'node_modules/.bin/portcullis')
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const [, policies = ''] =
    /```js\n(export default \{[^]*?)```/.exec(
      readFileSync(join(repository, 'docs/authorization.md'), 'utf8'),
    ) ?? []
  const files = {
    'policies.mjs': policies,
    'reviews.graphql': `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@policy"])
      type Query { reviews: [String!] @policy(policies: [["is their doctor"]]) }`,
    'supergraph.yaml': JSON.stringify({
      subgraphs: {
        reviews: {
          routing_url: 'http://127.0.0.1:1/graphql',
          schema: { file: 'reviews.graphql' },
        },
      },
    }),
    'gateway.yaml': JSON.stringify({
      authentication: {
        issuers: [
          {
            issuer: 'https://id.test',
            jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: '1', alg: 'ES256' }] },
            audiences: ['portcullis'],
          },
        ],
      },
      authorization: { policies: { file: 'policies.mjs' } },
    }),
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text)
  const composing = startLine(`${bin} compose`, place)
  expect({ exitCode: await composing.ended, stderr: composing.stderr }).toEqual({
    exitCode: 0,
    stderr: '',
  })
  const gateway = startLine(`${bin} gateway --port 0 --config gateway.yaml`, place)
  started.push(gateway)
  const url = await until(() => /listening on (\S+)/.exec(gateway.stdout)?.[1])
  const codeFor = async (role: string) => {
    const token = new SignJWT({ role }).setProtectedHeader({
      alg: 'ES256',
      kid: '1',
      typ: 'at+jwt',
    })
    token.setIssuer('https://id.test').setAudience('portcullis').setSubject('1').setJti('1')
    const signed = await token.setIssuedAt().setExpirationTime('5m').sign(privateKey)
    const { errors } = await send(url, { query: '{ reviews }' }, signed)
    return errors.map(({ extensions }) => extensions?.code)
  }
  expect(await codeFor('nurse')).toEqual(['UNAUTHORIZED_FIELD_OR_TYPE'])
  expect(await codeFor('doctor')).toEqual(['SUBGRAPH_UNREACHABLE'])

  const names = optionalPackages.join(', ')
  for (const words of ['auth', 'users', 'admin create ann', 'keys list', 'start', 'walkthrough']) {
    const command = startLine(`${bin} ${words}`, place, freePorts)
    expect(await command.ended).toBe(1)
    expect(command.output).toBe(
      `${words.split(' ')[0]}: these packages are not installed: ${names}. Install Portcullis without --omit=optional; only \`portcullis gateway\` and what reads no database works without them\n`,
    )
  }
  for (const name of commands) {
    const command = startLine(`${bin} ${name} --help`, place)
    expect({ name, exitCode: await command.ended, stderr: command.stderr }).toEqual({
      name,
      exitCode: 0,
      stderr: '',
    })
  }
}, 300_000)
