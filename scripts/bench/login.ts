/**
 * `npm run bench -- login`: the load that the auth subgraph can take as one process with an embedded
 * database: logins and refreshes per second, and how long other requests wait during a flood of logins.
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import { gatewayHeaders } from '../../subgraphs/kit/testing.ts'
import { ownModule } from '../own-module.ts'

const password = 'purple kangaroo sings'
const secret = 'a secret that only this benchmark knows'
const key = deriveClaimsKey(secret, 'auth')
const accounts = 20
const flood = 500

const loginMutation = `mutation ($username: String!, $password: String!) {
  login(username: $username, password: $password) { refreshToken }
}`
const refreshMutation = `mutation ($refreshToken: String!) {
  refresh(refreshToken: $refreshToken) { refreshToken }
}`

/** Prints the table. */
export async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const auth = await start(folder)
  try {
    await signUp(auth.url)
    const logins = await perSecond(200, 4, (index) => login(auth.url, index))
    const refreshes = await perSecond(400, 4, await refresher(auth.url, 4))
    const alone = await delays(auth.url, pause(2_000))
    const outcomes = { done: 0, refused: 0 }
    const during = await delays(
      auth.url,
      Promise.all(
        Array.from({ length: flood }, async (_, index) => {
          const { login } = await send(auth.url, loginMutation, credentials(index % accounts))
          if (login) outcomes.done++
          else outcomes.refused++
        }),
      ),
    )
    print([
      ['logins per second', logins.toFixed(0)],
      ['refreshes per second', refreshes.toFixed(0)],
      ['other requests, without logins', spread(alone)],
      [`other requests, during ${flood} logins at once`, spread(during)],
      [
        'of these logins',
        `${outcomes.done} succeeded, ${outcomes.refused} refused because of the load`,
      ],
    ])
  } finally {
    await stop(auth.child)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function start(folder: string): Promise<{ url: string; child: ChildProcess }> {
  const { path, execArgv } = ownModule('../../subgraphs/auth/main', import.meta.url)
  const child = fork(path, [], {
    execArgv: [...execArgv],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      PATH: process.env.PATH,
      AUTH_PORT: '0',
      DATABASE_URL: `sqlite:${join(folder, 'auth.db')}`,
      CLAIMS_KEY: Buffer.from(key).toString('base64url'),
      KEY_ENCRYPTION_SECRET: secret,
    },
  })
  const [{ listening }] = (await once(child, 'message')) as [{ listening: string }]
  return { url: listening, child }
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  if (child.exitCode === null) await once(child, 'exit')
}

async function send(
  url: string,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Record<string, any>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...gatewayHeaders('auth', key, null) },
    body: JSON.stringify({ query, variables }),
  })
  const { data } = (await response.json()) as { data?: Record<string, any> }
  return data ?? {}
}

function credentials(index: number) {
  return { username: `bench${index}`, password }
}

async function signUp(url: string): Promise<void> {
  const mutation = `mutation ($username: String!, $password: String!) {
    signUp(username: $username, password: $password) { problems { code } }
  }`
  for (let index = 0; index < accounts; index++) await send(url, mutation, credentials(index))
}

async function login(url: string, index: number): Promise<string> {
  const { login } = await send(url, loginMutation, credentials(index % accounts))
  if (!login) throw new Error('a login failed')
  return login.refreshToken
}

/** Returns a function that refreshes a token; each worker keeps its own session. */
async function refresher(url: string, workers: number) {
  const tokens = await Promise.all(Array.from({ length: workers }, (_, index) => login(url, index)))
  return async (_index: number, worker: number) => {
    const { refresh } = await send(url, refreshMutation, { refreshToken: tokens[worker] })
    tokens[worker] = refresh.refreshToken
  }
}

async function perSecond(
  total: number,
  workers: number,
  act: (index: number, worker: number) => Promise<unknown>,
): Promise<number> {
  let next = 0
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      while (next < total) await act(next++, worker)
    }),
  )
  return (total * 1000) / (performance.now() - startedAt)
}

/** Returns how long small requests took while something else went on, in milliseconds. */
async function delays(url: string, meanwhile: Promise<unknown>): Promise<number[]> {
  const health = new URL('/health', url)
  const found: number[] = []
  let over = false
  void meanwhile.finally(() => (over = true))
  while (!over) {
    const startedAt = performance.now()
    await (await fetch(health)).text()
    found.push(performance.now() - startedAt)
    await pause(5)
  }
  await meanwhile
  return found.sort((one, other) => one - other)
}

function spread(sorted: readonly number[]): string {
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(1)
  return `median ${at(0.5)} ms, 99 of 100 below ${at(0.99)} ms, longest ${at(1)} ms`
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

function print(rows: readonly [string, string][]): void {
  console.log(`the auth subgraph on SQLite, ${availableParallelism()} cores\n`)
  const width = Math.max(...rows.map(([name]) => name.length))
  for (const [name, figure] of rows) console.log(`  ${name.padEnd(width)}  ${figure}`)
}
