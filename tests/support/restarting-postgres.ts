/** A real PostgreSQL of a test's own, which the test stops and starts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

export interface RestartingPostgres {
  readonly url: string
  /** Stops the server as an operator does: connections end with an error (57P01), new ones are refused. */
  stop(): Promise<void>
  /** Ends the server without a word to its connections, as a crash does. */
  crash(): Promise<void>
  start(): Promise<void>
  end(): Promise<void>
}

/** Starts a server; the failure says why there is none on this machine. */
export async function restartingPostgres(): Promise<RestartingPostgres | { failure: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-restarting-'))
  const host = fileURLToPath(new URL('postgres-host.mjs', import.meta.url))
  const child = spawn(process.execPath, [host, folder, String(process.pid)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const made = await until(() => readJson(join(folder, 'ready.json')), { atMost: 60_000 })
  if (made.url === undefined) {
    child.kill('SIGKILL')
    return { failure: String(made.failure) }
  }
  const tell = async (act: 'stop' | 'crash' | 'start' | 'end') => {
    const done = once(child, act === 'end' ? 'exit' : 'message')
    child.send(act)
    await done
  }
  return {
    url: made.url,
    stop: () => tell('stop'),
    crash: () => tell('crash'),
    start: () => tell('start'),
    end: () => tell('end'),
  }
}

function readJson(path: string): { url?: string; failure?: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
