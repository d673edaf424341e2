/** The image is built from deploy/Dockerfile, and its processes run as they would in production. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, statfsSync } from 'node:fs'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { freePort } from '../support/free-port.ts'
import { postgresServer } from '../support/postgres.ts'
import { runCompiled } from '../support/run-compiled.ts'
import { until } from '../support/until.ts'
import { buildImage, listeningAt, removeImage, runContainer, toolsOfTheImage } from './image.ts'
import type { Container, Image } from './image.ts'
import { whyNot } from './missing-tools.ts'

const reason = whyNot('the image', toolsOfTheImage, true)
const minutes = 60_000
const deploy = fileURLToPath(new URL('../../deploy/', import.meta.url))

/** A process is killed after this time in compose.yaml, Kubernetes and systemd. */
const grace = 40_000

const describeImage = reason === undefined ? describe : describe.skip

describeImage('the image', () => {
  const folder = mkdtempSync(join(roomyFolder(), 'portcullis-image-'))
  const containers: Container[] = []
  let image: Image
  let server: string

  beforeAll(async () => {
    const postgres = await postgresServer()
    if ('failure' in postgres) throw new Error(postgres.failure)
    server = postgres.url
    image = await buildImage(folder)
  }, 15 * minutes)

  afterAll(() => {
    for (const container of containers) container.remove()
    removeImage(folder)
  })

  function run(name: string, options: Omit<Parameters<typeof runContainer>[2], 'folder'>) {
    const container = runContainer(image, name, { ...options, folder: join(folder, 'containers') })
    containers.push(container)
    return container
  }

  test('runs node itself, as a user without a name, and says what to ask and how to stop', () => {
    expect(image.config).toMatchObject({
      User: '10001:10001',
      StopSignal: 'SIGTERM',
      WorkingDir: '/app',
      Healthcheck: { Test: ['CMD', 'node', '/app/deploy/ready.mjs', '4000'] },
    })
    expect(image.config.Entrypoint[0]).toBe('node')
    expect(image.config.Env).toContain('NODE_ENV=production')
  })

  test('has what runs, and nothing of the build', () => {
    const has = (path: string) => existsSync(join(image.root, 'app', path))
    expect(
      ['dist/scripts/portcullis.js', 'deploy/ready.mjs', 'node_modules/graphql'].filter(has),
    ).toHaveLength(3)
    expect(
      ['node_modules/typescript', 'node_modules/jest', 'tests', 'gateway', '.git'].filter(has),
    ).toEqual([])
    expect(image.config.Env.filter((line) => /CERT|npm|proxy/i.test(line))).toEqual([])
  })

  test('each command explains itself', async () => {
    const help = run('help', { words: ['gateway', '--help'] })
    expect(await help.ended).toBe(0)
    expect(help.output()).toContain('GATEWAY_SECRET_FILE')
  })

  test('logs in, reads userData, writes nowhere else than allowed, and stops in time', async () => {
    const secrets = await makeSecrets()
    const secret = (...names: string[]) =>
      names.map((name) => ({ from: join(secrets, name), to: `/run/secrets/${name}` }))
    const common = { HOST: '127.0.0.1', TOKEN_ISSUER: 'https://id.example.com' }
    // Its tokens name the address at which the gateway finds their status.
    const authPort = String(await freePort())
    const auth = run('auth', {
      words: ['auth'],
      env: {
        ...common,
        AUTH_PORT: authPort,
        CLAIMS_KEY_FILE: '/run/secrets/auth-claims-key',
        KEY_ENCRYPTION_SECRET_FILE: '/run/secrets/key-encryption-secret',
        DATABASE_URL_FILE: '/run/secrets/auth-database-url',
        TOKEN_STATUS_URL: `http://127.0.0.1:${authPort}`,
      },
      mounts: secret('auth-claims-key', 'key-encryption-secret', 'auth-database-url'),
    })
    const users = run('users', {
      words: ['users'],
      env: {
        ...common,
        USERS_PORT: '0',
        CLAIMS_KEY_FILE: '/run/secrets/users-claims-key',
        DATABASE_URL_FILE: '/run/secrets/users-database-url',
      },
      mounts: secret('users-claims-key', 'users-database-url'),
    })
    const urls = await Promise.all([auth, users].map(listeningAt))
    const [AUTH_URL, USERS_URL] = urls.map((url) => new URL(url).origin) as [string, string]

    const composed = ownFolder('composed')
    const composing = run('compose', {
      words: [
        'compose',
        '--config',
        'deploy/config/supergraph.yaml',
        '--output',
        '/data/supergraph.graphql',
      ],
      env: { AUTH_URL, USERS_URL },
      mounts: [{ from: composed, to: '/data', writable: true }],
    })
    expect([await composing.ended, composing.output()]).toEqual([0, expect.any(String)])

    const gateway = run('gateway', {
      words: [
        'gateway',
        '--config',
        'deploy/config/gateway.yaml',
        '--supergraph',
        '/supergraph/supergraph.graphql',
      ],
      env: {
        ...common,
        AUTH_URL,
        GATEWAY_PORT: '0',
        METRICS_PORT: '0',
        GATEWAY_SECRET_FILE: '/run/secrets/gateway-secret',
      },
      mounts: [
        ...secret('gateway-secret'),
        { from: composed, to: '/supergraph' },
        { from: ownFolder('gateway-data'), to: '/data', writable: true },
      ],
    })
    const url = await listeningAt(gateway)
    const { port } = new URL(url)
    await until(() => gateway.exec(['node', '/app/deploy/ready.mjs', port]).status === 0)
    expect(gateway.exec(['node', '/app/deploy/ready.mjs', '1'])).toEqual({
      status: 1,
      output: expect.stringContaining('nothing responds on port 1'),
    })

    expect(await loginAndReadUserData(url)).toEqual({ userData: { id: expect.any(String) } })

    const tried = gateway.exec(['node', '--eval', whereWritable])
    expect(JSON.parse(tried.output)).toEqual({
      user: [10001, 10001],
      written: ['/tmp', '/data'],
      first: 'node',
    })

    const stopped = await Promise.all([gateway, auth, users].map(stop))
    for (const { code, took } of stopped) {
      expect(code).toBe(0)
      expect(took).toBeLessThan(grace)
    }
  })

  /** A folder that belongs to the user of the image. */
  function ownFolder(name: string): string {
    const path = join(folder, name)
    mkdirSync(path)
    chownSync(path, 10001, 10001)
    return path
  }

  /** Returns the folder that deploy/make-secrets.sh filled, with a user and a database for each URL in it. */
  async function makeSecrets(): Promise<string> {
    const secrets = join(folder, 'secrets')
    const made = spawnSync(
      join(deploy, 'make-secrets.sh'),
      [secrets, process.execPath, ...runCompiled('scripts/portcullis')],
      { encoding: 'utf8', env: { ...process.env, DATABASE_HOST: new URL(server).host } },
    )
    if (made.status !== 0) throw new Error(made.stderr)
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    for (const name of ['auth', 'users']) {
      const { password } = new URL(readFileSync(join(secrets, `${name}-database-url`), 'utf8'))
      await client.query(`create role ${name} login password '${password}'`)
      await client.query(`create database ${name} owner ${name}`)
    }
    await client.end()
    return secrets
  }
})

/** Tries to write to each folder of the container. */
const whereWritable = `
  const { writeFileSync, readFileSync } = require('node:fs')
  const written = ['/', '/app', '/app/dist', '/etc', '/run', '/home', '/tmp', '/var/tmp', '/data'].filter((folder) => {
    try {
      writeFileSync(folder + '/written', '')
      return true
    } catch {
      return false
    }
  })
  const first = readFileSync('/proc/1/comm', 'utf8').trim()
  console.log(JSON.stringify({ user: [process.getuid(), process.getgid()], written, first }))
`

/** In memory where there is room for all layers, which makes the build twice as fast. */
function roomyFolder(): string {
  const memory = '/dev/shm'
  if (!existsSync(memory)) return tmpdir()
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize > 8 * 2 ** 30 && freemem() > 8 * 2 ** 30 ? memory : tmpdir()
}

async function loginAndReadUserData(url: string): Promise<unknown> {
  const account = { username: 'ada', password: 'correct horse battery staple' }
  const variables = '($username: String!, $password: String!)'
  const words = '(username: $username, password: $password)'
  await ask(
    url,
    `mutation${variables} { signUp${words} { user { id } problems { code } } }`,
    account,
  )
  const data = await ask(url, `mutation${variables} { login${words} { token } }`, account)
  const { token } = (data as { login: { token: string } }).login
  return ask(url, '{ userData { id } }', {}, { authorization: `Bearer ${token}` })
}

async function ask(
  url: string,
  query: string,
  variables: object,
  headers: Record<string, string> = {},
): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

async function stop(container: Container): Promise<{ code: number | null; took: number }> {
  const start = Date.now()
  container.signal('TERM')
  return { code: await container.ended, took: Date.now() - start }
}
