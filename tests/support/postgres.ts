/**
 * A real PostgreSQL for the tests: that of DATABASE_URL, or an embedded one that is started at the
 * first use, shared by every test file of the run, and ends with the run.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { until } from './until.ts'

export type Postgres = { url: string } | { failure: string }

/** An empty database of its own. */
export interface ScratchDatabase {
  readonly url: string
  drop(): Promise<void>
}

/** Returns the server, or why there is none, for the name of the skipped test. */
export async function postgresServer(): Promise<Postgres> {
  const given = process.env.DATABASE_URL
  if (given?.startsWith('postgres')) return { url: given }
  return embeddedServer()
}

/** Makes an empty database on the server. */
export async function scratchDatabase(serverUrl: string): Promise<ScratchDatabase> {
  const name = `portcullis_test_${randomBytes(6).toString('hex')}`
  await statement(serverUrl, `create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    drop: () => statement(serverUrl, `drop database if exists ${name} with (force)`),
  }
}

async function statement(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** The folder is named after the run: whichever test file makes it starts the server. */
async function embeddedServer(): Promise<Postgres> {
  const run = runPid()
  const folder = join(tmpdir(), `portcullis-postgres-${run}`)
  if (isFirst(folder)) {
    const host = fileURLToPath(new URL('postgres-host.mjs', import.meta.url))
    spawn(process.execPath, [host, folder, String(run)], {
      detached: true,
      stdio: 'ignore',
    }).unref()
  }
  return until(() => readJson(join(folder, 'ready.json')) as Postgres | undefined)
}

/** Jest's own process: a worker's parent, or this one when the tests run in band. */
function runPid(): number {
  return process.send ? process.ppid : process.pid
}

function isFirst(folder: string): boolean {
  try {
    // The server runs as another user when the tests run as root.
    mkdirSync(folder, { mode: 0o755 })
    return true
  } catch {
    return false
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
