/** `npm run build`: what production runs. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { send } from '../../scripts/walkthrough/send.ts'
import { freePort } from '../support/free-port.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { until } from '../support/until.ts'
import { repository, startLine, startProcess } from './support/run-script.ts'
import type { ScriptRun } from './support/run-script.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'portcullis-build-'))
const product = join(folder, 'product')
const started: ScriptRun[] = []
let issuer: TestIssuer | undefined

/** The lines of the production section of docs/operations.md, without their comments and final `&`. */
const [, productionSection = ''] =
  /\n## Production\n[^]*?```sh\n([^]*?)```/.exec(
    readFileSync(join(repository, 'docs/operations.md'), 'utf8'),
  ) ?? []
const lines = productionSection
  .trim()
  .split('\n')
  .map((line) => line.replace(/\s+#.*/, '').replace(/ &$/, ''))

/** Returns the line with these words, which must be one of that section. */
function documented(words: string): string {
  const found = lines.filter((line) => line.includes(words))
  expect([words, found.length]).toEqual([words, 1])
  return found[0]!
}

/** Returns the lines that make the secrets and set the environment, up to the one with these words. */
function linesBefore(words: string): string {
  return lines
    .slice(lines.indexOf(documented('umask')), lines.indexOf(documented(words)))
    .join('\n')
}

/** Runs lines of a shell in the product; returns the environment that they leave. */
async function environmentOf(script: string): Promise<Record<string, string>> {
  const print = `node -p 'JSON.stringify(process.env)'`
  const { stdout } = await run('sh', ['-c', `set -e\n${script}\n${print}`], { cwd: product })
  return JSON.parse(stdout.trim().split('\n').at(-1)!)
}

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
  cpSync(join(repository, 'tsconfig.run.json'), join(product, 'tsconfig.run.json'))
  const [install, build] = documented('run build').split(' && ')
  expect(install).toBe('npm ci')
  installPackages('all')
  await run('sh', ['-c', build!], { cwd: product })
  documented('npm ci --omit=dev')
  installPackages('production')
})

afterAll(async () => {
  for (const { process } of started) process.kill('SIGTERM')
  for (const { ended } of started) await ended
  await issuer?.close()
  rmSync(folder, { recursive: true })
})

/** As `npm ci` would, with or without the development dependencies, from what is installed here. */
function installPackages(which: 'all' | 'production'): void {
  const modules = join(product, 'node_modules')
  rmSync(modules, { recursive: true, force: true })
  const { packages } = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>
  }
  for (const [path, { dev = false }] of Object.entries(packages)) {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? []
    const installed = join(repository, path)
    if (name === undefined || !existsSync(installed) || (dev && which === 'production')) continue
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(installed, join(modules, name))
  }
}

/** Starts a line of that section and returns where the process listens. */
async function listening(
  line: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const process = startLine(line, product, environment)
  started.push(process)
  const failed = process.ended.then((code) => {
    throw new Error(`${line} ended with ${code}: ${process.stderr}`)
  })
  await Promise.race([until(() => process.stdout.includes('listening on')), failed])
  failed.catch(() => {})
  return process.stdout.trim().split(' ').at(-1)!
}

test('the commands of the production section run the built product, without an account until one is made', async () => {
  await run('sh', ['-c', documented('cp gateway/gateway.yaml')], { cwd: product })
  const port = String(await freePort())
  const exported = await environmentOf(
    linesBefore('dist/subgraphs/auth/').replace(
      'http://127.0.0.1:4001',
      `http://127.0.0.1:${port}`,
    ),
  )
  const free = { AUTH_PORT: port, USERS_PORT: '0', GATEWAY_PORT: '0' }
  const [, users] = await Promise.all(
    ['auth', 'users'].map((name) =>
      listening(documented(`dist/subgraphs/${name}/`), { ...exported, ...free }),
    ),
  )
  const ports = { AUTH_PORT: port, USERS_PORT: new URL(users!).port }
  await run('sh', ['-c', documented('npm run compose')], {
    cwd: product,
    env: { ...process.env, ...ports },
  })
  const gateway = await listening(documented('dist/gateway/main.js'), {
    ...exported,
    ...ports,
    GATEWAY_PORT: '0',
  })
  const query = 'mutation { login(username: "alice", password: "secret") { token } }'
  expect(await send(gateway, { query })).toMatchObject({
    data: { login: null },
    errors: [{ extensions: { code: 'INVALID_CREDENTIALS' } }],
  })

  const ready = documented('curl').replace('http://127.0.0.1:4000', new URL(gateway).origin)
  await until(async () => (await run('sh', ['-c', ready])).stdout.trim() === '{"status":"ready"}')
  const password = 'purple kangaroo sings'
  const typed = `echo '${password}' | ${documented('npm run admin')}`
  await run('sh', ['-c', typed], { cwd: product, env: exported })
  const asAlice = await send(gateway, { query: query.replace('secret', password) })
  expect(asAlice.data).toEqual({ login: { token: expect.any(String) } })
})

test('in production a process lists everything that it misses, and makes nothing', async () => {
  const line = documented('dist/subgraphs/auth/main.js').replace(/^CLAIMS_KEY_FILE=\S+ /, '')
  const process = startLine(line, product, { NODE_ENV: 'production' })
  expect(await process.ended).toBe(1)
  for (const name of ['TOKEN_ISSUER', 'DATABASE_URL', 'CLAIMS_KEY', 'KEY_ENCRYPTION_SECRET']) {
    expect(process.stderr).toContain(`\n  - ${name} is not set`)
  }
})

test('SIGHUP takes up the gateway.yaml of the checkout, and says what needs a restart', async () => {
  const supergraph = join(folder, 'sighup.graphql')
  await run('sh', ['-c', `npm run compose -- --output ${supergraph}`], { cwd: product })
  const file = join(product, 'gateway/gateway.yaml')
  const text = readFileSync(file, 'utf8')
  issuer = await startIssuer()
  const authentication = {
    issuers: [{ issuer: issuer.issuer, jwks_uri: issuer.jwksUri, audiences: ['portcullis'] }],
  }
  const standalone = text.replace(
    /authentication:\n[^]*?(?=\nclaims:)/,
    `authentication: ${JSON.stringify(authentication)}`,
  )
  writeFileSync(file, standalone)
  const gateway = startLine(
    `node scripts/run-compiled.mjs gateway/main --supergraph ${supergraph} --port 0`,
    product,
    {
      DATA_DIR: join(folder, 'data'),
    },
  )
  started.push(gateway)
  const url = await until(() => /listening on (\S+)/.exec(gateway.stdout)?.[1])
  const realm = async () => {
    const { headers } = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer x' },
      body: '{"query":"{ __typename }"}',
    })
    return headers.get('www-authenticate')
  }
  expect(await realm()).not.toContain('another realm')

  writeFileSync(file, `${standalone}\nworkers: 2\nhttp: { realm: another realm }\n`)
  gateway.process.kill('SIGHUP')
  await until(() => gateway.stderr.includes('these settings need a restart'))
  expect(await realm()).toContain('another realm')
  const log = gateway.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(log).toContainEqual(
    expect.objectContaining({ msg: 'serving with the new configuration', config: file }),
  )
  expect(log).toContainEqual(expect.objectContaining({ settings: ['workers'] }))
  writeFileSync(file, text)
})

const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}
const commands = Object.keys(scripts).filter((name) => /^exec |build\.mjs/.test(scripts[name]!))
const development = ['bench', 'build', 'fuzz']

test('without development dependencies every command prints --help, or says in one line that it needs them', async () => {
  expect(commands.length).toBeGreaterThan(12)
  for (const name of commands) {
    const words = name === 'build' ? '' : ' -- --help'
    const command = startLine(`npm run --silent ${name}${words}`, product)
    const exitCode = await command.ended
    if (development.includes(name)) {
      expect({ name, exitCode, stdout: command.stdout }).toEqual({ name, exitCode: 1, stdout: '' })
      expect(command.stderr).toMatch(/^\S+: .* run `npm ci`, which installs the development .*\n$/)
    } else {
      expect({ name, exitCode, stderr: command.stderr }).toEqual({ name, exitCode: 0, stderr: '' })
      expect(command.stdout).toMatch(/^Usage: npm /m)
    }
  }
})

test('where node_modules cannot be written, the build runs in the presence of a compiler too', async () => {
  installPackages('all')
  const cache = join(product, 'node_modules/.cache')
  writeFileSync(cache, 'no folder can be made here')
  const command = startLine('npm run --silent keys -- --help', product)
  expect({ exitCode: await command.ended, stderr: command.stderr }).toEqual({
    exitCode: 0,
    stderr: '',
  })

  const file = join(product, 'scripts/keys.ts')
  const source = readFileSync(file, 'utf8')
  writeFileSync(file, `${source}\n`)
  const changed = startLine('npm run --silent keys -- --help', product)
  const exitCode = await changed.ended
  writeFileSync(file, source)
  expect(exitCode).toBe(1)
  expect(changed.stderr).toMatch(
    /^keys: the sources cannot be compiled to node_modules\/.cache\/portcullis \(E[A-Z]+\): run `npm run build` .*\n$/,
  )
  installPackages('production')
})

test('a build of other sources does not run in their place', async () => {
  const file = join(product, 'scripts/keys.ts')
  const source = readFileSync(file, 'utf8')
  writeFileSync(file, `${source}\n`)
  const command = startLine('npm run --silent keys -- --help', product)
  const exitCode = await command.ended
  writeFileSync(file, source)
  expect({ exitCode, output: command.output }).toEqual({
    exitCode: 1,
    output:
      'keys: the sources have changed since dist/ was built: run `npm ci && npm run build`, then `npm ci --omit=dev`\n',
  })
})

test('npm run build prints --help, and refuses unknown options', async () => {
  const build = async (...words: string[]) => {
    const { stdout, stderr, ended } = await finished(['scripts/build.mjs', ...words])
    return { exitCode: await ended, stdout, stderr }
  }
  expect(await build('--help')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^Usage: npm run build\n/),
  })
  for (const word of ['--hlep', 'dist']) {
    expect(await build(word)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `build: Unknown option ${JSON.stringify(word)}: see --help\n`,
    })
  }
})

async function finished(words: readonly string[]): Promise<ScriptRun> {
  const process = startProcess(words, product, {})
  await process.ended
  return process
}
